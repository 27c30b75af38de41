import type { EventLog, LoggedEvent, RangeOptions } from '../event-log.js';
import { KIND, open, seal, type Place } from './envelope.js';
import type { KeyRing } from './key-ring.js';

/** An encrypted event is this text and its envelope in base64, as a JSON string. No event of ours is a bare string. */
const PREFIX = 'formloom-sealed:';

/** Data are encrypted; streams, consumers, ids and times are not. An event keeps the key of its time until it is trimmed. */
export class EncryptedEventLog implements EventLog {
  constructor(
    private readonly inner: EventLog,
    private readonly ring: KeyRing,
  ) {}

  append(stream: string, events: readonly unknown[]): Promise<string[]> {
    return this.inner.append(
      stream,
      events.map((data) => this.#seal(stream, data)),
    );
  }

  async range(stream: string, options?: RangeOptions): Promise<LoggedEvent[]> {
    const events = await this.inner.range(stream, options);
    return events.map((event) => ({ ...event, data: this.#open(stream, event.data) }));
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

  trim(stream: string, before: string): Promise<void> {
    return this.inner.trim(stream, before);
  }

  erase(stream: string): Promise<void> {
    return this.inner.erase(stream);
  }

  #seal(stream: string, data: unknown): unknown {
    const sealed = seal(this.ring, KIND.event, placeOf(stream), Buffer.from(JSON.stringify(data ?? null)));
    return sealed === undefined ? data : PREFIX + sealed.toString('base64');
  }

  #open(stream: string, data: unknown): unknown {
    if (typeof data !== 'string' || !data.startsWith(PREFIX)) return data;
    const opened = open(this.ring, placeOf(stream), Buffer.from(data.slice(PREFIX.length), 'base64'));
    return opened === undefined ? data : (JSON.parse(opened.plain.toString()) as unknown);
  }
}

function placeOf(stream: string): Place {
  return ['stream', stream];
}
