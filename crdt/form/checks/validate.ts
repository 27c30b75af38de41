/** What the schema cannot say: references, cycles, limits that contradict each other. */
import { allFields, ruleProblem, variablesOf } from '../../logic/evaluate.js';
import { compilePattern } from '../../submission/pattern/compile.js';
import { UnsupportedPatternError } from '../../submission/pattern/program.js';
import type { FieldJson, FormJson, Json } from '../form-json.js';
import { CHOICE_TYPES } from '../shape.js';

export interface FormIssue {
  /** Dotted, as `fields.f1.visibleIf`. */
  readonly path: string;
  readonly message: string;
  readonly code: string;
  /** `error`: it cannot be stored so. `warning`: it can, but will not work as it was meant. */
  readonly severity: 'error' | 'warning';
}

export function validateForm(form: FormJson): FormIssue[] {
  const issues: FormIssue[] = [];
  const error = (path: string, code: string, message: string): void =>
    void issues.push({ path, code, message, severity: 'error' });
  const warning = (path: string, code: string, message: string): void =>
    void issues.push({ path, code, message, severity: 'warning' });
  const fields = form.pages.flatMap((page) => allFields(page.fields));
  const fieldIds = new Set(fields.map((field) => field.id));
  const pageIds = new Set(form.pages.map((page) => page.id));

  for (const id of duplicates(form.pages)) error(`pages.${id}`, 'duplicate_id', `two pages have the id "${id}"`);
  for (const id of duplicates(fields)) error(`fields.${id}`, 'duplicate_id', `two fields have the id "${id}"`);

  const checkRule = (path: string, rule: Json | undefined): void => {
    if (rule === undefined) return;
    const problem = ruleProblem(rule);
    if (problem !== undefined) warning(path, 'rule_invalid', problem);
    for (const id of variablesOf(rule)) {
      if (!fieldIds.has(id)) warning(path, 'unknown_field', `the rule asks for "${id}", which is no field`);
    }
  };
  for (const page of form.pages) {
    checkRule(`pages.${page.id}.visibleIf`, page.visibleIf);
    page.jumps?.forEach((jump, i) => {
      checkRule(`pages.${page.id}.jumps.${i}.if`, jump.if);
      if (jump.to !== 'end' && !pageIds.has(jump.to)) {
        warning(`pages.${page.id}.jumps.${i}.to`, 'unknown_page', `there is no page "${jump.to}"`);
      }
    });
  }
  for (const field of fields) {
    const path = `fields.${field.id}`;
    for (const member of ['visibleIf', 'requiredIf', 'enabledIf', 'calculate'] as const) {
      checkRule(`${path}.${member}`, field[member]);
    }
    for (const list of ['options', 'rows'] as const) {
      for (const id of duplicates(field[list] ?? [])) {
        error(`${path}.${list}.${id}`, 'duplicate_id', `two ${list} have the id "${id}"`);
      }
    }
    if (CHOICE_TYPES.has(field.type) && (field.options ?? []).length === 0) {
      warning(`${path}.options`, 'no_options', 'there is nothing to choose from');
    }
    if (field.type !== 'group' && (field.fields ?? []).length > 0) {
      error(`${path}.fields`, 'no_group', 'only a group holds fields');
    }
    checkLimits(field, (member, code, message) => warning(`${path}.validation.${member}`, code, message));
  }
  for (const id of cycles(fields)) warning(`fields.${id}`, 'logic_cycle', 'its logic depends on itself');
  return issues;
}

function checkLimits(field: FieldJson, warn: (member: string, code: string, message: string) => void): void {
  const { minLength, maxLength, minItems, maxItems, min, max, pattern } = field.validation;
  const isAbove = (low: number | string | undefined, high: number | string | undefined): boolean =>
    low !== undefined && high !== undefined && typeof low === typeof high && low > high;
  if (isAbove(minLength, maxLength)) warn('minLength', 'limits', 'minLength is above maxLength');
  if (isAbove(minItems, maxItems)) warn('minItems', 'limits', 'minItems is above maxItems');
  if (isAbove(min, max)) warn('min', 'limits', 'min is above max');
  if (pattern !== undefined) {
    const problem = patternProblem(pattern);
    if (problem !== undefined) warn('pattern', ...problem);
  }
}

/** Patterns run on the server over what anyone types: those without a bound on their work are not run at all. */
function patternProblem(pattern: string): [code: string, message: string] | undefined {
  try {
    compilePattern(pattern);
    return undefined;
  } catch (error) {
    if (error instanceof UnsupportedPatternError) return ['pattern_unsupported', error.message];
    if (error instanceof SyntaxError) return ['pattern_invalid', 'not a regular expression'];
    throw error;
  }
}

function duplicates(items: readonly { readonly id: string }[]): Set<string> {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const { id } of items) (seen.has(id) ? twice : seen).add(id);
  return twice;
}

/** Fields whose visibility or value depends on itself, by way of others. */
function cycles(fields: readonly FieldJson[]): Set<string> {
  const reads = new Map(
    fields.map((field) => [field.id, new Set([...variablesOf(field.visibleIf), ...variablesOf(field.calculate)])]),
  );
  const inCycle = new Set<string>();
  for (const start of reads.keys()) {
    const reached = new Set<string>();
    const stack = [...(reads.get(start) ?? [])];
    for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
      if (reached.has(id)) continue;
      reached.add(id);
      stack.push(...(reads.get(id) ?? []));
    }
    if (reached.has(start)) inCycle.add(start);
  }
  return inCycle;
}
