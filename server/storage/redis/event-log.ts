import { randomUUID } from 'node:crypto';
import { StorageClosedError } from '../errors.js';
import type { EventLog, LoggedEvent, RangeOptions } from '../event-log.js';
import type { CommandPipeline } from './connection/command-pipeline.js';
import { OrderedAppender } from './connection/ordered-appender.js';
import { Retrier, type RetryContext } from './connection/retry.js';
import { loadScript } from './connection/script.js';
import { namesInKeys } from './key-scan.js';
import type { Keys } from './keys.js';

export interface EventLogParts {
  readonly reads: CommandPipeline;
  readonly writes: CommandPipeline;
  readonly keys: Keys;
  readonly retry: RetryContext;
  /** Unique to this process: batches are numbered within it. */
  readonly writer: string;
  /** How long everything but an append is tried, in milliseconds. Appends are tried for ever. */
  readonly deadlineMs: number;
  /** Called when content was erased: files of Redis on disk still hold it. */
  readonly onErased: () => void;
}

/** Digits of the two halves of an id: enough for the year 33658 and for 10¹⁰ events in a millisecond. */
const TIME_DIGITS = 15;
const SEQUENCE_DIGITS = 10;

const REWRITTEN_AT_ONCE = 500;
/** What a node that ended has left of a rewrite goes by itself. */
const ABANDONED_SECONDS = 3_600;

/** A Stream per event stream. Ids are those of Redis, padded with zeros so that they compare as strings. */
export class RedisEventLog implements EventLog {
  readonly #parts: EventLogParts;
  readonly #retrier: Retrier;
  readonly #quietRetrier: Retrier;
  readonly #append = loadScript('append-events-2');
  readonly #copy = loadScript('copy-events-1');
  readonly #exchange = loadScript('exchange-events-2');
  readonly #appender: OrderedAppender<readonly string[], string[]>;

