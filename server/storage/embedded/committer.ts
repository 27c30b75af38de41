/**
 * HOT PATH. One writer for everything: what arrives while a batch is on its way to the disk goes out together in the next,
 * with one fsync. When writes are many, the next batch waits up to a few milliseconds more: each fsync costs
 * about as much CPU as dozens of entries. An idle store waits for nothing.
 *
 * While the medium fails (full, read-only, broken), batches are kept and tried again in order; nobody is told that
 * they are durable. LevelDB refuses every write after one failed, so the database is closed and opened again.
 */
import { open, rm } from 'node:fs/promises';
import path from 'node:path';
import type { ClassicLevel } from 'classic-level';
import type { Logger } from 'pino';
import { StorageClosedError } from '../errors.js';
import type { StorageHealth } from '../storage.js';

export type Level = ClassicLevel<Uint8Array, Uint8Array>;
export type Operation =
  | { readonly type: 'put'; readonly key: Buffer; readonly value: Buffer }
  | { readonly type: 'del'; readonly key: Buffer };

interface Pending {
  readonly operations: Operation[];
  /** The last operation of each key: reads see it before the disk does. */
  readonly byKey: Map<string, Operation>;
  bytes: number;
  readonly settle: { readonly resolve: () => void; readonly reject: (error: unknown) => void }[];
  /** Who only waits until it is over. */
  readonly onOver: (() => void)[];
}

const nothingPending = (): Pending => ({ operations: [], byKey: new Map(), bytes: 0, settle: [], onOver: [] });

const MAX_WAIT_MS = 10;
const MAX_CHAINED_BYTES = 64 * 1024;
/** Below this rate nothing is gained by waiting. */
const BUSY_COMMITS_PER_SECOND = 250;
/** At this rate the wait is the longest: 10 ms, and so 5 commits in a batch, at 500 commits a second. */
const FULL_COMMITS_PER_SECOND = 500;
/** What LevelDB needs at least to open: a new log and manifest. */
const PROBE_BYTES = 256 * 1024;
/** A write that takes longer is reported: a disk that hangs returns no error. */
const STALL_MS = 2_000;
const STALL_CHECK_MS = 500;
const RETRY_MS = [100, 250, 500, 1_000, 2_000, 5_000];

export class Committer {
  /** Commits asked for and batches written, for metrics and tests. */
  commits = 0;
  batches = 0;
  #queue = nothingPending();
  #inFlight: Pending | undefined;
  #isScheduled = false;
  #immediate: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;
  #wake: (() => void) | undefined;
  #isClosing = false;
  #isClosed = false;
  #failure: { since: number; reason: string; isStalled: boolean } | undefined;
  #writeStartedAt: number | undefined;
  readonly #stallCheck: NodeJS.Timeout;
  #rate = 0;
  #rateAt = performance.now();
  #rateCommits = 0;

  constructor(
    private readonly level: Level,
    private readonly logger: Logger,
    /** How long a batch may wait for more, in milliseconds. May be changed at any time. */
    public maxWaitMs: number = MAX_WAIT_MS,
    private readonly onHealth: () => void = () => undefined,
  ) {
    this.#stallCheck = setInterval(() => this.#checkStall(), STALL_CHECK_MS);
    this.#stallCheck.unref();
  }

