/**
 * Messages that could not be delivered or queued, kept for an operator to look at, replay or purge.
 *
 * Records: `dead-letter/<id>`, the id a UUIDv7, so that they are ordered by time. Bounded: the oldest make room.
 */
import type { Logger } from 'pino';
import { uuidv7 } from 'uuidv7';
import { z } from 'zod';
import type { RecordKey, RecordStore } from '../../storage/record-store.js';

const letterSchema = z.object({
  id: z.string(),
  /** Queue that it was in. */
  queue: z.string(),
  /** What kind of message, for whoever delivers it. */
  kind: z.string(),
  /** To whom or where: a user, a webhook, a channel. */
  destination: z.string(),
  /** The document that it tells about: an erasure takes the letter along. */
  document: z.string().optional(),
  /** JSON. */
  body: z.unknown(),
  reason: z.enum(['overflow', 'failed', 'closed']),
  /** Why the last delivery failed. */
  error: z.string().optional(),
  attempts: z.number(),
  /** Unix time in milliseconds. */
  at: z.number(),
});

export type DeadLetter = Readonly<z.infer<typeof letterSchema>>;
export type NewDeadLetter = Omit<DeadLetter, 'id' | 'at'>;

export interface DeadLetterFilter {
  readonly queue?: string;
  readonly kind?: string;
  readonly destination?: string;
  readonly document?: string;
}

export interface DeadLettersOptions {
  readonly records: RecordStore;
  readonly logger: Logger;
  /** Letters that are kept. */
  readonly capacity?: number;
  /** Unix time in milliseconds. */
  readonly clock?: () => number;
}

export interface ReplayReport {
  readonly replayed: number;
  readonly failed: number;
}

type Deliver = (letter: DeadLetter) => Promise<void>;

const PREFIX = 'dead-letter';
const CAPACITY = 10_000;
/** Writes that may be under way; a flood beyond it is counted, not kept. */
const MAX_PENDING = 1_000;
const PAGE = 200;

export class DeadLetters {
  /** Oldest first. */
  readonly #ids = new Set<string>();
  readonly #pending = new Set<Promise<void>>();
  /** Being delivered, by id. */
  readonly #replays = new Map<string, Promise<DeadLetter | undefined>>();
  readonly #records: RecordStore;
  readonly #capacity: number;
  #lost = 0;

  constructor(private readonly options: DeadLettersOptions) {
    this.#records = options.records;
    this.#capacity = options.capacity ?? CAPACITY;
  }

  /** Finds what an earlier run has left. */
  async start(): Promise<void> {
    for await (const { key } of this.#records.scan([PREFIX])) {
      const id = key[1];
      if (id !== undefined) this.#ids.add(id);
    }
  }

  get size(): number {
    return this.#ids.size;
  }

