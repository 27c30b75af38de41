/** What has changed in a sheet since the last look at it. */
import { createHash } from 'node:crypto';
import type { FieldJson, FormJson, Json } from '../../../crdt/index.js';
import {
  defaultAnswers,
  inspectSheet,
  isBlank,
  sheetFields,
  takesAnswer,
  type AnswerValues,
} from '../../../crdt/submission/index.js';
import type { Look } from '../../../server/analytics/index.js';
import type { SheetState } from './sheet-states.js';

export interface Seen {
  readonly look: Look | undefined;
  readonly state: SheetState;
}

export interface SheetNow {
  readonly form: FormJson;
  readonly answers: AnswerValues;
  /** That is being looked at, as far as known. */
  readonly page: string | undefined;
  /** Then an answer that came with the form, and was left as it was, counts as one. */
  readonly isHandedIn: boolean;
}

/** `look` is undefined when nothing has changed. */
export function lookAt(before: SheetState, { form, answers, page, isHandedIn }: SheetNow): Seen {
  const isFirst = before.feed === '';
  const seen = isFirst ? digestsOf(defaultAnswers(form), before.alias) : before.seen;
  const now = digestsOf(answers, before.alias);
  const pageOf = pagesByField(form);
  const known = sheetFields(form).filter(takesAnswer);
  const answeredBefore = new Set(before.answered);
  const answered: string[] = [];
  const corrected: string[] = [];
  for (const { id } of known) {
    const isChanged = now[id] !== seen[id];
    if (answeredBefore.has(id)) {
      if (isChanged) corrected.push(id);
    } else if (now[id] !== undefined && (isChanged || isHandedIn)) answered.push(id);
  }
  const { errors, state } = inspectSheet(form, answers);
  const wrongNow = [...new Set(errors.map(({ field }) => field))];
  const wrong = wrongNow.filter((id) => !before.wrong.includes(id));
  const pagesNow = new Set(answered.flatMap((id) => pageOf.get(id) ?? []));
  const answeredPages = [...pagesNow].filter((id) => !before.answeredPages.includes(id));
  const at = page !== undefined && state.pages.includes(page) ? page : isFirst ? state.pages[0] : undefined;
  const isElsewhere = at !== undefined && at !== before.page;
  const isNews = isElsewhere || answered.length + corrected.length + wrong.length > 0;
  const touched = [...answered, ...corrected].at(-1) ?? before.field;
  const place = at ?? (touched === undefined ? undefined : pageOf.get(touched)) ?? before.page;
  return {
    look: isNews ? { ...(isElsewhere ? { page: at } : {}), answered, answeredPages, corrected, wrong } : undefined,
    state: {
      ...before,
      seen: now,
      answered: [...before.answered, ...answered],
      answeredPages: [...before.answeredPages, ...answeredPages],
      wrong: wrongNow,
      ...(place === undefined ? {} : { page: place }),
      ...(touched === undefined ? {} : { field: touched }),
    },
  };
}

/** Fields in groups too. */
export function pagesByField(form: FormJson): Map<string, string> {
  const pages = new Map<string, string>();
  const add = (page: string, fields: readonly FieldJson[]): void => {
    for (const field of fields) {
      pages.set(field.id, page);
      add(page, field.fields ?? []);
    }
  };
  for (const { id, fields } of form.pages) add(id, fields);
  return pages;
}

/** Enough to tell two answers of one sheet apart; salted, so that equal answers of two people do not show. */
function digestsOf(answers: AnswerValues, salt: string): Record<string, string> {
  const entries = Object.entries(answers).filter(([, value]) => !isBlank(value));
  return Object.fromEntries(entries.map(([id, value]) => [id, digestOf(value, salt)]));
}

const digestOf = (value: Json | undefined, salt: string): string =>
  createHash('sha256')
    .update(`${salt}\0${JSON.stringify(value)}`)
    .digest('base64url')
    .slice(0, 12);
