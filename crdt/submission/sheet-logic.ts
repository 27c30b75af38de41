/**
 * What a form's logic says about a sheet: which pages and fields it leads to, and what is needed there.
 *
 * The answers of hidden fields count as absent, for the logic too: what is stored on submit then leads to the same
 * fields again. Hiding one field may hide others, so it is evaluated until nothing changes; logic that depends on itself
 * is cut off after as many rounds as there are fields (64 at most).
 */
import type { FieldJson, FormJson, Json, PageJson } from '../form/form-json.js';
import { asJson } from '../form/json-value.js';
import { allFields, evaluateForm, evaluateRule, type FormState } from '../logic/evaluate.js';
import type { AnswerValues } from './answer-sheet.js';

/** The fields of one place: the form itself, or one row of a group that repeats. */
export interface SheetPart {
  readonly visible: ReadonlySet<string>;
  readonly required: ReadonlySet<string>;
  readonly enabled: ReadonlySet<string>;
  /** Answers of visible fields, and calculated values. */
  readonly values: AnswerValues;
}

export interface SheetState extends SheetPart {
  /** Pages in the order in which they are gone through, following jumps. */
  readonly pages: readonly string[];
  /** By id of a visible group that repeats. */
  readonly rows: ReadonlyMap<string, readonly SheetPart[]>;
}

const MAX_ROUNDS = 64;
/** A hostile sheet may hold more rows than anyone would fill. */
export const MAX_ROWS = 1_000;

export const isRepeating = (field: FieldJson): boolean => field.type === 'group' && field.repeat !== undefined;
/** Field types that nobody answers. */
const WITHOUT_ANSWER: ReadonlySet<string> = new Set(['statement', 'calculated']);
export const takesAnswer = (field: FieldJson): boolean =>
  field.type === 'group' ? isRepeating(field) : !WITHOUT_ANSWER.has(field.type);

/** Fields whose values stand at the top of the sheet: those inside repeating groups stand in rows. */
export function sheetFields(form: Pick<FormJson, 'pages'>): FieldJson[] {
  return form.pages.flatMap((page) => fieldsBeside(page.fields));
}

export function fieldsBeside(fields: readonly FieldJson[]): FieldJson[] {
  return fields.flatMap((field) => [field, ...(isRepeating(field) ? [] : fieldsBeside(field.fields ?? []))]);
}

/** Never throws, whatever the answers are. */
export function evaluateSheet(form: FormJson, answers: AnswerValues): SheetState {
  const flat: FormJson = { ...form, pages: form.pages.map(withoutRows) };
  const { state, values, pages } = settle(flat, answers, {});
  const rows = new Map<string, SheetPart[]>();
  for (const field of sheetFields(form)) {
    if (isRepeating(field) && state.visible.has(field.id))
      rows.set(
        field.id,
        rowsOf(values[field.id], field.repeat?.max).map((row) => evaluateRow(form, field, row, values)),
      );
  }
  return { visible: state.visible, required: state.required, enabled: state.enabled, values, pages, rows };
}

/** The objects in the value of a group that repeats; rows over the limit are an error and looked into no further. */
function rowsOf(value: Json | undefined, max: number = MAX_ROWS): AnswerValues[] {
  if (!Array.isArray(value)) return [];
  return value.slice(0, Math.min(max, MAX_ROWS)).map((row) => (isRow(row) ? row : {}));
}

export const isRow = (value: Json | undefined): value is Record<string, Json> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Rules inside a row see its fields, and those of the form around it. */
function evaluateRow(form: FormJson, group: FieldJson, row: AnswerValues, around: AnswerValues): SheetPart {
  const page: PageJson = { id: group.id, title: {}, description: {}, fields: group.fields ?? [] };
  const { state, values } = settle({ ...form, pages: [page] }, row, around);
  return { visible: state.visible, required: state.required, enabled: state.enabled, values };
}

interface Settled {
  readonly state: FormState;
  readonly values: AnswerValues;
  readonly pages: readonly string[];
}

function settle(form: FormJson, answers: AnswerValues, around: AnswerValues): Settled {
  const fields = form.pages.flatMap((page) => allFields(page.fields));
  const isOwn = new Map(fields.map((field) => [field.id, takesAnswer(field)]));
  const rounds = Math.min(fields.length + 2, MAX_ROUNDS);
  let values: AnswerValues = Object.fromEntries(Object.entries(answers).filter(([id]) => isOwn.get(id) === true));
  const given = values;
  let mark = '';
  for (let round = 1; ; round += 1) {
    const path = pathOf(form, { ...around, ...values });
    const state = evaluateForm({ ...form, pages: path }, { ...around, ...withoutCalculated(values, isOwn) });
    values = {
      ...Object.fromEntries(Object.entries(given).filter(([id]) => state.visible.has(id))),
      ...calculatedOf(state),
    };
    const pages = path.map(({ id }) => id);
    const next = JSON.stringify([pages, [...state.visible], [...state.required], [...state.enabled], values]);
    if (next === mark || round >= rounds) return { state, values, pages };
    mark = next;
  }
}

function withoutCalculated(values: AnswerValues, isOwn: ReadonlyMap<string, boolean>): AnswerValues {
  return Object.fromEntries(Object.entries(values).filter(([id]) => isOwn.get(id) === true));
}

/** Visible calculated values, as far as JSON can say them. */
function calculatedOf({ calculated, visible }: FormState): Record<string, Json> {
  const values: Record<string, Json> = {};
  for (const [id, value] of Object.entries(calculated)) {
    const json = visible.has(id) ? asJson(value) : undefined;
    if (json !== undefined && json !== null) values[id] = json;
  }
  return values;
}

/**
 * The first jump that holds leads to its page; without one, the next page follows. No page is gone through twice, so a
 * loop of jumps ends; a jump to a page that is not there counts as none.
 */
function pathOf(form: FormJson, values: AnswerValues): PageJson[] {
  const indexes = new Map(form.pages.map((page, index) => [page.id, index]));
  const seen = new Set<string>();
  const path: PageJson[] = [];
  for (let at = 0; at < form.pages.length;) {
    const page = form.pages[at];
    at += 1;
    if (page === undefined || seen.has(page.id) || !holds(page.visibleIf, values)) continue;
    seen.add(page.id);
    path.push(page);
    const jump = page.jumps?.find((candidate) => holds(candidate.if, values));
    if (jump?.to === 'end') break;
    const target = jump === undefined ? undefined : indexes.get(jump.to);
    if (target !== undefined && !seen.has(jump?.to ?? '')) at = target;
  }
  return path;
}

const holds = (rule: Json | undefined, values: AnswerValues): boolean =>
  rule === undefined || Boolean(evaluateRule(rule, values));

function withoutRows(page: PageJson): PageJson {
  return { ...page, fields: page.fields.map(strip) };
}

function strip(field: FieldJson): FieldJson {
  if (isRepeating(field)) return { ...field, fields: [] };
  return field.fields === undefined ? field : { ...field, fields: field.fields.map(strip) };
}
