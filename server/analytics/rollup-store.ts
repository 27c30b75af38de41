/**
 * Roll-ups in the record store.
 *
 *   analytics-total, <formId>                          a form, all in all
 *   analytics-span, <formId>, <step>, <start>          a form in a minute (kept 30 days), an hour, a day
 *   analytics-place, <formId>, page | field, <id>      a page or field
 *   analytics-user-on, <formId>, <userId>              a user on a form
 *   analytics-user, <userId>, <formId>                 the forms that a user was active on
 */
import { LRUCache } from 'lru-cache';
import type { z } from 'zod';
import type { RecordKey, RecordStore } from '../storage/record-store.js';
import { lookOf, type Fact } from './fact.js';
import type { LoggedFact } from './fact-log.js';
import {
  addToBucket,
  addToPlace,
  addToUser,
  bucketSchema,
  emptyBucket,
  emptyPlace,
  emptyUser,
  fold,
  placeSchema,
  userSchema,
  type Bucket,
  type Place,
  type UserActivity,
} from './rollup.js';

/** In milliseconds. */
export const STEPS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;
export type Step = keyof typeof STEPS;

const MINUTES_KEPT_MS = 30 * 86_400_000;
const DIGITS = 12;
/** Roll-ups that are being counted: those of a few hundred forms, some kilobytes each. */
const REMEMBERED = 2_000;

interface Target<S> {
  readonly key: RecordKey;
  readonly schema: z.ZodType<S>;
  readonly expiresAt?: number;
  readonly empty: () => S;
  readonly change: (state: S, fact: Fact) => void;
}

interface Work {
  readonly facts: LoggedFact[];
  /** Adds the facts that the record does not count yet. */
  run(facts: readonly LoggedFact[]): Promise<void>;
}

export class RollupStore {
  /**
   * As they were written last, with their versions: most of the cost of counting was to read and parse them again. Another
   * node that wrote meanwhile makes the put a conflict.
   */
  readonly #written = new LRUCache<string, { readonly state: unknown; readonly version: string }>({ max: REMEMBERED });

  constructor(private readonly records: RecordStore) {}

  /** Facts of one form, in the order of the log. Handed in twice they count once. */
  async fold(formId: string, facts: readonly LoggedFact[]): Promise<void> {
    const works = new Map<string, Work>();
    const add = <S extends { upTo: string; upToFeed: string }>(logged: LoggedFact, target: Target<S>): void => {
      const name = JSON.stringify(target.key);
      let work = works.get(name);
      if (work === undefined) {
        work = { facts: [], run: (all) => this.#fold(name, target, all) };
        works.set(name, work);
      }
      work.facts.push(logged);
    };
    for (const logged of facts) {
      const { fact } = logged;
      for (const target of bucketTargets(formId, fact)) add(logged, target);
      for (const target of placeTargets(formId, fact)) add(logged, target);
      const user = userOf(fact);
      if (user !== undefined) add(logged, userTarget(formId, user));
    }
    await Promise.all([...works.values()].map((work) => work.run(work.facts)));
  }

  async #fold<S extends { upTo: string; upToFeed: string }>(
    name: string,
    { key, schema, expiresAt, empty, change }: Target<S>,
    facts: readonly LoggedFact[],
  ): Promise<void> {
    for (;;) {
      const { state, version } = await this.#read(name, key, schema, empty);
      const before = state.upTo;
      fold(state, facts, change);
      if (state.upTo === before) return;
      if (version === null && key[0] === 'analytics-user-on') await this.#index(key);
      const options = { ifVersion: version, ...(expiresAt === undefined ? {} : { expiresAt }) };
      const put = await this.records.put(key, encode(state), options);
      if (put === 'conflict') continue;
      this.#written.set(name, { state, version: put.version });
      return;
    }
  }

