/**
 * Work of several durable writes that must not end halfway: a note is durable before the first and goes after the last.
 * Of work whose process is killed the note remains, and `UnfinishedWork` has the rest done, perhaps on another node.
 *
 *   <name>, ...<place>, <id>   { startedAt, seenAt, what }; written anew every few seconds while somebody works on it
 */
import type { Logger } from 'pino';
import { uuidv7 } from 'uuidv7';
import { z } from 'zod';
import type { RecordKey, RecordStore } from '../storage/record-store.js';

/** A sign of life: well below the age at which work counts as left. */
const SIGN_MS = 3_000;
/** What cannot be finished for so long is not finished any more. */
const GIVEN_UP_MS = 24 * 3_600_000;

export interface BegunWorkOptions<T> {
  readonly records: RecordStore;
  /** First part of its keys; of no other records. */
  readonly name: string;
  readonly schema: z.ZodType<T>;
  readonly logger: Logger;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
}

export class BegunWork<T> {
  /** Ids of what this process works on. */
  readonly #underWay = new Set<string>();

  constructor(private readonly options: BegunWorkOptions<T>) {}

  /**
   * Notes it, does it, and forgets the note. When `work` throws the note stays: how far it came is not known.
   * @param place parts of the key, by which `forget` finds it
   */
  async during<R>(place: readonly string[], what: T, work: () => Promise<R>): Promise<R> {
    const { records, name, logger, clock } = this.options;
    const id = uuidv7();
    const key: RecordKey = [name, ...place, id];
    const startedAt = clock();
    const note = (): Buffer => Buffer.from(JSON.stringify({ startedAt, seenAt: clock(), what }));
    let version: string | null = null;
    // On condition: one that comes late must not bring the note back.
    const sign = async (): Promise<void> => {
      const written = await records.put(key, note(), { ifVersion: version });
      if (written !== 'conflict') version = written.version;
    };
    this.#underWay.add(id);
    try {
      await sign();
      const timer = setInterval(() => {
        sign().catch((error: unknown) => logger.debug({ err: error, work: name }, 'a sign of life was not written'));
      }, SIGN_MS);
      timer.unref();
      try {
        const result = await work();
        await records.delete(key);
        return result;
      } finally {
        clearInterval(timer);
      }
    } finally {
      this.#underWay.delete(id);
    }
  }

  /**
   * What nobody works on any more.
   * @param ageMs without a sign of life for so long
   * @param finish does the rest; what it throws is logged, and tried again another time
   */
  async finish(ageMs: number, finish: (what: T, place: readonly string[]) => Promise<void>): Promise<void> {
    const { records, name, schema, logger, clock } = this.options;
    const noteSchema = z.object({ startedAt: z.number(), seenAt: z.number(), what: schema });
    for await (const { key, value } of records.scan([name])) {
      const place = key.slice(1, -1);
      const { startedAt, seenAt, what } = noteSchema.parse(JSON.parse(Buffer.from(value).toString()));
      if (seenAt > clock() - ageMs || this.#underWay.has(key.at(-1) ?? '')) continue;
      try {
        await finish(what, place);
      } catch (error) {
        const isGivenUp = startedAt < clock() - GIVEN_UP_MS;
        logger.warn({ err: error, work: name, place, isGivenUp }, 'work that was left cannot be finished');
        if (!isGivenUp) continue;
      }
      await records.erase(key);
    }
  }

  /** Notes may name people: when what they are about is erased. */
  async forget(...place: string[]): Promise<void> {
    await this.options.records.erase([this.options.name, ...place]);
  }
}
