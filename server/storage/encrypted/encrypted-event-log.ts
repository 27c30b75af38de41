import type { EventLog, LoggedEvent, RangeOptions } from '../event-log.js';
import { KIND, keyIdOf, open, seal, type Place } from './envelope.js';
import type { KeyRing } from './key-ring.js';

/** An encrypted event is this text and its envelope in base64, as a JSON string. No event of ours is a bare string. */
const PREFIX = 'formloom-sealed:';

/** Data are encrypted; streams, consumers, ids and times are not. An event keeps the key of its time until a rotation. */
export class EncryptedEventLog implements EventLog {
  constructor(
    private readonly inner: EventLog,
    private readonly ring: KeyRing,
  ) {}

  append(stream: string, events: readonly unknown[]): Promise<string[]> {
    return this.inner.append(
      stream,
      events.map((data) => sealed(this.ring, stream, data)),
    );
  }

  async range(stream: string, options?: RangeOptions): Promise<LoggedEvent[]> {
    const events = await this.inner.range(stream, options);
    return events.map((event) => ({ ...event, data: opened(this.ring, stream, event.data) }));
  }

  position(stream: string, consumer: string): Promise<string | undefined> {
    return this.inner.position(stream, consumer);
  }

  commit(stream: string, consumer: string, id: string): Promise<void> {
    return this.inner.commit(stream, consumer, id);
  }

  streams(): AsyncIterable<string> {
    return this.inner.streams();
  }

  consumers(stream: string): Promise<ReadonlyMap<string, string>> {
    return this.inner.consumers(stream);
  }

  rewrite(stream: string, replace: (event: LoggedEvent) => unknown): Promise<number> {
    return this.inner.rewrite(stream, (event) => {
      const data = replace({ ...event, data: opened(this.ring, stream, event.data) });
      return data === undefined ? undefined : sealed(this.ring, stream, data);
    });
  }

  trim(stream: string, before: string): Promise<void> {
    return this.inner.trim(stream, before);
  }

  erase(stream: string): Promise<void> {
    return this.inner.erase(stream);
  }
}

/** Id of the key that the data of a stored event were encrypted with; undefined when they never were. */
export function keyIdOfEvent(data: unknown): string | undefined {
  const isOurs = typeof data === 'string' && data.startsWith(PREFIX);
  return isOurs ? keyIdOf(Buffer.from(data.slice(PREFIX.length), 'base64')) : undefined;
}

/** The same data, encrypted with the first key; undefined when they are already. @throws as `open` */
export function resealedEvent(ring: KeyRing, stream: string, data: unknown): unknown {
  return keyIdOfEvent(data) === ring.currentId ? undefined : sealed(ring, stream, opened(ring, stream, data));
}

function sealed(ring: KeyRing, stream: string, data: unknown): unknown {
  const bytes = seal(ring, KIND.event, placeOf(stream), Buffer.from(JSON.stringify(data ?? null)));
  return bytes === undefined ? data : PREFIX + bytes.toString('base64');
}

function opened(ring: KeyRing, stream: string, data: unknown): unknown {
  if (typeof data !== 'string' || !data.startsWith(PREFIX)) return data;
  const found = open(ring, placeOf(stream), Buffer.from(data.slice(PREFIX.length), 'base64'));
  return found === undefined ? data : (JSON.parse(found.plain.toString()) as unknown);
}

function placeOf(stream: string): Place {
  return ['stream', stream];
}
