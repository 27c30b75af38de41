/**
 * Takes snapshots of documents that change, as the policy says. Runs on every node.
 *
 *   changed   after each durable append of this node: counts, and marks the document in the store once
 *   look      asks the log how much came since the last snapshot, from any node; less often the further away it is
 *   take      under a lease, so that of several nodes one does it; then clears the mark, or sets it anew
 *   scan      one node at a time reads all marks: those that a node left behind when it ended
 *
 * Answer sheets are left out: each belongs to one respondent, is pinned when it is handed in, and has its own history.
 */
import type { Logger } from 'pino';
import { rest } from '../duties/index.js';
import { documentKind } from '../protocol/document-name.js';
import type { DocumentLog } from '../storage/document-log.js';
import type { Leases } from '../storage/leases.js';
import type { SnapshotStore } from '../storage/snapshots.js';
import type { DueMark, DueMarks } from './due-marks.js';
import type { SnapshotPolicies } from './policy.js';
import { SYSTEM, type SnapshotTaker } from './snapshot-taker.js';

const LOOK_MS = 1_000;
/** A document that changed is looked at by then, however few of its updates came through this node. */
const LOOK_ANYWAY_MS = 15_000;
const SCAN_MS = 60_000;
/** The node that has the document open comes first. */
const LEFT_BEHIND_MS = 60_000;
const LEASE_MS = 60_000;
/** Duties are shared by documents, so that their number is bounded. */
const DUTIES = 64;
/** Snapshots may take this share of a node's time. */
const REST_FACTOR = 20;
/** Documents that are looked at side by side: their reads and marks share a commit of the store. */
const AT_ONCE = 16;
const MINUTE_MS = 60_000;

export interface AutomaticSnapshotsOptions {
  /** Id of this node. */
  readonly node: string;
  readonly log: Pick<DocumentLog, 'info'>;
  readonly leases: Leases;
  readonly store: SnapshotStore;
  readonly marks: DueMarks;
  readonly policies: SnapshotPolicies;
  readonly taker: SnapshotTaker;
  readonly logger: Logger;
  readonly clock?: () => number;
  readonly scanMs?: number;
}

interface Changing {
  /** First change that this node knows of since the last snapshot. Unix time in milliseconds. */
  since: number;
  isMarked: boolean;
  /** Updates of this node since the last look. */
  fresh: number;
  /** Updates since the last snapshot, of all nodes, as the last look found them. */
  counted: number;
  lookedAt: number;
}

export class AutomaticSnapshots {
  readonly #clock: () => number;
  readonly #changing = new Map<string, Changing>();
  readonly #timers: NodeJS.Timeout[] = [];
  #sweeping: Promise<void> | undefined;
  #scanning: Promise<void> | undefined;
  #restsUntil = 0;
  readonly #closing = new AbortController();

  constructor(private readonly options: AutomaticSnapshotsOptions) {
    this.#clock = options.clock ?? Date.now;
  }

