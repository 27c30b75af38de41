/** The state of this node and of what it stands on: now, and every 10 s of the last hour. */
import { statfs } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { constrainedMemory } from 'node:process';
import type { Logger } from 'pino';
import type { EventLoopDelay, Latency } from '../observability/index.js';
import type { StorageHealth } from '../storage/index.js';

export interface SystemSample {
  /** Unix time in milliseconds. */
  readonly at: number;
  /** Of one core, since the sample before; 100 is one core. */
  readonly cpuPercent: number;
  readonly rssBytes: number;
  readonly heapUsedBytes: number;
  /** Resident memory as a share of what this process may have. */
  readonly memoryPercent: number;
  readonly eventLoopDelay: EventLoopDelay;
  /** Of the file system of DATA_DIR; null where it cannot be asked. */
  readonly disk: { readonly totalBytes: number; readonly freeBytes: number; readonly usedBytes: number } | null;
  readonly store: StorageHealth['state'];
  /** Null without Redis. */
  readonly redis: 'ok' | 'unreachable' | null;
  readonly connections: number;
  readonly rooms: number;
  /** Since the sample before. */
  readonly editsPerSecond: number;
  /** Of edits in the last 10 s; null without any. */
  readonly echo: Latency | null;
  readonly append: Latency | null;
}

export interface SystemSources {
  /** DATA_DIR. */
  readonly folder: string;
  readonly isRedis: boolean;
  eventLoopDelay(): EventLoopDelay;
  storageHealth(): StorageHealth;
  connections(): number;
  rooms(): number;
  /** Edits since the start. */
  edits(): number;
  latencies(): { readonly echo: Latency | null; readonly append: Latency | null };
}

const EVERY_MS = 10_000;
const KEPT = 360;
/** Rates over less say little. */
const MIN_RATE_MS = 500;

export class SystemSampler {
  readonly #samples: SystemSample[] = [];
  #disk: SystemSample['disk'] = null;
  #cpu = process.cpuUsage();
  #ratesAt = performance.now();
  #cpuPercent = 0;
  #edits = 0;
  #editsPerSecond = 0;
  #sampled = { edits: 0, at: performance.now() };
  #onSample: ((sample: SystemSample) => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly sources: SystemSources,
    private readonly clock: () => number,
    private readonly logger: Logger,
    private readonly everyMs = EVERY_MS,
  ) {}

  async start(): Promise<void> {
    await this.#sample();
    this.#timer = setInterval(() => void this.#sample(), this.everyMs);
    this.#timer.unref();
  }

  /** Calls at each sample from now on; takes the place of an earlier listener. */
  onSample(listener: (sample: SystemSample) => void): void {
    this.#onSample = listener;
  }

  /** Oldest first, at most an hour. */
  get lastHour(): readonly SystemSample[] {
    return this.#samples;
  }

  /** Taken now; the disk is that of the last sample. */
  now(): SystemSample {
    const { rss, heapUsed } = process.memoryUsage();
    const { state } = this.sources.storageHealth();
    this.#readRates();
    return {
      at: this.clock(),
      cpuPercent: this.#cpuPercent,
      rssBytes: rss,
      heapUsedBytes: heapUsed,
      memoryPercent: (rss / memoryLimit()) * 100,
      eventLoopDelay: this.sources.eventLoopDelay(),
      disk: this.#disk,
      store: state,
      redis: this.sources.isRedis ? (state === 'ok' ? 'ok' : 'unreachable') : null,
      connections: this.sources.connections(),
      rooms: this.sources.rooms(),
      editsPerSecond: this.#editsPerSecond,
      ...this.sources.latencies(),
    };
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #sample(): Promise<void> {
    try {
      const { bsize, blocks, bavail, bfree } = await statfs(this.sources.folder);
      this.#disk = { totalBytes: blocks * bsize, freeBytes: bavail * bsize, usedBytes: (blocks - bfree) * bsize };
    } catch (error) {
      this.#disk = null;
      this.logger.debug({ err: error }, 'the disk cannot be asked how full it is');
    }
    // Whoever asks in between does not shorten what a sample stands for.
    const edits = this.sources.edits();
    const at = performance.now();
    const editsPerSecond = ((edits - this.#sampled.edits) / Math.max(1, at - this.#sampled.at)) * 1_000;
    this.#sampled = { edits, at };
    const sample = { ...this.now(), editsPerSecond };
    this.#samples.push(sample);
    if (this.#samples.length > KEPT) this.#samples.shift();
    this.#onSample?.(sample);
  }

  #readRates(): void {
    const elapsed = performance.now() - this.#ratesAt;
    if (elapsed < MIN_RATE_MS) return;
    const { user, system } = process.cpuUsage(this.#cpu);
    this.#cpuPercent = ((user + system) / 1_000 / elapsed) * 100;
    this.#cpu = process.cpuUsage();
    const edits = this.sources.edits();
    this.#editsPerSecond = ((edits - this.#edits) / elapsed) * 1_000;
    this.#edits = edits;
    this.#ratesAt = performance.now();
  }
}

/** Of the container when there is a limit (Node answers 0 or a huge number when there is none), else of the machine. */
function memoryLimit(): number {
  const limit = constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : totalmem();
}
