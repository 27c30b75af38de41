/**
 * One listener's place in the feed. It asks for more when it has dealt with what it got, so a slow one costs nothing:
 * what it has not heard yet lies in the log, not in memory.
 *
 *   catching up   `after` is older than the window: pages of the log, until the window is reached
 *   live          from the window; who falls out of it again is too slow, and is told so by `feed.gap`
 */
import type { Logger } from 'pino';
import { FEED_START, GAP, isEphemeral, type FeedEvent, type GapReason } from './event.js';
import type { FeedWindow } from './feed-window.js';

export interface FeedFilter {
  readonly formId?: string | undefined;
  /** Exact types, and groups such as `form.*`; all that are durable when absent. `feed.gap` always passes. */
  readonly types?: readonly string[] | undefined;
  /** What the listener may hear; everything when absent. */
  readonly mayHear?: (event: FeedEvent) => boolean;
  /** Never too slow: however far behind, it gets everything that the log still has. */
  readonly isPatient?: boolean;
}

/** The next events in order. The following ones come when the promise is resolved. */
export type OnEvents = (events: readonly FeedEvent[]) => Promise<void> | void;

/** What a subscription needs of the feed. */
export interface FeedReader {
  readonly window: FeedWindow;
  readonly logger: Logger;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
  /** From the log. `undefined`: what comes after `after` is no longer whole. */
  page(after: string): Promise<readonly FeedEvent[] | undefined>;
  /** Resolves once everything that was durable at the call is in the window. */
  pulled(): Promise<void>;
}

const BATCH = 200;
/** A listener that reads slower than ephemeral events come gets the youngest. */
const MOST_PASSING = 100;

export class FeedSubscription {
  #isClosed = false;
  #wake: (() => void) | undefined;
  #isStale = false;
  #passing: FeedEvent[] = [];

  constructor(
    private readonly reader: FeedReader,
    private readonly filter: FeedFilter,
    private readonly onEvents: OnEvents,
    private readonly onClosed: (subscription: FeedSubscription) => void,
  ) {}

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** No call of `onEvents` begins after this. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.wake();
    this.onClosed(this);
  }

  /** There may be news. */
  wake(): void {
    this.#isStale = true;
    this.#wake?.();
    this.#wake = undefined;
  }

  /** An event that is in no log: handed on between those that are, and forgotten. */
  pass(event: FeedEvent): void {
    if (!isWanted(event, this.filter)) return;
    this.#passing.push(event);
    if (this.#passing.length > MOST_PASSING) this.#passing.shift();
    this.wake();
  }

  /** @param after undefined: from now on */
  async run(after: string | undefined): Promise<void> {
    const { isPatient = false } = this.filter;
    try {
      let cursor = after ?? this.reader.window.head;
      if (after !== undefined) cursor = await this.#begin(after);
      let isLive = false;
      while (!this.#isClosed) {
        this.#isStale = false;
        const events = this.reader.window.after(cursor, BATCH);
        if (events === undefined) {
          cursor = isLive && !isPatient ? await this.#gap('slow', cursor) : await this.#catchUp(cursor);
          continue;
        }
        isLive = true;
        // Under the id of the place where the listener is: it goes on from there.
        for (const event of this.#passing.splice(0)) await this.#hand([{ ...event, id: cursor || FEED_START }]);
        const last = events.at(-1);
        if (last === undefined) {
          await this.#news();
          continue;
        }
        await this.#hand(events);
        cursor = last.id;
      }
    } catch (error) {
      if (!this.#isClosed) this.reader.logger.error({ err: error }, 'a listener of the event feed failed');
    } finally {
      this.close();
    }
  }

  /** An id from elsewhere would wait for ever. */
  async #begin(after: string): Promise<string> {
    if (after === FEED_START || after <= this.reader.window.head) return after;
    await this.reader.pulled();
    return after <= this.reader.window.head ? after : this.#gap('unknown', after);
  }

  async #catchUp(cursor: string): Promise<string> {
    // Before the page is read: what comes while it is read is not on it.
    const { head } = this.reader.window;
    const events = await this.reader.page(cursor);
    if (events === undefined) return this.#gap('expired', cursor);
    await this.#hand(events);
    return events.at(-1)?.id ?? head;
  }

  async #hand(events: readonly FeedEvent[]): Promise<void> {
    const wanted = events.filter((event) => isWanted(event, this.filter));
    if (wanted.length > 0 && !this.#isClosed) await this.onEvents(wanted);
  }

  async #gap(reason: GapReason, after: string): Promise<string> {
    const { head } = this.reader.window;
    // Its id is where the listener goes on.
    const gap = { id: head, type: GAP, time: this.reader.clock(), data: { reason, after } };
    if (!this.#isClosed) await this.onEvents([gap]);
    return head;
  }

  async #news(): Promise<void> {
    if (this.#isStale || this.#isClosed) return;
    await new Promise<void>((resolve) => (this.#wake = resolve));
  }
}

function isWanted(event: FeedEvent, { formId, types, mayHear }: FeedFilter): boolean {
  if (formId !== undefined && event.formId !== formId) return false;
  if (types === undefined ? isEphemeral(event.type) : !types.some((type) => isOfType(event.type, type))) return false;
  return mayHear?.(event) ?? true;
}

/** `wanted` is a type, or a group such as `form.*`. */
export function isOfType(type: string, wanted: string): boolean {
  return wanted.endsWith('.*') ? type.startsWith(wanted.slice(0, -1)) : type === wanted;
}
