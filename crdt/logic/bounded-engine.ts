/**
 * The JSONLogic engine with a budget. Rules are written by whoever edits a form, and a server evaluates them for each
 * answer: `map` in `map` in `map` over a list of 1,000 would take minutes, and `reduce` can double a text at each step.
 */
import { LogicEngine } from 'json-logic-engine';

/** Thrown when the work of a rule is over what is left. */
class RuleTooCostlyError extends Error {
  override readonly name = 'RuleTooCostlyError';
}

/** Steps that remain. Several rules may share one. */
export interface RuleBudget {
  steps: number;
}

/** Interpreted part by part, without the plans that the engine would keep, so that each part is counted. */
export class BoundedEngine extends LogicEngine {
  #budget: RuleBudget = { steps: 0 };

  constructor() {
    super(undefined, { disableInterpretedOptimization: true });
  }

  /** @throws RuleTooCostlyError, and values of many kinds for wrong arguments of an operator */
  evaluate(rule: unknown, data: unknown, budget: RuleBudget): unknown {
    this.#budget = budget;
    return this.run(rule, data);
  }

  override run(rule: unknown, data?: unknown, options?: { above?: unknown }): unknown {
    this.#spend(1);
    const result: unknown = super.run(rule, data, options);
    if (typeof result === 'string' || Array.isArray(result)) this.#spend(result.length >> 6);
    return result;
  }

  has(operator: string): boolean {
    return Object.hasOwn(this.methods as object, operator);
  }

  #spend(steps: number): void {
    this.#budget.steps -= steps;
    if (this.#budget.steps < 0) throw new RuleTooCostlyError('the rule takes too long');
  }
}
