/**
 * JSONLogic over answers, interpreted: no `eval`, no `Function`, so it runs under a strict content security policy.
 * Variables are field ids. Source: jsonlogic.com.
 */
import { LogicEngine } from 'json-logic-engine';
import type { FieldJson, FormJson, Json } from '../form/form-json.js';

export type Answers = Readonly<Record<string, unknown>>;

const MAX_NODES = 2_000;
const MAX_DEPTH = 32;

const engine = new LogicEngine();
/** Operators that take something other than data: a log is a side effect. */
const REFUSED = new Set(['log']);

/** What a rule evaluates to; undefined when it is too large, unknown or fails: a form must not fail with its rule. */
export function evaluateRule(rule: Json, answers: Answers): unknown {
  if (rule === null || typeof rule !== 'object') return rule;
  if (ruleProblem(rule) !== undefined) return undefined;
  try {
    return engine.run(rule, answers) as unknown;
  } catch {
    // Wrong arguments for an operator; the library throws values of many kinds.
    return undefined;
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
    if (REFUSED.has(operator) || !Object.hasOwn(engine.methods, operator)) return `there is no operator "${operator}"`;
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

/** Field ids that a rule reads: the first segment of each `var`, and those of `missing` and `missing_some`. */
export function variablesOf(rule: Json | undefined): Set<string> {
  const found = new Set<string>();
  const visit = (node: Json | undefined): void => {
    if (node === null || typeof node !== 'object') return;
    if (Array.isArray(node)) {
      node.forEach(visit);
      return;
    }
    for (const [operator, value] of Object.entries(node)) {
      if (operator === 'var') addName(Array.isArray(value) ? value[0] : value);
      else if (operator === 'missing') [value].flat().forEach(addName);
      else if (operator === 'missing_some') [Array.isArray(value) ? value[1] : []].flat().forEach(addName);
      visit(value);
    }
  };
  const addName = (name: Json | undefined): void => {
    if (typeof name === 'string' && name !== '') found.add(name.split('.')[0] ?? name);
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

/** Which fields are shown, needed and enabled for these answers. A hidden field's children are hidden too. */
export function evaluateForm(form: FormJson, answers: Answers): FormState {
  const calculated: Record<string, unknown> = {};
  const fields = form.pages.flatMap((page) => allFields(page.fields));
  // Calculated values may depend on each other; a cycle settles nowhere and is cut after as many rounds as there are fields.
  for (let round = 0; round < Math.min(fields.length, 16); round++) {
    let hasChanged = false;
    for (const field of fields) {
      if (field.calculate === undefined) continue;
      const value = evaluateRule(field.calculate, { ...answers, ...calculated });
      if (Object.is(value, calculated[field.id])) continue;
      calculated[field.id] = value;
      hasChanged = true;
    }
    if (!hasChanged) break;
  }
  const values = { ...answers, ...calculated };
  const visible = new Set<string>();
  const required = new Set<string>();
  const enabled = new Set<string>();
  const holds = (rule: Json | undefined, fallback: boolean): boolean =>
    rule === undefined ? fallback : Boolean(evaluateRule(rule, values));
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

export function allFields(fields: readonly FieldJson[]): FieldJson[] {
  return fields.flatMap((field) => [field, ...allFields(field.fields ?? [])]);
}
