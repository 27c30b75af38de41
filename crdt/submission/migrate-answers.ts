/**
 * What becomes of answers when their sheet moves to another version of the form. Pure: the same code shows the
 * respondent what would happen and makes it happen.
 *
 *   kept       the value stays as it is; `issues` says what the new version finds wrong with it
 *   converted  the value was carried over to another type of field, or lost the options that are gone
 *   dropped    there is no such field any more, or nothing of the value fits it
 */
import { isSameJson } from '../form/equality.js';
import type { FieldJson, FieldType, FormJson, Json } from '../form/form-json.js';
import { checkAnswer, isBlank } from './answer-check.js';
import type { AnswerValues } from './answer-sheet.js';
import { isRepeating, isRow, sheetFields, takesAnswer } from './sheet-logic.js';

export const MIGRATION_OUTCOMES = ['kept', 'converted', 'dropped'] as const;
export type MigrationOutcome = (typeof MIGRATION_OUTCOMES)[number];

export interface AnswerMigration {
  readonly field: string;
  readonly outcome: MigrationOutcome;
  readonly before: Json;
  /** Absent when it was dropped. */
  readonly after?: Json;
  /** Why it did not stay as it was; for a kept one, what the new version finds wrong. */
  readonly message?: string;
}

/** Ordered as the answers are. Blank answers are none and are left out. */
export function migrateAnswers(to: Pick<FormJson, 'pages'>, answers: AnswerValues): AnswerMigration[] {
  const fields = new Map(sheetFields(to).map((field) => [field.id, field]));
  return Object.entries(answers)
    .filter(([, value]) => !isBlank(value))
    .map(([field, before]) => ({ field, before, ...outcomeOf(fields.get(field), before) }));
}

/** What to write into the sheet: `null` takes an answer away. */
export function migratedAnswers(migrations: readonly AnswerMigration[]): AnswerValues {
  return Object.fromEntries(
    migrations
      .filter(({ outcome }) => outcome !== 'kept')
      .map(({ field, after }): [string, Json] => [field, after ?? null]),
  );
}

type Outcome = Pick<AnswerMigration, 'outcome' | 'after' | 'message'>;

function outcomeOf(field: FieldJson | undefined, value: Json): Outcome {
  if (field === undefined || !takesAnswer(field)) return dropped('the version does not ask for it');
  if (isRepeating(field)) return rowsOutcome(field, value);
  const findings = checkAnswer(field, value);
  const isMisfit = findings.some(({ code }) => code === 'type' || code === 'option' || code === 'format');
  if (!isMisfit) {
    const [first] = findings;
    return { outcome: 'kept', after: value, ...(first === undefined ? {} : { message: first.message }) };
  }
  const after = converted(field, value);
  if (after === undefined || isBlank(after)) return dropped(findings[0]?.message ?? 'does not fit the field');
  return { outcome: 'converted', after, message: findings[0]?.message ?? 'does not fit the field' };
}

/** Members of rows that have no field any more go; the rows stay. */
function rowsOutcome(group: FieldJson, value: Json): Outcome {
  if (!Array.isArray(value) || !value.every(isRow)) return dropped('must be a list of objects by field');
  const rows = value.map((row) =>
    Object.fromEntries(
      migrateAnswers(
        { pages: [{ id: group.id, title: {}, description: {}, fields: group.fields ?? [] }] },
        row,
      ).flatMap(({ field, after }): [string, Json][] => (after === undefined ? [] : [[field, after]])),
    ),
  );
  if (isSameJson(rows, value)) return { outcome: 'kept', after: value };
  if (isBlank(rows)) return dropped('the version asks for nothing in it');
  return { outcome: 'converted', after: rows, message: 'the group has other fields' };
}

const dropped = (message: string): Outcome => ({ outcome: 'dropped', message });

const TEXTS: ReadonlySet<FieldType> = new Set(['text', 'paragraph', 'hidden', 'email', 'phone', 'url', 'address']);
const ONE_OF: ReadonlySet<FieldType> = new Set(['choice', 'dropdown']);
const SOME_OF: ReadonlySet<FieldType> = new Set(['choices', 'ranking']);
const NUMBERS: ReadonlySet<FieldType> = new Set(['number', 'rating', 'scale']);

/** The value as the field would have been answered, where nothing has to be guessed. */
function converted(field: FieldJson, value: Json): Json | undefined {
  const candidate = candidateFor(field, value);
  if (candidate === undefined) return undefined;
  // A limit that the value does not keep is told of as any other; what is no value of this type at all is not written.
  const isMisfit = checkAnswer(field, candidate).some(
    ({ code }) => code === 'type' || code === 'option' || code === 'format',
  );
  return isMisfit ? undefined : candidate;
}

function candidateFor(field: FieldJson, value: Json): Json | undefined {
  const { type } = field;
  if (SOME_OF.has(type)) return asList(value).filter((item) => isOptionOf(field, item));
  if (ONE_OF.has(type)) {
    const [only, ...others] = asList(value).filter((item) => isOptionOf(field, item));
    return others.length === 0 ? only : undefined;
  }
  if (type === 'matrix') return isRow(value) ? fittingRows(field, value) : undefined;
  if (NUMBERS.has(type)) {
    return typeof value === 'string' && /^\s*-?\d+(\.\d+)?\s*$/.test(value) ? Number(value) : undefined;
  }
  if (TEXTS.has(type)) return asText(value);
  if (type === 'date' && typeof value === 'string') return value.slice(0, 10);
  if (type === 'datetime' && typeof value === 'string') return `${value}T00:00`;
  return undefined;
}

const asList = (value: Json): Json[] => (Array.isArray(value) ? value : [value]);

const isOptionOf = (field: FieldJson, value: Json): boolean =>
  checkAnswer({ ...field, type: 'choice' }, value).length === 0;

function fittingRows(field: FieldJson, value: Record<string, Json>): Json {
  return Object.fromEntries(
    Object.entries(value).filter(([row, column]) => checkAnswer(field, { [row]: column }).length === 0),
  );
}

function asText(value: Json): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (!Array.isArray(value)) return undefined;
  return value.every((item) => item !== null && typeof item !== 'object') ? value.join(', ') : undefined;
}