  start(): void {
    const every = (ms: number, act: () => void): void => {
      this.#timers.push(setInterval(act, ms).unref());
    };
    every(LOOK_MS, () => this.#startSweep());
    every(this.options.scanMs ?? SCAN_MS, () => this.#startScan());
    this.#startScan();
  }

  /** HOT PATH. So many updates of this node have become durable. */
  changed(document: string, updates: number): void {
    const known = this.#changing.get(document);
    if (known !== undefined) {
      known.fresh += updates;
      return;
    }
    if (documentKind(document).kind === 'submission') return;
    const since = this.#clock();
    this.#changing.set(document, { since, isMarked: false, fresh: updates, counted: 0, lookedAt: 0 });
  }

  /** Idempotent. What is due is left to the next start. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all([this.#sweeping, this.#scanning]);
  }

  #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  #startSweep(): void {
    this.#sweeping ??= this.#sweep().finally(() => (this.#sweeping = undefined));
  }

  async #sweep(): Promise<void> {
    const { updates, minutes } = this.options.policies.current.every;
    if (updates === null && minutes === null) return;
    const due = Array.from(this.#changing).filter(([, changing]) => !changing.isMarked || this.#isLookDue(changing));
    for (let i = 0; i < due.length && !this.#isClosed(); i += AT_ONCE) {
      const some = due.slice(i, i + AT_ONCE);
      await Promise.all(
        some.map(([document, changing]) => this.#guarded(document, () => this.#look(document, changing))),
      );
    }
  }

  #isLookDue({ since, fresh, counted, lookedAt }: Changing): boolean {
    const { updates, minutes } = this.options.policies.current.every;
    const now = this.#clock();
    if (minutes !== null && now - since >= minutes * MINUTE_MS) return true;
    if (fresh === 0) return false;
    return (updates !== null && fresh * 2 >= updates - counted) || now - lookedAt >= LOOK_ANYWAY_MS;
  }

  async #guarded(document: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!this.#isClosed()) {
        this.options.logger.warn({ err: error, document }, 'no automatic snapshot; it is tried again');
      }
    }
  }

  async #look(document: string, changing: Changing): Promise<void> {
    const { marks } = this.options;
    if (!changing.isMarked) {
      await marks.set(document, changing.since);
      changing.isMarked = true;
    }
    if (!this.#isLookDue(changing) || this.#clock() < this.#restsUntil) return;
    changing.lookedAt = this.#clock();
    changing.fresh = 0;
    const mark = await marks.get(document);
    const count = await this.#sinceSnapshot(document);
    if (count === undefined || count === 0) {
      // Erased, or another node has taken it.
      if (mark !== undefined) await marks.clear(mark);
      if (changing.fresh === 0) this.#changing.delete(document);
      return;
    }
    changing.counted = count;
    // Without a mark: another node has taken one since, but not of all that there is.
    changing.since = mark?.since ?? changing.lookedAt;
    if (mark === undefined) await marks.set(document, changing.since);
    const { updates, minutes } = this.options.policies.current.every;
    const isOld = minutes !== null && this.#clock() - changing.since >= minutes * MINUTE_MS;
    if (isOld || (updates !== null && count >= updates)) await this.#take(document);
  }

  /** Updates that came after the last snapshot, whoever took that; undefined when there is no such document. */
  async #sinceSnapshot(document: string): Promise<number | undefined> {
    const { log, store } = this.options;
    const { data } = await store.list(document, { limit: 1, cursor: null });
    const total = (await log.info(document))?.updates;
    const base = data[0]?.updates ?? 0;
    // A log that began anew (a restored backup) counts from there.
    return total === undefined ? undefined : total < base ? total : total - base;
  }

  async #take(document: string): Promise<void> {
    const { leases, node, taker, marks, log, logger } = this.options;
    const lease = await leases.acquire(`snapshots/${partOf(document)}`, node, LEASE_MS);
    if (lease === undefined) return;
    const startedAt = performance.now();
    try {
      const mark = await marks.get(document);
      // Another node was faster.
      if (mark === undefined) return;
      const info = await taker.take(document, {
        ...{ label: 'automatic', kind: 'automatic', principal: SYSTEM },
        mayStore: () => lease.renew(LEASE_MS),
      });
      // What came while it was taken is in no snapshot for certain.
      const total = (await log.info(document))?.updates;
      await marks.clear(mark);
      const changing = this.#changing.get(document);
      if (total !== undefined && info?.updates !== undefined && total > info.updates) {
        const since = this.#clock();
        await marks.set(document, since);
        this.#changing.set(document, { since, isMarked: true, fresh: 1, counted: 0, lookedAt: since });
      } else if (changing !== undefined && changing.fresh === 0) {
        this.#changing.delete(document);
      } else if (changing !== undefined) {
        Object.assign(changing, { since: this.#clock(), isMarked: false, counted: 0 });
      }
      if (info !== undefined) logger.debug({ document, snapshot: info.id, bytes: info.bytes }, 'automatic snapshot');
    } finally {
      await lease.release();
      this.#restsUntil = this.#clock() + (performance.now() - startedAt) * REST_FACTOR;
    }
  }

  #startScan(): void {
    this.#scanning ??= this.#scan().finally(() => (this.#scanning = undefined));
  }

  async #scan(): Promise<void> {
    const { leases, node, marks, policies, logger } = this.options;
    const { updates, minutes } = policies.current.every;
    if (this.#isClosed() || (updates === null && minutes === null)) return;
    try {
      const lease = await leases.acquire('snapshots', node, LEASE_MS);
      if (lease === undefined) return;
      try {
        for await (const mark of marks.all()) {
          if (this.#isClosed() || !(await lease.renew(LEASE_MS))) return;
          await this.#guarded(mark.document, () => this.#considerLeftBehind(mark));
        }
      } finally {
        await lease.release();
      }
    } catch (error) {
      if (!this.#isClosed()) logger.warn({ err: error }, 'documents that wait for a snapshot could not be read');
    }
  }

  async #considerLeftBehind({ document, since }: DueMark): Promise<void> {
    const { updates, minutes } = this.options.policies.current.every;
    if (this.#changing.has(document)) return;
    const ageMs = this.#clock() - since;
    if (minutes !== null && ageMs < minutes * MINUTE_MS + LEFT_BEHIND_MS) return;
    if (minutes === null && ((await this.#sinceSnapshot(document)) ?? Infinity) < (updates ?? Infinity)) return;
    const restMs = this.#restsUntil - this.#clock();
    if (restMs > 0) await rest(restMs, this.#closing.signal);
    if (!this.#isClosed()) await this.#take(document);
  }
}

/** FNV-1a. */
function partOf(document: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < document.length; i++) hash = Math.imul(hash ^ document.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % DUTIES;
}
