/**
 * What facts add up to. Three kinds of records: of a form in a span of time, of a page or field, of a user on a form.
 * Each says up to which fact it has counted, so that a fact counts once however often it is handed in.
 */
import { z } from 'zod';
import { distinctSchema, noneDistinct, withOne } from './distinct.js';
import { lookOf, sourceOf, type Fact } from './fact.js';
import type { LoggedFact } from './fact-log.js';
import { noSpread, spreadSchema, withDuration } from './spread.js';

const counted = {
  /** Id of the last fact, and of the last event of the feed that a fact was made from. */
  upTo: z.string(),
  upToFeed: z.string(),
};

export const bucketSchema = z.object({
  ...counted,
  views: z.number(),
  visitors: distinctSchema,
  starts: z.number(),
  submissions: z.number(),
  completed: z.number(),
  rejected: z.number(),
  abandoned: z.number(),
  /** Sheets that were abandoned, and then were gone on with. */
  resumed: z.number(),
  durations: spreadSchema,
  devices: z.record(z.string(), z.number()),
  answers: z.number(),
  corrections: z.number(),
  errors: z.number(),
  edits: z.number(),
  editedBytes: z.number(),
  authors: distinctSchema,
  comments: z.number(),
  conflictsOpened: z.number(),
  conflictsResolved: z.number(),
  /** The most at one moment. */
  editors: z.number(),
  respondents: z.number(),
});
export type Bucket = z.infer<typeof bucketSchema>;

export const placeSchema = z.object({
  ...counted,
  kind: z.enum(['page', 'field']),
  id: z.string(),
  reached: distinctSchema,
  answered: z.number(),
  corrected: z.number(),
  wrong: z.number(),
  left: z.number(),
  /** Of those who told how long they stayed. */
  stays: z.number(),
  staySeconds: z.number(),
});
export type Place = z.infer<typeof placeSchema>;

export const userSchema = z.object({
  ...counted,
  edits: z.number(),
  editedBytes: z.number(),
  comments: z.number(),
  views: z.number(),
  starts: z.number(),
  submissions: z.number(),
  /** Unix time in milliseconds. */
  lastAt: z.number(),
  /** Facts by day (days since 1970), of the last 60 days on which there were any. */
  days: z.record(z.string(), z.number()),
});
export type UserActivity = z.infer<typeof userSchema>;

const NOTHING = { upTo: '', upToFeed: '' };
const DAY_MS = 86_400_000;
const KEPT_DAYS = 60;

export const emptyBucket = (): Bucket => ({
  ...NOTHING,
  ...{ views: 0, visitors: noneDistinct(), starts: 0, submissions: 0, completed: 0, rejected: 0, abandoned: 0 },
  ...{ resumed: 0, durations: noSpread(), devices: {}, answers: 0, corrections: 0, errors: 0, edits: 0 },
  ...{ editedBytes: 0, authors: noneDistinct(), comments: 0, conflictsOpened: 0, conflictsResolved: 0 },
  ...{ editors: 0, respondents: 0 },
});
export const emptyPlace = (kind: Place['kind'], id: string): Place => ({
  ...NOTHING,
  ...{ kind, id },
  ...{ reached: noneDistinct(), answered: 0, corrected: 0, wrong: 0, left: 0, stays: 0, staySeconds: 0 },
});
export const emptyUser = (): UserActivity => ({
  ...NOTHING,
  ...{ edits: 0, editedBytes: 0, comments: 0, views: 0, starts: 0, submissions: 0, lastAt: 0, days: {} },
});

/** @param change adds one fact to the state, which is its own */
export function fold<S extends { upTo: string; upToFeed: string }>(
  state: S,
  facts: readonly LoggedFact[],
  change: (state: S, fact: Fact) => void,
): void {
  for (const { id, fact } of facts) {
    if (id <= state.upTo) continue;
    state.upTo = id;
    const source = sourceOf(fact);
    if (source !== undefined) {
      if (source <= state.upToFeed) continue;
      state.upToFeed = source;
    }
    change(state, fact);
  }
}

export function addToBucket(bucket: Bucket, fact: Fact, formId: string): void {
  switch (fact.type) {
    case 'view':
      bucket.views += 1;
      bucket.visitors = withOne(bucket.visitors, fact.who, formId);
      break;
    case 'edits':
      bucket.edits += fact.edits;
      bucket.editedBytes += fact.bytes;
      bucket.authors = withOne(bucket.authors, fact.user, formId);
      break;
    case 'present':
      bucket.editors = Math.max(bucket.editors, fact.editors);
      bucket.respondents = Math.max(bucket.respondents, fact.respondents);
      break;
    case 'start':
      bucket.starts += 1;
      break;
    case 'submit':
      bucket.submissions += 1;
      if (fact.seconds !== undefined) bucket.durations = withDuration(bucket.durations, fact.seconds);
      if (fact.device !== undefined) bucket.devices[fact.device] = (bucket.devices[fact.device] ?? 0) + 1;
      break;
    case 'abandon':
      bucket.abandoned += 1;
      break;
    case 'status':
      if (fact.status !== 'processing') bucket[fact.status] += 1;
      break;
    case 'comment':
      bucket.comments += 1;
      break;
    case 'conflict':
      bucket[fact.state === 'opened' ? 'conflictsOpened' : 'conflictsResolved'] += 1;
      break;
    case 'focus':
    case 'leave':
    case 'answers':
  }
  if ('isBack' in fact && fact.isBack === true) bucket.resumed += 1;
  const look = lookOf(fact);
  if (look === undefined) return;
  bucket.answers += look.answered.length;
  bucket.corrections += look.corrected.length;
  bucket.errors += look.wrong.length;
}

export function addToPlace(place: Place, fact: Fact, formId: string): void {
  const who = 'who' in fact ? fact.who : 'sheet' in fact ? fact.sheet : undefined;
  if (who !== undefined) place.reached = withOne(place.reached, who, formId);
  if (fact.type === 'leave') {
    if (fact.isFinal) place.left += 1;
    // The time on a field is not that on its page.
    if (fact.seconds !== undefined && (place.kind === 'field') === (fact.field !== undefined)) {
      place.stays += 1;
      place.staySeconds += fact.seconds;
    }
  }
  if (fact.type === 'abandon') place.left += 1;
  const look = lookOf(fact);
  if (look === undefined) return;
  const { answered, answeredPages, corrected, wrong } = look;
  if (place.kind === 'page') {
    if (answeredPages.includes(place.id)) place.answered += 1;
    return;
  }
  if (answered.includes(place.id)) place.answered += 1;
  if (corrected.includes(place.id)) place.corrected += 1;
  if (wrong.includes(place.id)) place.wrong += 1;
}

export function addToUser(user: UserActivity, fact: Fact): void {
  if (fact.type === 'edits') {
    user.edits += fact.edits;
    user.editedBytes += fact.bytes;
  } else if (fact.type === 'comment') user.comments += 1;
  else if (fact.type === 'view') user.views += 1;
  else if (fact.type === 'start') user.starts += 1;
  else if (fact.type === 'submit') user.submissions += 1;
  user.lastAt = Math.max(user.lastAt, fact.at);
  const day = String(Math.floor(fact.at / DAY_MS));
  user.days[day] = (user.days[day] ?? 0) + 1;
  const days = Object.keys(user.days);
  if (days.length <= KEPT_DAYS) return;
  const oldest = days.reduce((a, b) => (Number(a) <= Number(b) ? a : b));
  user.days = Object.fromEntries(Object.entries(user.days).filter(([one]) => one !== oldest));
}
