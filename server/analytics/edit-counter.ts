/**
 * Edits of forms by author. They come by the thousand, so they are gathered in memory and become one fact for each form and
 * author: every second while few forms are edited, up to every twenty seconds when many are, as each fact is written, read
 * and counted. What was gathered when a process is killed is counted from the log of documents (`edit-recount.ts`).
 */
import type { Logger } from 'pino';
import { documentKind } from '../protocol/document-name.js';
import type { NewUpdate, Position } from '../storage/document-log.js';
import type { EditMarks } from './edit-marks.js';
import type { Fact } from './fact.js';
import type { FactLog } from './fact-log.js';

const GATHER_MS = 1_000;
const MAX_GATHER_MS = 20_000;
/** So that some 5 forms a second are written and counted, however many are edited. */
const MS_PER_FORM = 200;
/** So often a node says that it lives, also when nothing is edited. */
const BEAT_MS = 15_000;
const MINUTE = 60;
const MAX_FORMS = 10_000;

interface Gathered {
  readonly at: number;
  /** Position of the last update. */
  upTo: Position;
  readonly users: Map<string, { edits: number; bytes: number }>;
}

/** Edits in each of the last 60 seconds; `second` is the youngest that was written. */
interface Recent {
  readonly counts: Uint32Array;
  second: number;
}

export interface EditCounterOptions {
  readonly facts: FactLog;
  readonly marks: EditMarks;
  /** Whether other nodes write to the same store. */
  readonly isShared: boolean;
  readonly logger: Logger;
  /** Unix time in milliseconds. */
  readonly clock?: () => number;
}

export class EditCounter {
  readonly #clock: () => number;
  /** By form. */
  #gathered = new Map<string, Gathered>();
  readonly #recent = new Map<string, Recent>();
  #timer: NodeJS.Timeout | undefined;
  #gatherMs = GATHER_MS;
  #flushing: Promise<void> = Promise.resolve();

  #beat: NodeJS.Timeout | undefined;

  constructor(private readonly options: EditCounterOptions) {
    this.#clock = options.clock ?? Date.now;
  }

  /** From now on what a killed process had gathered can be told from what it had counted. */
  async start(): Promise<void> {
    const { marks, isShared, logger } = this.options;
    await marks.put(this.#clock());
    if (!isShared) return;
    this.#beat = setInterval(() => {
      if (this.#timer !== undefined) return;
      this.flush().catch((error: unknown) =>
        logger.debug({ err: error }, 'the counting of edits could not say it lives'),
      );
    }, BEAT_MS);
    this.#beat.unref();
  }

  /** Writes down what was gathered. Never rejects. */
  async close(): Promise<void> {
    const { marks, logger } = this.options;
    clearInterval(this.#beat);
    await this.flush();
    // What the store did not take is counted from the log by whoever comes next.
    if (this.#gathered.size > 0) return;
    await marks.delete().catch((error: unknown) => logger.debug({ err: error }, 'the mark of the counting is left'));
  }

  /** Hot: called for each durable batch of updates. Ignores documents that are no form. */
  changed(document: string, updates: readonly NewUpdate[], position: Position): void {
    const kind = documentKind(document);
    if (kind.kind !== 'form') return;
    const now = this.#clock();
    let gathered = this.#gathered.get(kind.formId);
    if (gathered === undefined) {
      gathered = { at: now, upTo: position, users: new Map() };
      this.#gathered.set(kind.formId, gathered);
      this.#timer ??= setTimeout(() => void this.flush(), this.#gatherMs).unref();
    }
    gathered.upTo = position;
    for (const { update, attribution } of updates) {
      const user = gathered.users.get(attribution.principal);
      if (user === undefined) gathered.users.set(attribution.principal, { edits: 1, bytes: update.length });
      else {
        user.edits += 1;
        user.bytes += update.length;
      }
    }
    this.#remember(kind.formId, Math.floor(now / 1_000), updates.length);
  }

  /** Resolves when what was gathered of a document is written down, or could not be. */
  async written(document: string): Promise<void> {
    const kind = documentKind(document);
    if (kind.kind !== 'form') return;
    const gathered = this.#gathered.get(kind.formId);
    if (gathered !== undefined) {
      this.#gathered.delete(kind.formId);
      this.#flushing = this.#flushing.then(async () => {
        await this.#append(new Map([[kind.formId, gathered]]));
      });
    }
    await this.#flushing;
  }

