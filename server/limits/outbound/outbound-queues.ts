/**
 * Everything that leaves a node besides document sync: feed events, broadcasts, notifications, alerts.
 *
 *   class          capacity   rate     priority
 *   realtime          5,000   200/s    1
 *   broadcast        10,000   100/s    2
 *   notification     15,000    50/s    3
 *   system            2,000   300/s    4
 *
 * A class never sends faster than its rate. Among those that may send, the first by priority goes, but waiting ages:
 * each `agingMs` that a class's oldest message waits counts as one step of priority, so nothing starves.
 * What finds its queue full, and what fails, becomes a dead letter.
 */
import type { MonotonicClock } from '../clock.js';
import type { NewDeadLetter } from './dead-letters.js';
import { Fifo } from './fifo.js';
import { TokenBucket } from '../token-bucket.js';

export const OUTBOUND_CLASSES = ['realtime', 'broadcast', 'notification', 'system'] as const;
export type OutboundClass = (typeof OUTBOUND_CLASSES)[number];

export interface QueueSettings {
  /** Messages. */
  readonly capacity: number;
  readonly ratePerSecond: number;
}

export const QUEUE_DEFAULTS: { readonly [C in OutboundClass]: QueueSettings } = {
  realtime: { capacity: 5_000, ratePerSecond: 200 },
  broadcast: { capacity: 10_000, ratePerSecond: 100 },
  notification: { capacity: 15_000, ratePerSecond: 50 },
  system: { capacity: 2_000, ratePerSecond: 300 },
};

export interface OutboundMessage {
  /** What kind of message, for whoever delivers it. */
  readonly kind: string;
  /** To whom or where: a user, a webhook, a channel. */
  readonly destination: string;
  /** The document that it tells about, if any. */
  readonly document?: string;
  /** JSON. */
  readonly body: unknown;
}

export interface QueueInfo extends QueueSettings {
  readonly name: OutboundClass;
  /** 1 goes first. */
  readonly priority: number;
  readonly depth: number;
  readonly delivered: number;
  /** Refused because the queue was full. */
  readonly dropped: number;
  readonly failed: number;
  /** Mean wait from queueing to delivery of the last messages, in milliseconds. */
  readonly latencyMs: number;
}

export interface OutboundQueuesOptions {
  /** Rejects when it could not deliver; retrying is its own business. */
  readonly deliver: (message: OutboundMessage, queue: OutboundClass) => Promise<void>;
  readonly deadLetters: { add(letter: NewDeadLetter): unknown };
  /** At the end: nobody waits for this message any more, so it is no dead letter. */
  readonly isVoid?: (message: OutboundMessage) => boolean;
  readonly now: MonotonicClock;
  readonly settings?: { readonly [C in OutboundClass]?: Partial<QueueSettings> };
  /** Deliveries under way at once, over all classes. */
  readonly concurrency?: number;
  /** Wait that counts as one step of priority. */
  readonly agingMs?: number;
}

interface Waiting {
  readonly message: OutboundMessage;
  readonly since: number;
}

interface Queue {
  readonly name: OutboundClass;
  readonly priority: number;
  settings: QueueSettings;
  readonly waiting: Fifo<Waiting>;
  readonly bucket: TokenBucket;
  delivered: number;
  dropped: number;
  failed: number;
  latencyMs: number;
}

const CONCURRENCY = 64;
const AGING_MS = 500;
/** Weight of the newest wait in the mean. */
const LATENCY_WEIGHT = 0.05;

export class OutboundQueues {
  readonly #queues: readonly Queue[];
  readonly #concurrency: number;
  readonly #agingMs: number;
  readonly #deliveries = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #isScheduled = false;
  #isClosed = false;

