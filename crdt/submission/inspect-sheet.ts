/**
 * A whole answer sheet against its form: what is wrong, how far it has come, and what would be stored on submit. The
 * same code runs in browsers while somebody types and on the server when it counts.
 */
import type { FieldJson, FormJson, Json } from '../form/form-json.js';
import { checkAnswer, isBlank, type IssueCode } from './answer-check.js';
import type { AnswerValues } from './answer-sheet.js';
import {
  evaluateSheet,
  fieldsBeside,
  isRepeating,
  isRow,
  MAX_ROWS,
  sheetFields,
  takesAnswer,
  type SheetPart,
  type SheetState,
} from './sheet-logic.js';

export interface AnswerIssue {
  /** Id of the field, of the group for what is wrong with a group as a whole. */
  readonly field: string;
  /** Dotted, from the sheet: `answers.f1`, or `answers.g1.0.f2` for a field in the first row of a group. */
  readonly path: string;
  readonly code: IssueCode;
  readonly message: string;
}

/** Of visible fields that take an answer; each row of a repeating group adds its own. */
export interface SheetCounts {
  readonly visible: number;
  readonly answered: number;
  readonly required: number;
  readonly answeredRequired: number;
}

export interface SheetInspection extends SheetCounts {
  readonly state: SheetState;
  /** Wrong answers. */
  readonly errors: readonly AnswerIssue[];
  /** Required answers that are not there yet. */
  readonly missing: readonly AnswerIssue[];
  /** 0 to 100: the share of required answers that are there; of all, when none is required. */
  readonly percent: number;
}

/** Never throws, whatever the answers are. */
export function inspectSheet(form: FormJson, answers: AnswerValues): SheetInspection {
  const state = evaluateSheet(form, answers);
  const inspection = new Inspection(state);
  inspection.part(sheetFields(form), state, 'answers');
  return inspection.result();
}

class Inspection {
  readonly #errors: AnswerIssue[] = [];
  readonly #missing: AnswerIssue[] = [];
  readonly #counts = { visible: 0, answered: 0, required: 0, answeredRequired: 0 };

  constructor(private readonly state: SheetState) {}

  part(fields: readonly FieldJson[], part: SheetPart, path: string): void {
    for (const field of fields) {
      if (takesAnswer(field) && part.visible.has(field.id)) this.#field(field, part, `${path}.${field.id}`);
    }
  }

  #field(field: FieldJson, part: SheetPart, path: string): void {
    const value = part.values[field.id];
    const isNeeded = part.required.has(field.id) || (field.type === 'group' && (field.repeat?.min ?? 0) > 0);
    // What nobody can fill in is not waited for.
    const isRequired = isNeeded && part.enabled.has(field.id);
    this.#counts.visible += 1;
    if (isRequired) this.#counts.required += 1;
    if (value === undefined || isBlank(value)) {
      if (isRequired) this.#missing.push({ field: field.id, path, code: 'required', message: 'is required' });
      return;
    }
    this.#counts.answered += 1;
    if (isRequired) this.#counts.answeredRequired += 1;
    if (field.type === 'group') this.#rows(field, value, path);
    for (const { code, message, at } of checkAnswer(field, value)) {
      this.#errors.push({ field: field.id, path: at === undefined ? path : `${path}.${at}`, code, message });
    }
  }

  #rows(group: FieldJson, value: Json, path: string): void {
    const error = (code: IssueCode, message: string): void =>
      void this.#errors.push({ field: group.id, path, code, message });
    if (!Array.isArray(value) || !value.every(isRow)) {
      error('type', 'must be a list of objects by field');
      return;
    }
    const { min = 0, max = MAX_ROWS } = group.repeat ?? {};
    if (value.length < min) error('minItems', `must be filled at least ${min} times`);
    if (value.length > Math.min(max, MAX_ROWS))
      error('maxItems', `must be filled at most ${Math.min(max, MAX_ROWS)} times`);
    // A group within a row is a row's own affair; rows of rows are not evaluated, only checked for their type.
    const fields = fieldsBeside(group.fields ?? []);
    (this.state.rows.get(group.id) ?? []).forEach((part, i) => this.part(fields, part, `${path}.${i}`));
  }

  result(): SheetInspection {
    const { visible, answered, required, answeredRequired } = this.#counts;
    const [done, all] = required > 0 ? [answeredRequired, required] : [answered, visible];
    return {
      ...this.#counts,
      state: this.state,
      errors: this.#errors,
      missing: this.#missing,
      percent: all === 0 ? 100 : Math.floor((100 * done) / all),
    };
  }
}

/** What a submission keeps: answers of visible fields, and calculated values. */
export function settledAnswers(form: FormJson, state: SheetState): { answers: AnswerValues; calculated: AnswerValues } {
  const answers: Record<string, Json> = {};
  const calculated: Record<string, Json> = {};
  for (const field of sheetFields(form)) {
    const value = state.values[field.id];
    if (value === undefined || !state.visible.has(field.id)) continue;
    const rows = isRepeating(field) ? state.rows.get(field.id) : undefined;
    if (field.type === 'calculated') calculated[field.id] = value;
    else answers[field.id] = rows === undefined ? value : rows.map((row) => ({ ...row.values }));
  }
  return { answers, calculated };
}

/** Why answers cannot be written at all: there is no such field, or it takes none. By field id. */
export function unanswerable(form: FormJson, fieldIds: Iterable<string>): Map<string, string> {
  const fields = new Map(sheetFields(form).map((field) => [field.id, field]));
  const problems = new Map<string, string>();
  for (const id of fieldIds) {
    const field = fields.get(id);
    if (field === undefined) problems.set(id, 'is not a field of this version, or stands in a group that repeats');
    else if (!takesAnswer(field)) problems.set(id, 'takes no answer');
  }
  return problems;
}

/** What a new sheet begins with. */
export function defaultAnswers(form: FormJson): AnswerValues {
  const defaults = sheetFields(form).flatMap(({ id, defaultValue, ...field }): [string, Json][] =>
    defaultValue === undefined || defaultValue === null || !takesAnswer({ id, ...field }) ? [] : [[id, defaultValue]],
  );
  return Object.fromEntries(defaults);
}