  /** Taken out: while it is changed and until it is written, nobody else has it. */
  async #read<S>(
    name: string,
    key: RecordKey,
    schema: z.ZodType<S>,
    empty: () => S,
  ): Promise<{ state: S; version: string | null }> {
    const written = this.#written.get(name);
    if (written !== undefined) {
      this.#written.delete(name);
      // Only what was parsed by this schema is kept under this key.
      return { state: written.state as S, version: written.version };
    }
    const stored = await this.records.get(key);
    if (stored === undefined) return { state: empty(), version: null };
    return { state: schema.parse(decode(stored.value)), version: stored.version };
  }

  async #index([, formId = '', userId = '']: RecordKey): Promise<void> {
    await this.records.put(['analytics-user', userId, formId], Buffer.of());
  }

  async total(formId: string): Promise<Bucket> {
    const stored = await this.records.get(['analytics-total', formId]);
    return stored === undefined ? emptyBucket() : bucketSchema.parse(decode(stored.value));
  }

  async totals(limit: number): Promise<{ formId: string; total: Bucket }[]> {
    const totals: { formId: string; total: Bucket }[] = [];
    for await (const { key, value } of this.records.scan(['analytics-total'], { limit })) {
      totals.push({ formId: key[1] ?? '', total: bucketSchema.parse(decode(value)) });
    }
    return totals;
  }

  /** Those in which something happened, oldest first. `from` and `to` (exclusive): Unix time in milliseconds. */
  async spans(formId: string, step: Step, from: number, to: number): Promise<{ start: number; bucket: Bucket }[]> {
    const first = Math.floor(from / STEPS[step]);
    const prefix: RecordKey = ['analytics-span', formId, step];
    const spans: { start: number; bucket: Bucket }[] = [];
    const after: RecordKey = [...prefix, padded(first - 1)];
    const limit = Math.max(1, Math.ceil(to / STEPS[step]) - first);
    for await (const { key, value } of this.records.scan(prefix, { ...(first > 0 ? { after } : {}), limit })) {
      const start = Number(key[3]) * STEPS[step];
      if (start >= to) break;
      spans.push({ start, bucket: bucketSchema.parse(decode(value)) });
    }
    return spans;
  }

  async place(formId: string, kind: Place['kind'], id: string): Promise<Place> {
    const stored = await this.records.get(['analytics-place', formId, kind, id]);
    return stored === undefined ? emptyPlace(kind, id) : placeSchema.parse(decode(stored.value));
  }

  async places(formId: string, limit: number): Promise<Place[]> {
    const places: Place[] = [];
    for await (const { value } of this.records.scan(['analytics-place', formId], { limit })) {
      places.push(placeSchema.parse(decode(value)));
    }
    return places;
  }

  async usersOf(formId: string, limit: number): Promise<{ userId: string; activity: UserActivity }[]> {
    const users: { userId: string; activity: UserActivity }[] = [];
    for await (const { key, value } of this.records.scan(['analytics-user-on', formId], { limit })) {
      users.push({ userId: key[2] ?? '', activity: userSchema.parse(decode(value)) });
    }
    return users;
  }

  async formsOf(userId: string, limit: number): Promise<{ formId: string; activity: UserActivity }[]> {
    const forms: { formId: string; activity: UserActivity }[] = [];
    for await (const { key } of this.records.scan(['analytics-user', userId], { limit })) {
      const formId = key[2] ?? '';
      const stored = await this.records.get(['analytics-user-on', formId, userId]);
      if (stored !== undefined) forms.push({ formId, activity: userSchema.parse(decode(stored.value)) });
    }
    return forms;
  }

  /** Everything of a form, bytes included. */
  async erase(formId: string): Promise<void> {
    for (const name of [...this.#written.keys()]) {
      if ((JSON.parse(name) as string[])[1] === formId) this.#written.delete(name);
    }
    // The index first: what a crash leaves of it is found again by the records that lead to it.
    for await (const { key } of this.records.scan(['analytics-user-on', formId])) {
      await this.records.erase(['analytics-user', key[2] ?? '', formId]);
    }
    await this.records.erase(['analytics-user-on', formId]);
    await this.records.erase(['analytics-place', formId]);
    await this.records.erase(['analytics-span', formId]);
    await this.records.erase(['analytics-total', formId]);
  }
}

function* bucketTargets(formId: string, fact: Fact): Generator<Target<Bucket>> {
  if (fact.type === 'focus' || fact.type === 'leave') return;
  const target = {
    schema: bucketSchema,
    empty: emptyBucket,
    change: (bucket: Bucket, one: Fact): void => addToBucket(bucket, one, formId),
  };
  yield { ...target, key: ['analytics-total', formId] };
  for (const [step, ms] of Object.entries(STEPS)) {
    const index = Math.floor(fact.at / ms);
    const key: RecordKey = ['analytics-span', formId, step, padded(index)];
    yield step === 'minute' ? { ...target, key, expiresAt: index * ms + MINUTES_KEPT_MS } : { ...target, key };
  }
}

function* placeTargets(formId: string, fact: Fact): Generator<Target<Place>> {
  const look = lookOf(fact);
  const page = 'page' in fact ? fact.page : undefined;
  const field = 'field' in fact ? fact.field : undefined;
  const pages = new Set([page, look?.page, ...(look?.answeredPages ?? [])]);
  const fields = new Set([field, ...(look?.answered ?? []), ...(look?.corrected ?? []), ...(look?.wrong ?? [])]);
  const target = (kind: Place['kind'], id: string): Target<Place> => ({
    key: ['analytics-place', formId, kind, id],
    schema: placeSchema,
    empty: () => emptyPlace(kind, id),
    change: (place, one) => addToPlace(place, one, formId),
  });
  for (const id of pages) if (id !== undefined) yield target('page', id);
  for (const id of fields) if (id !== undefined) yield target('field', id);
}

const userTarget = (formId: string, userId: string): Target<UserActivity> => ({
  key: ['analytics-user-on', formId, userId],
  schema: userSchema,
  empty: emptyUser,
  change: addToUser,
});

const userOf = (fact: Fact): string | undefined =>
  'user' in fact && fact.type !== 'answers' && fact.user !== '' ? fact.user : undefined;
const padded = (index: number): string => String(index).padStart(DIGITS, '0');
const encode = (state: unknown): Buffer => Buffer.from(JSON.stringify(state));
const decode = (value: Uint8Array): unknown => JSON.parse(Buffer.from(value).toString());
