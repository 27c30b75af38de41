/**
 * JSONLogic over answers, interpreted: no `eval`, no `Function`, so it runs under a strict content security policy.
 * Variables are field ids. Source: jsonlogic.com.
 */
import type { FieldJson, FormJson } from '../form/form-json.js';
import { allFields } from '../form/all-fields.js';
import { asJson, type Json } from '../form/json-value.js';
import { BoundedEngine, type RuleBudget } from './bounded-engine.js';

export { allFields };

export type Answers = Readonly<Record<string, unknown>>;

const MAX_NODES = 2_000;
const MAX_DEPTH = 32;
/** Steps of one rule: about 10 ms. */
const MAX_RULE_STEPS = 50_000;
/** Steps of all rules of a form together: about 200 ms. */
const MAX_FORM_STEPS = 1_000_000;

const engine = new BoundedEngine();
/** Operators that take something other than data: a log is a side effect. */
const REFUSED = new Set(['log']);

/**
 * What a rule evaluates to, as JSON; undefined when it is too large, takes too long, is unknown or fails: a form must
 * not fail with its rule.
 */
export function evaluateRule(rule: Json, answers: Answers): unknown {
  return evaluateWithin({ steps: MAX_RULE_STEPS }, rule, answers);
}

function evaluateWithin(budget: RuleBudget, rule: Json, answers: Answers): unknown {
  if (rule === null || typeof rule !== 'object') return rule;
  if (ruleProblem(rule) !== undefined) return undefined;
  const own = { steps: Math.min(budget.steps, MAX_RULE_STEPS) };
  const granted = own.steps;
  try {
    // `val` reaches members that every object has: what is no JSON is no value.
    return asJson(engine.evaluate(rule, answers, own));
  } catch {
    // Over the budget, or wrong arguments for an operator; the library throws values of many kinds.
    return undefined;
  } finally {
    budget.steps -= granted - Math.max(own.steps, 0);
  }
}

/** Why a rule cannot be evaluated; undefined when it can. */
export function ruleProblem(rule: Json): string | undefined {
  let nodes = 0;
  const check = (node: Json, depth: number): string | undefined => {
    nodes += 1;
    if (nodes > MAX_NODES) return `a rule has at most ${MAX_NODES} parts`;
    if (depth > MAX_DEPTH) return `a rule is nested at most ${MAX_DEPTH} deep`;
    if (node === null || typeof node !== 'object') return undefined;
    if (Array.isArray(node)) return firstProblem(node, depth);
    const entries = Object.entries(node);
    const [operator] = entries[0] ?? [''];
    if (entries.length !== 1) return 'a rule is one operator with its arguments';
    if (REFUSED.has(operator) || !engine.has(operator)) return `there is no operator "${operator}"`;
    return firstProblem(
      entries.map(([, value]) => value),
      depth,
    );
  };
  const firstProblem = (nodesBelow: readonly Json[], depth: number): string | undefined => {
    for (const node of nodesBelow) {
      const problem = check(node, depth + 1);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
  return check(rule, 0);
}

/** Operators whose second argument is evaluated for each item of their first: its variables are the item's. */
const ITERATORS = new Set(['map', 'filter', 'all', 'every', 'none', 'some', 'reduce']);

/** Field ids that a rule reads: the first segment of each `var`, and those of `val`, `exists`, `missing`, `missing_some`. */
export function variablesOf(rule: Json | undefined): Set<string> {
  const found = new Set<string>();
  const visit = (node: Json | undefined): void => {
    if (node === null || typeof node !== 'object') return;
    if (Array.isArray(node)) {
      node.forEach(visit);
      return;
    }
    for (const [operator, value] of Object.entries(node)) {
      if (operator === 'var') addPath(Array.isArray(value) ? value[0] : value);
      else if (operator === 'val' || operator === 'exists') addName(Array.isArray(value) ? value[0] : value);
      else if (operator === 'missing') [value].flat().forEach(addPath);
      else if (operator === 'missing_some') [Array.isArray(value) ? value[1] : []].flat().forEach(addPath);
      if (ITERATORS.has(operator) && Array.isArray(value)) visit(value.filter((_, i) => i !== 1));
      else visit(value);
    }
  };
  const addPath = (path: Json | undefined): void => {
    if (typeof path === 'string') addName(path.split('.')[0]);
  };
  const addName = (name: Json | undefined): void => {
    if (typeof name === 'string' && name !== '') found.add(name);
  };
  visit(rule);
  return found;
}

export interface FormState {
  readonly visible: ReadonlySet<string>;
  readonly required: ReadonlySet<string>;
  readonly enabled: ReadonlySet<string>;
  /** Values of `calculated` fields. */
  readonly calculated: Readonly<Record<string, unknown>>;
}

/**
 * Which fields are shown, needed and enabled for these answers. A hidden field's children are hidden too. Calculated values
 * that depend on themselves are calculated once, from what is known by then.
 */
export function evaluateForm(form: FormJson, answers: Answers): FormState {
  const fields = form.pages.flatMap((page) => allFields(page.fields));
  const budget = { steps: MAX_FORM_STEPS };
  const calculated: Record<string, unknown> = {};
  const values: Record<string, unknown> = { ...answers };
  for (const field of inOrderOfReading(fields)) {
    const value = evaluateWithin(budget, field.calculate ?? null, values);
    calculated[field.id] = value;
    values[field.id] = value;
  }
  const visible = new Set<string>();
  const required = new Set<string>();
  const enabled = new Set<string>();
  const holds = (rule: Json | undefined, fallback: boolean): boolean =>
    rule === undefined ? fallback : Boolean(evaluateWithin(budget, rule, values));
  const visit = (field: FieldJson): void => {
    if (!holds(field.visibleIf, true)) return;
    visible.add(field.id);
    if (field.required || holds(field.requiredIf, false)) required.add(field.id);
    if (holds(field.enabledIf, true)) enabled.add(field.id);
    field.fields?.forEach(visit);
  };
  for (const page of form.pages) if (holds(page.visibleIf, true)) page.fields.forEach(visit);
  return { visible, required, enabled, calculated };
}

/** Fields with `calculate`, each after those that it reads. In a cycle, the first in the form is the last calculated. */
function inOrderOfReading(fields: readonly FieldJson[]): FieldJson[] {
  const waiting = new Map(fields.filter((field) => field.calculate !== undefined).map((field) => [field.id, field]));
  const ordered: FieldJson[] = [];
  for (const start of [...waiting.values()]) {
    // A stack of our own: thousands of fields may read each other in a row.
    const stack = waiting.delete(start.id) ? [{ field: start, reads: [...variablesOf(start.calculate)] }] : [];
    for (let top = stack[stack.length - 1]; top !== undefined; top = stack[stack.length - 1]) {
      const id = top.reads.shift();
      const next = id === undefined ? undefined : waiting.get(id);
      if (id === undefined) {
        ordered.push(top.field);
        stack.pop();
      } else if (next !== undefined) {
        waiting.delete(id);
        stack.push({ field: next, reads: [...variablesOf(next.calculate)] });
      }
    }
  }
  return ordered;
}