  /** Makes facts of what was gathered. Never rejects: what the store does not take is gathered again. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const gathered = this.#gathered;
    this.#gathered = new Map();
    this.#gatherMs = Math.min(MAX_GATHER_MS, Math.max(GATHER_MS, gathered.size * MS_PER_FORM));
    const at = this.#clock();
    this.#flushing = this.#flushing.then(() => this.#write(gathered, at));
    return this.#flushing;
  }

  /** @param at when it was taken out of the memory */
  async #write(gathered: ReadonlyMap<string, Gathered>, at: number): Promise<void> {
    const { marks, isShared, logger } = this.options;
    try {
      if (isShared && !(await marks.isHere())) {
        logger.warn('another node took this one for dead and has counted its edits from the log');
      } else if (!(await this.#append(gathered))) return;
      await marks.put(at);
    } catch (error) {
      // The mark stays behind: edits are told apart by the facts that are there.
      logger.debug({ err: error }, 'how far edits are counted could not be said');
    }
  }

  /** Answers whether the store took all. */
  async #append(gathered: ReadonlyMap<string, Gathered>): Promise<boolean> {
    const { facts: log, marks, logger } = this.options;
    let isComplete = true;
    await Promise.all(
      [...gathered].map(async ([formId, { at, upTo, users }]) => {
        const { node } = marks;
        const facts = [...users].map(([user, counts]): Fact => ({ type: 'edits', at, user, ...counts, node, upTo }));
        try {
          await log.append(formId, facts);
        } catch (error) {
          isComplete = false;
          logger.warn({ err: error, form: formId }, 'edits could not be counted; it is tried again');
          this.#takeBack(formId, { at, upTo, users });
        }
      }),
    );
    return isComplete;
  }

  #takeBack(formId: string, { at, upTo, users }: Gathered): void {
    const now = this.#gathered.get(formId);
    for (const [user, { edits, bytes }] of now?.users ?? []) {
      const before = users.get(user) ?? { edits: 0, bytes: 0 };
      users.set(user, { edits: before.edits + edits, bytes: before.bytes + bytes });
    }
    this.#gathered.set(formId, { at, upTo: now?.upTo ?? upTo, users });
    this.#timer ??= setTimeout(() => void this.flush(), GATHER_MS).unref();
  }

  /** Edits in the last minute, by form: of this process. */
  lastMinute(): Map<string, number> {
    const second = Math.floor(this.#clock() / 1_000);
    const counts = new Map<string, number>();
    for (const [formId, recent] of this.#recent) {
      advance(recent, second);
      const edits = recent.counts.reduce((sum, count) => sum + count, 0);
      if (edits > 0) counts.set(formId, edits);
      else this.#recent.delete(formId);
    }
    return counts;
  }

  #remember(formId: string, second: number, edits: number): void {
    let recent = this.#recent.get(formId);
    if (recent === undefined) {
      if (this.#recent.size >= MAX_FORMS) this.lastMinute();
      recent = { counts: new Uint32Array(MINUTE), second };
      this.#recent.set(formId, recent);
    }
    advance(recent, second);
    const slot = second % MINUTE;
    recent.counts[slot] = (recent.counts[slot] ?? 0) + edits;
  }
}

function advance(recent: Recent, second: number): void {
  const passed = Math.min(MINUTE, second - recent.second);
  for (let i = 1; i <= passed; i += 1) recent.counts[(recent.second + i) % MINUTE] = 0;
  recent.second = Math.max(recent.second, second);
}