  health(): StorageHealth {
    if (this.#isClosed) return { state: 'closed' };
    if (this.#failure === undefined) return { state: 'ok' };
    return { state: 'failing', ...this.#failure, pendingBytes: this.#queue.bytes + (this.#inFlight?.bytes ?? 0) };
  }

  /** Atomic, in the order of the calls. Resolves after fsync. @throws StorageClosedError */
  commit(operations: readonly Operation[]): Promise<void> {
    if (this.#isClosing) return Promise.reject(new StorageClosedError());
    this.commits += 1;
    const { operations: queued, byKey, settle } = this.#queue;
    for (const operation of operations) {
      queued.push(operation);
      byKey.set(operation.key.toString('latin1'), operation);
      this.#queue.bytes += operation.key.length + (operation.type === 'put' ? operation.value.length : 0);
    }
    const written = new Promise<void>((resolve, reject) => settle.push({ resolve, reject }));
    if (this.#inFlight === undefined) this.#schedule();
    return written;
  }

  /** The newest value, written or not. Undefined when there is none. */
  read(key: Buffer): Uint8Array | undefined {
    const name = key.toString('latin1');
    const unwritten = this.#queue.byKey.get(name) ?? this.#inFlight?.byKey.get(name);
    if (unwritten !== undefined) return unwritten.type === 'put' ? unwritten.value : undefined;
    return this.level.getSync(key);
  }

  /** Resolves when what was committed under this key is on the disk: at once when nothing waits. */
  settled(key: Buffer): Promise<void> {
    const name = key.toString('latin1');
    const isUnwritten = this.#queue.byKey.has(name) || this.#inFlight?.byKey.has(name) === true;
    return isUnwritten ? this.flushed() : Promise.resolve();
  }

  /** Resolves when everything committed so far is on the disk, whatever is committed meanwhile. */
  flushed(): Promise<void> {
    const last = this.#queue.operations.length > 0 ? this.#queue : this.#inFlight;
    if (last === undefined) return Promise.resolve();
    return new Promise((resolve) => last.onOver.push(resolve));
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    const wait = this.#waitMs();
    // Without a wait, the end of this turn: rooms that tick together share the batch.
    if (wait === 0) this.#immediate = setImmediate(() => this.#start());
    else this.#timer = setTimeout(() => this.#start(), wait);
  }

  #waitMs(): number {
    const now = performance.now();
    const elapsed = now - this.#rateAt;
    if (elapsed > 50) {
      this.#rate = ((this.commits - this.#rateCommits) / elapsed) * 1_000;
      this.#rateAt = now;
      this.#rateCommits = this.commits;
    }
    if (this.#rate < BUSY_COMMITS_PER_SECOND) return 0;
    return Math.min(this.maxWaitMs, Math.ceil((this.#rate / FULL_COMMITS_PER_SECOND) * this.maxWaitMs));
  }

  #start(): void {
    this.#isScheduled = false;
    if (this.#inFlight !== undefined || this.#queue.operations.length === 0) return;
    const batch = this.#queue;
    this.#queue = nothingPending();
    this.#inFlight = batch;
    void this.#write(batch).then(
      () => this.#written(batch),
      () => this.#abandoned(batch),
    );
  }

  #written(batch: Pending): void {
    this.#inFlight = undefined;
    this.batches += 1;
    for (const { resolve } of batch.settle) resolve();
    for (const resolve of batch.onOver) resolve();
    if (this.#queue.operations.length > 0) this.#schedule();
  }

  /** Closed while the medium failed: nobody is told that it is durable, and nobody waits for ever. */
  #abandoned(batch: Pending): void {
    this.#inFlight = undefined;
    const queued = this.#queue;
    this.#queue = nothingPending();
    for (const { settle, onOver } of [batch, queued]) {
      for (const { reject } of settle) reject(new StorageClosedError());
      for (const resolve of onOver) resolve();
    }
  }

  async #write(batch: Pending): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        if (attempt > 0) await this.#reopen();
        this.#writeStartedAt = performance.now();
        await this.#writeBatch(batch);
        this.#writeStartedAt = undefined;
        this.#recovered();
        return;
      } catch (error) {
        this.#writeStartedAt = undefined;
        this.#failed(error);
        if (!this.#isClosing) await this.#pause(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)] ?? 0);
        if (this.#isClosing) throw error;
      }
    }
  }

  /** Of several small operations, the chained form costs half per operation; its memory is freed by the collector. */
  #writeBatch({ operations, bytes }: Pending): Promise<void> {
    if (operations.length === 1 || bytes > MAX_CHAINED_BYTES) return this.level.batch(operations, { sync: true });
    const chained = this.level.batch();
    for (const operation of operations) {
      if (operation.type === 'put') chained.put(operation.key, operation.value);
      else chained.del(operation.key);
    }
    return chained.write({ sync: true });
  }

  /** Reads go on meanwhile: the database is closed only when the folder takes writes again. */
  async #reopen(): Promise<void> {
    await probeFolder(this.level.location);
    await this.level.close();
    await this.level.open();
  }

  #checkStall(): void {
    if (this.#writeStartedAt === undefined || this.#failure !== undefined) return;
    const ms = performance.now() - this.#writeStartedAt;
    if (ms > STALL_MS)
      this.#failed(new Error(`the disk has not answered a write for ${Math.round(ms / 1_000)} s`), true);
  }

  #failed(error: unknown, isStalled = false): void {
    const reason = reasonOf(error);
    if (this.#failure === undefined) {
      this.logger.error({ err: error }, `the store cannot be written (${reason}); edits wait and are not confirmed`);
    }
    this.#failure = { since: this.#failure?.since ?? Date.now(), reason, isStalled };
    this.onHealth();
  }

  #recovered(): void {
    if (this.#failure === undefined) return;
    this.logger.warn({ failedForMs: Date.now() - this.#failure.since }, 'the store can be written again');
    this.#failure = undefined;
    this.onHealth();
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = (): void => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Refuses more, and writes what is queued. Gives up on a medium that fails. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#wake?.();
    await this.flushed();
    this.#isClosed = true;
    clearInterval(this.#stallCheck);
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
  }
}

/** @throws what the file system says when the folder cannot take a small durable write. */
async function probeFolder(folder: string): Promise<void> {
  const file = path.join(folder, 'writable');
  const handle = await open(file, 'w');
  try {
    await handle.write(Buffer.alloc(PROBE_BYTES));
    await handle.sync();
  } finally {
    await handle.close();
    await rm(file, { force: true });
  }
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}
