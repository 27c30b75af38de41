/**
 * Edits of forms by author. They come by the thousand, so they are gathered in memory and become one fact for each form and
 * author: every second while few forms are edited, up to every ten seconds when many are, as each fact is written, read
 * and counted. What was gathered when a process is killed is lost.
 */
import type { Logger } from 'pino';
import { documentKind } from '../protocol/document-name.js';
import type { NewUpdate } from '../storage/document-log.js';
import type { Fact } from './fact.js';
import type { FactLog } from './fact-log.js';

const GATHER_MS = 1_000;
const MAX_GATHER_MS = 10_000;
/** So that some 20 facts a second are written, however many forms are edited. */
const MS_PER_FORM = 50;
const MINUTE = 60;
const MAX_FORMS = 10_000;

interface Gathered {
  readonly at: number;
  readonly users: Map<string, { edits: number; bytes: number }>;
}

/** Edits in each of the last 60 seconds; `second` is the youngest that was written. */
interface Recent {
  readonly counts: Uint32Array;
  second: number;
}

export class EditCounter {
  /** By form. */
  #gathered = new Map<string, Gathered>();
  readonly #recent = new Map<string, Recent>();
  #timer: NodeJS.Timeout | undefined;
  #gatherMs = GATHER_MS;
  #flushing: Promise<void> = Promise.resolve();

  constructor(
    private readonly facts: FactLog,
    private readonly logger: Logger,
    /** Unix time in milliseconds. */
    private readonly clock: () => number = Date.now,
  ) {}

  /** Hot: called for each durable batch of updates. Ignores documents that are no form. */
  changed(document: string, updates: readonly NewUpdate[]): void {
    const kind = documentKind(document);
    if (kind.kind !== 'form') return;
    const now = this.clock();
    let gathered = this.#gathered.get(kind.formId);
    if (gathered === undefined) {
      gathered = { at: now, users: new Map() };
      this.#gathered.set(kind.formId, gathered);
      this.#timer ??= setTimeout(() => void this.flush(), this.#gatherMs).unref();
    }
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

  /** Makes facts of what was gathered. Never rejects: what the store does not take is gathered again. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const gathered = this.#gathered;
    this.#gathered = new Map();
    this.#gatherMs = Math.min(MAX_GATHER_MS, Math.max(GATHER_MS, gathered.size * MS_PER_FORM));
    this.#flushing = this.#flushing.then(() => this.#append(gathered));
    return this.#flushing;
  }

  async #append(gathered: ReadonlyMap<string, Gathered>): Promise<void> {
    await Promise.all(
      [...gathered].map(async ([formId, { at, users }]) => {
        const facts = [...users].map(([user, counts]): Fact => ({ type: 'edits', at, user, ...counts }));
        try {
          await this.facts.append(formId, facts);
        } catch (error) {
          this.logger.warn({ err: error, form: formId }, 'edits could not be counted; it is tried again');
          this.#takeBack(formId, { at, users });
        }
      }),
    );
  }

  #takeBack(formId: string, { at, users }: Gathered): void {
    const now = this.#gathered.get(formId);
    for (const [user, { edits, bytes }] of now?.users ?? []) {
      const before = users.get(user) ?? { edits: 0, bytes: 0 };
      users.set(user, { edits: before.edits + edits, bytes: before.bytes + bytes });
    }
    this.#gathered.set(formId, { at, users });
    this.#timer ??= setTimeout(() => void this.flush(), GATHER_MS).unref();
  }

  /** Edits in the last minute, by form: of this process. */
  lastMinute(): Map<string, number> {
    const second = Math.floor(this.clock() / 1_000);
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
