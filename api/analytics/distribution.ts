/**
 * How the answers to one field are distributed, over the newest submissions that were handed in. Read from the
 * submissions themselves, so that it holds nothing of what was erased, and never a text that somebody wrote.
 */
import type { FieldJson, Json } from '../../crdt/index.js';
import { isBlank } from '../../crdt/submission/index.js';
import type { SubmissionStore } from '../submissions/index.js';

const MAX_SUBMISSIONS = 5_000;
const MAX_VALUES = 100;
const BINS = 10;

export interface Distribution {
  /** `none` for what cannot be summed up, such as files and matrices. */
  readonly kind: 'values' | 'numbers' | 'texts' | 'none';
  readonly answers: number;
  /** How many submissions were looked at, and whether these are all. */
  readonly submissions: number;
  readonly isComplete: boolean;
  readonly values?: readonly { readonly value: string; readonly count: number }[];
  readonly numbers?: {
    readonly min: number;
    readonly max: number;
    readonly mean: number;
    readonly median: number;
    readonly bins: readonly { readonly from: number; readonly to: number; readonly count: number }[];
  };
  readonly texts?: { readonly meanLength: number; readonly longest: number };
}

const KINDS: Readonly<Partial<Record<FieldJson['type'], Distribution['kind']>>> = {
  choice: 'values',
  choices: 'values',
  dropdown: 'values',
  boolean: 'values',
  rating: 'values',
  scale: 'values',
  number: 'numbers',
  calculated: 'numbers',
  text: 'texts',
  paragraph: 'texts',
  email: 'texts',
  phone: 'texts',
  url: 'texts',
};

export async function distributionOf(store: SubmissionStore, formId: string, field: FieldJson): Promise<Distribution> {
  const answers: Json[] = [];
  let [scanned, submissions] = [0, 0];
  let isComplete = true;
  for await (const { final } of store.scan(formId, null)) {
    scanned += 1;
    if (scanned > MAX_SUBMISSIONS) {
      isComplete = false;
      break;
    }
    if (final === null) continue;
    submissions += 1;
    const answer = final.answers[field.id] ?? final.calculated[field.id];
    if (answer !== undefined && !isBlank(answer)) answers.push(answer);
  }
  const kind = KINDS[field.type] ?? 'none';
  const facts = { kind, answers: answers.length, submissions, isComplete };
  if (kind === 'values') return { ...facts, values: countValues(field, answers) };
  if (kind === 'numbers') {
    const numbers = answers.filter((answer) => typeof answer === 'number').sort((a, b) => a - b);
    return numbers.length === 0 ? facts : { ...facts, numbers: describe(numbers) };
  }
  if (kind !== 'texts') return facts;
  const lengths = answers.map((answer) => (typeof answer === 'string' ? answer.length : 0));
  return { ...facts, texts: { meanLength: mean(lengths), longest: lengths.reduce((a, b) => Math.max(a, b), 0) } };
}

/** Every option, also those that nobody chose; what is no option only for fields that have none. */
function countValues({ type, options }: FieldJson, answers: readonly Json[]): { value: string; count: number }[] {
  const counts = new Map<string, number>((options ?? []).map(({ id }) => [id, 0]));
  if (type === 'boolean') for (const value of ['true', 'false']) counts.set(value, 0);
  const idOf = new Map((options ?? []).map(({ id, value }) => [String(value ?? id), id]));
  for (const chosen of answers.flatMap((answer) => (Array.isArray(answer) ? [...new Set(answer)] : [answer]))) {
    if (chosen === null || typeof chosen === 'object') continue;
    const text = String(chosen);
    const value = counts.has(text) ? text : (idOf.get(text) ?? text);
    // Somebody's own words are no option.
    if (!counts.has(value) && typeof chosen === 'string') continue;
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return [...counts].slice(0, MAX_VALUES).map(([value, count]) => ({ value, count }));
}

function describe(sorted: readonly number[]): NonNullable<Distribution['numbers']> {
  const [min = 0, max = 0] = [sorted[0], sorted.at(-1)];
  const width = (max - min) / BINS || 1;
  const counts = new Array<number>(max === min ? 1 : BINS).fill(0);
  for (const number of sorted) {
    const bin = Math.min(counts.length - 1, Math.floor((number - min) / width));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  const bins = counts.map((count, i) => ({
    from: min + i * width,
    to: i === counts.length - 1 ? max : min + (i + 1) * width,
    count,
  }));
  return { min, max, mean: mean(sorted), median: sorted[Math.floor((sorted.length - 1) / 2)] ?? 0, bins };
}

const mean = (numbers: readonly number[]): number =>
  numbers.length === 0 ? 0 : numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