  constructor(private readonly options: OutboundQueuesOptions) {
    this.#concurrency = options.concurrency ?? CONCURRENCY;
    this.#agingMs = options.agingMs ?? AGING_MS;
    this.#queues = OUTBOUND_CLASSES.map((name, index) => {
      const settings = { ...QUEUE_DEFAULTS[name], ...options.settings?.[name] };
      const bucket = new TokenBucket({ ...bucketOf(settings), now: options.now });
      const counts = { delivered: 0, dropped: 0, failed: 0, latencyMs: 0 };
      return { name, priority: index + 1, settings, waiting: new Fifo<Waiting>(), bucket, ...counts };
    });
  }

  /** 'dead' when the queue is full or closed: the message is then a dead letter. */
  enqueue(name: OutboundClass, message: OutboundMessage): 'queued' | 'dead' {
    const queue = this.#queue(name);
    if (this.#isClosed || queue.waiting.size >= queue.settings.capacity) {
      queue.dropped += 1;
      this.#bury(queue, message, this.#isClosed ? 'closed' : 'overflow', 0);
      return 'dead';
    }
    queue.waiting.push({ message, since: this.options.now() });
    this.#schedule();
    return 'queued';
  }

  list(): QueueInfo[] {
    return this.#queues.map(describe);
  }

  /** What waits above a smaller capacity stays; only newcomers are refused. */
  configure(name: OutboundClass, settings: Partial<QueueSettings>): QueueInfo {
    const queue = this.#queue(name);
    queue.settings = { ...queue.settings, ...settings };
    const { capacity, refillPerSecond } = bucketOf(queue.settings);
    queue.bucket.resize(capacity, refillPerSecond);
    this.#schedule();
    return describe(queue);
  }

  /** Resolves when nothing waits and nothing is under way. */
  async idle(): Promise<void> {
    while (!this.#isClosed && (this.#deliveries.size > 0 || this.#queues.some((queue) => queue.waiting.size > 0))) {
      await (this.#deliveries.size > 0 ? Promise.race(this.#deliveries) : new Promise((next) => setTimeout(next, 5)));
    }
  }

  /** Lets deliveries under way end; what still waits becomes dead letters, to be replayed after a restart. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const queue of this.#queues) {
      for (let next = queue.waiting.shift(); next !== undefined; next = queue.waiting.shift()) {
        if (this.options.isVoid?.(next.message) !== true) this.#bury(queue, next.message, 'closed', 0);
      }
    }
    await Promise.all(this.#deliveries);
  }

  #queue(name: OutboundClass): Queue {
    const queue = this.#queues.find((candidate) => candidate.name === name);
    if (queue === undefined) throw new RangeError(`There is no queue "${name as string}"`);
    return queue;
  }

  /** At the end of this turn, so that a burst is ordered by priority before the first of it goes. */
  #schedule(): void {
    if (this.#isScheduled || this.#isClosed) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      if (!this.#isClosed) this.#pump();
    });
  }

  #pump(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (this.#deliveries.size < this.#concurrency) {
      const queue = this.#next();
      const waiting = queue?.waiting.shift();
      if (queue === undefined || waiting === undefined) break;
      queue.bucket.take();
      const delivery = this.#deliver(queue, waiting).finally(() => {
        this.#deliveries.delete(delivery);
        this.#schedule();
      });
      this.#deliveries.add(delivery);
    }
    if (this.#deliveries.size >= this.#concurrency) return;
    const waits = this.#queues.filter(({ waiting }) => waiting.size > 0).map(({ bucket }) => bucket.waitMs());
    const waitMs = Math.min(...waits);
    // A rate of 0 holds a class back for good, until it is configured again.
    if (Number.isFinite(waitMs)) this.#timer = setTimeout(() => this.#pump(), Math.ceil(waitMs));
  }

  /** The class whose turn it is, among those that have a message and a token. */
  #next(): Queue | undefined {
    const now = this.options.now();
    let best: Queue | undefined;
    let bestRank = Infinity;
    for (const queue of this.#queues) {
      const oldest = queue.waiting.peek();
      if (oldest === undefined || queue.bucket.waitMs() > 0) continue;
      const rank = queue.priority - Math.floor((now - oldest.since) / this.#agingMs);
      if (rank < bestRank) [best, bestRank] = [queue, rank];
    }
    return best;
  }

  async #deliver(queue: Queue, { message, since }: Waiting): Promise<void> {
    try {
      await this.options.deliver(message, queue.name);
      queue.delivered += 1;
      queue.latencyMs += (this.options.now() - since - queue.latencyMs) * LATENCY_WEIGHT;
    } catch (error) {
      queue.failed += 1;
      this.#bury(queue, message, 'failed', 1, error instanceof Error ? error.message : String(error));
    }
  }

  #bury(
    queue: Queue,
    message: OutboundMessage,
    reason: NewDeadLetter['reason'],
    attempts: number,
    error?: string,
  ): void {
    this.options.deadLetters.add({
      queue: queue.name,
      ...message,
      reason,
      attempts,
      ...(error !== undefined && { error }),
    });
  }
}

/** A tenth of a second's worth may go at once; nothing at a rate of 0. */
function bucketOf({ ratePerSecond }: QueueSettings): { capacity: number; refillPerSecond: number } {
  const capacity = ratePerSecond === 0 ? 0 : Math.max(1, ratePerSecond / 10);
  return { capacity, refillPerSecond: ratePerSecond };
}

function describe({ name, settings, priority, waiting, delivered, dropped, failed, latencyMs }: Queue): QueueInfo {
  return { name, ...settings, priority, depth: waiting.size, delivered, dropped, failed, latencyMs };
}