  /** Finds what other nodes have added and taken away; for a store that nodes share. */
  async recount(): Promise<void> {
    await this.settled();
    const [gone, found] = [new Set(this.#ids), new Set<string>()];
    for await (const { key } of this.#records.scan([PREFIX])) {
      const id = key[1];
      if (id === undefined) continue;
      gone.delete(id);
      found.add(id);
    }
    // Added here meanwhile: those that are neither found nor known to be gone.
    for (const id of this.#ids) if (!gone.has(id)) found.add(id);
    this.#ids.clear();
    for (const id of [...found].sort()) this.#ids.add(id);
  }

  /** Letters that were not even kept, because too many came at once or the store failed. */
  get lost(): number {
    return this.#lost;
  }

  /** Keeps a letter; never throws, as its caller has nobody to tell. Answers the id, or undefined when it is lost. */
  add(letter: NewDeadLetter): string | undefined {
    if (this.#pending.size >= MAX_PENDING) {
      this.#lost += 1;
      return undefined;
    }
    const id = uuidv7();
    const kept: DeadLetter = { ...letter, id, at: (this.options.clock ?? Date.now)() };
    this.#ids.add(id);
    const writing = this.#keep(kept).finally(() => this.#pending.delete(writing));
    this.#pending.add(writing);
    return id;
  }

  async #keep(letter: DeadLetter): Promise<void> {
    try {
      await this.#records.put(keyOf(letter.id), Buffer.from(JSON.stringify(letter)));
      await this.#makeRoom();
    } catch (error) {
      this.#ids.delete(letter.id);
      this.#lost += 1;
      this.options.logger.error({ err: error, queue: letter.queue }, 'a dead letter could not be kept');
    }
  }

  async #makeRoom(): Promise<void> {
    while (this.#ids.size > this.#capacity) {
      const [oldest] = this.#ids;
      if (oldest === undefined) return;
      await this.delete(oldest);
    }
  }

  async get(id: string): Promise<DeadLetter | undefined> {
    const record = await this.#records.get(keyOf(id));
    return record === undefined ? undefined : parse(record.value);
  }

  /** Oldest first, after the letter `cursor`. `limit` is 1 to 200. */
  async list(
    filter: DeadLetterFilter = {},
    cursor: string | null = null,
    limit = 50,
  ): Promise<{ data: DeadLetter[]; nextCursor: string | null }> {
    const data: DeadLetter[] = [];
    for await (const letter of this.#scan(filter, cursor ?? undefined)) {
      if (data.length === Math.min(limit, PAGE)) return { data, nextCursor: data.at(-1)?.id ?? null };
      data.push(letter);
    }
    return { data, nextCursor: null };
  }

  /** Removes the letter for good; false when there is none. */
  async delete(id: string): Promise<boolean> {
    this.#ids.delete(id);
    return (await this.#records.erase(keyOf(id))) > 0;
  }

  /** Removes what the filter matches; answers how many. An erasure of a document calls it with `{document}`. */
  async purge(filter: DeadLetterFilter = {}): Promise<number> {
    await this.settled();
    let count = 0;
    for await (const letter of this.#scan(filter)) if (await this.delete(letter.id)) count += 1;
    return count;
  }

  /**
   * Delivers one again and forgets it; undefined when there is none. Throws what `deliver` throws: the letter stays. Who
   * asks while it is being delivered shares in what comes of that.
   */
  replay(id: string, deliver: Deliver): Promise<DeadLetter | undefined> {
    const underWay = this.#replays.get(id);
    if (underWay !== undefined) return underWay;
    const replay = this.#replay(id, deliver).finally(() => this.#replays.delete(id));
    this.#replays.set(id, replay);
    return replay;
  }

  /**
   * Delivers what the filter matches and was there when it was asked for, oldest first; what fails stays and counts as
   * one more attempt. What is replayed or removed meanwhile is passed over.
   */
  async replayAll(filter: DeadLetterFilter, deliver: Deliver): Promise<ReplayReport> {
    await this.settled();
    // What a replay itself brings back would be replayed for ever.
    const end = uuidv7();
    const report = { replayed: 0, failed: 0 };
    for await (const { id } of this.#scan(filter)) {
      if (id > end) break;
      if (this.#replays.has(id)) continue;
      try {
        if ((await this.replay(id, deliver)) !== undefined) report.replayed += 1;
      } catch (error) {
        report.failed += 1;
        await this.#countAttempt(id, error);
      }
    }
    return report;
  }

  /** Read when it is its turn: what is removed, or erased with its document, is not delivered any more. */
  async #replay(id: string, deliver: Deliver): Promise<DeadLetter | undefined> {
    const letter = await this.get(id);
    if (letter === undefined) return undefined;
    await deliver(letter);
    await this.delete(id);
    return letter;
  }

  async #countAttempt(id: string, error: unknown): Promise<void> {
    const record = await this.#records.get(keyOf(id));
    const letter = record === undefined ? undefined : parse(record.value);
    if (record === undefined || letter === undefined) return;
    const again = { ...letter, attempts: letter.attempts + 1, error: messageOf(error) };
    // Removed at this moment it must not come back.
    await this.#records.put(keyOf(id), Buffer.from(JSON.stringify(again)), { ifVersion: record.version });
  }

  /** Resolves when everything that was added is durable, or lost. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  async close(): Promise<void> {
    await this.settled();
  }

  /** Page by page, so that letters may be deleted on the way. */
  async *#scan(filter: DeadLetterFilter, after?: string): AsyncIterable<DeadLetter> {
    let last = after;
    for (;;) {
      const page: DeadLetter[] = [];
      let seen = 0;
      for await (const record of this.#records.scan([PREFIX], {
        limit: PAGE,
        ...(last !== undefined && { after: keyOf(last) }),
      })) {
        seen += 1;
        last = record.key[1] ?? last;
        const letter = parse(record.value);
        if (letter !== undefined && matches(letter, filter)) page.push(letter);
      }
      yield* page;
      if (seen < PAGE) return;
    }
  }
}

function keyOf(id: string): RecordKey {
  return [PREFIX, id];
}

function parse(bytes: Uint8Array): DeadLetter | undefined {
  return letterSchema.safeParse(JSON.parse(Buffer.from(bytes).toString())).data;
}

function matches(letter: DeadLetter, filter: DeadLetterFilter): boolean {
  return (
    (filter.queue === undefined || letter.queue === filter.queue) &&
    (filter.kind === undefined || letter.kind === filter.kind) &&
    (filter.destination === undefined || letter.destination === filter.destination) &&
    (filter.document === undefined || letter.document === filter.document)
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