  constructor(parts: EventLogParts) {
    this.#parts = parts;
    this.#retrier = new Retrier(parts.retry, 'writes');
    this.#quietRetrier = new Retrier(parts.retry, undefined);
    this.#appender = new OrderedAppender(new Retrier(parts.retry, 'events'), {
      send: (stream, batch, items) => this.#send(stream, batch, items),
      sizeOf: (events) => events.reduce((sum, event) => sum + event.length, 0),
      standsAlone: () => false,
      endsQueue: () => false,
    });
  }

  get pendingBytes(): number {
    return this.#appender.pendingBytes;
  }

  /** Resolves when no append is pending. */
  idle(): Promise<void> {
    return this.#appender.idle();
  }

  append(stream: string, events: readonly unknown[]): Promise<string[]> {
    if (this.#parts.retry.closing.aborted) return Promise.reject(new StorageClosedError());
    if (events.length === 0) return Promise.resolve([]);
    return this.#appender.append(
      stream,
      events.map((event) => JSON.stringify(event ?? null)),
    );
  }

  range(stream: string, { after, before, limit, reverse = false }: RangeOptions = {}): Promise<LoggedEvent[]> {
    const { log } = this.#parts.keys.events(stream);
    const low = after === undefined ? '-' : `(${fromId(after)}`;
    const high = before === undefined ? '+' : `(${fromId(before)}`;
    const [command, start, end] = reverse ? ['xrevrange', high, low] : ['xrange', low, high];
    const count = limit === undefined || !Number.isFinite(limit) ? [] : ['COUNT', Math.max(0, Math.trunc(limit))];
    if (count[1] === 0) return Promise.resolve([]);
    return this.#quietRetrier.run(async () => {
      const reply = await this.#parts.reads.command(log, command, log, start, end, ...count);
      return (reply as [id: Buffer, fields: Buffer[]][]).map(([id, fields]) => {
        const redisId = id.toString('latin1');
        return {
          id: toId(redisId),
          at: Number(redisId.split('-', 1)[0]),
          data: JSON.parse(fields[1]?.toString('utf8') ?? 'null') as unknown,
        };
      });
    }, this.#parts.deadlineMs);
  }

  async position(stream: string, consumer: string): Promise<string | undefined> {
    const { consumers } = this.#parts.keys.events(stream);
    const reply = await this.#quietRetrier.run(
      () => this.#parts.reads.command(consumers, 'hget', consumers, consumer),
      this.#parts.deadlineMs,
    );
    return (reply as Buffer | null)?.toString('latin1');
  }

  async commit(stream: string, consumer: string, id: string): Promise<void> {
    const { consumers } = this.#parts.keys.events(stream);
    await this.#write(() => this.#parts.writes.command(consumers, 'hset', consumers, consumer, id));
  }

  async *streams(): AsyncIterable<string> {
    const { keys, retry } = this.#parts;
    for await (const name of namesInKeys(retry.link, keys.everyEventLog)) yield name;
  }

  async consumers(stream: string): Promise<ReadonlyMap<string, string>> {
    const { consumers } = this.#parts.keys.events(stream);
    const reply = await this.#quietRetrier.run(
      () => this.#parts.reads.command(consumers, 'hkeys', consumers),
      this.#parts.deadlineMs,
    );
    const places = new Map<string, string>();
    for (const name of (reply as Buffer[]).map((bytes) => bytes.toString('utf8'))) {
      const place = await this.position(stream, name);
      if (place !== undefined) places.set(name, place);
    }
    return places;
  }

  /** Entries of a Stream cannot be changed: a second one is written beside it, which then takes its place at once. */
  async rewrite(stream: string, replace: (event: LoggedEvent) => unknown): Promise<number> {
    const { keys, writes } = this.#parts;
    const { log } = keys.events(stream);
    const rewritten = keys.rewrittenEvents(stream, randomUUID());
    let replaced = 0;
    let after: string | undefined;
    for (;;) {
      const events = await this.range(stream, { ...(after !== undefined && { after }), limit: REWRITTEN_AT_ONCE });
      const entries = events.flatMap((event) => {
        const data = replace(event);
        if (data !== undefined) replaced += 1;
        return [fromId(event.id), JSON.stringify(data === undefined ? event.data : data)];
      });
      if (entries.length > 0) {
        await this.#write(() => writes.script(this.#copy, [rewritten], ABANDONED_SECONDS, ...entries));
      }
      after = events.at(-1)?.id ?? after;
      if (events.length < REWRITTEN_AT_ONCE) break;
    }
    if (after === undefined || replaced === 0) {
      await this.#write(() => writes.command(rewritten, 'unlink', rewritten));
      return 0;
    }
    const last = fromId(after);
    await this.#write(() => writes.script(this.#exchange, [log, rewritten], last));
    this.#parts.onErased();
    return replaced;
  }

  async trim(stream: string, before: string): Promise<void> {
    const { log } = this.#parts.keys.events(stream);
    await this.#write(() => this.#parts.writes.command(log, 'xtrim', log, 'MINID', fromId(before)));
  }

  async erase(stream: string): Promise<void> {
    const { log, meta, consumers } = this.#parts.keys.events(stream);
    await this.#write(() => this.#parts.writes.command(log, 'unlink', log, meta, consumers));
    this.#parts.onErased();
  }

  async #send(stream: string, batch: string, items: readonly (readonly string[])[]): Promise<string[][]> {
    const { log, meta } = this.#parts.keys.events(stream);
    const { writes, writer } = this.#parts;
    const reply = (await writes.script(this.#append, [log, meta], writer, batch, ...items.flat())) as Buffer[];
    const ids = reply.map((id) => toId(id.toString('latin1')));
    let end = 0;
    return items.map((events) => ids.slice(end, (end += events.length)));
  }

  #write(operation: () => Promise<unknown>): Promise<unknown> {
    return this.#retrier.run(operation, this.#parts.deadlineMs);
  }
}

function toId(redisId: string): string {
  const [time = '', sequence = ''] = redisId.split('-');
  return `${time.padStart(TIME_DIGITS, '0')}-${sequence.padStart(SEQUENCE_DIGITS, '0')}`;
}

/** Also for ids that were made up to mean a time. */
function fromId(id: string): string {
  const [time = '', sequence = '0'] = id.split('-');
  return `${withoutZeros(time)}-${withoutZeros(sequence)}`;
}

function withoutZeros(digits: string): string {
  return digits.replace(/^0+(?=.)/, '');
}
