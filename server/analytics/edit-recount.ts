/**
 * Counts the edits that a killed process had gathered and not written down yet: they are in the log of documents, each with
 * the node that appended it. Where its counting ended is said by the last fact that it wrote of a form.
 *
 * To be run by one node at a time. After a crash in between it is done again, and counts nothing twice.
 */
import type { Logger } from 'pino';
import { rest } from '../duties/index.js';
import { documentKind } from '../protocol/document-name.js';
import { START, type DocumentLog, type LoggedUpdate, type Position } from '../storage/document-log.js';
import { DocumentErasedError } from '../storage/errors.js';
import type { EditMark, EditMarks } from './edit-marks.js';
import type { FactLog } from './fact-log.js';
import type { Fact } from './fact.js';

/** A live node says so every 15 seconds. */
const DEAD_MS = 60_000;
const LOOK_EVERY_MS = 15_000;
/** An update is older than its append. */
const MARGIN_MS = 60_000;
const MINUTE_MS = 60_000;
const PAGE = 500;

export interface EditRecountOptions {
  readonly documents: DocumentLog;
  readonly facts: FactLog;
  readonly marks: EditMarks;
  readonly logger: Logger;
}

export class EditRecount {
  /** By node: since when its mark has stood still, by the clock of this process. */
  readonly #still = new Map<string, { readonly version: string; readonly since: number }>();

  constructor(private readonly options: EditRecountOptions) {}

  /** Until `signal` is aborted where several nodes share the store, else once: whoever was here before is dead. */
  async run(signal: AbortSignal): Promise<void> {
    const { documents, marks, logger } = this.options;
    for (;;) {
      for (const mark of await marks.others()) {
        if (documents.isShared && !this.#isDead(mark)) continue;
        const edits = await this.#countFor(mark, signal);
        if (signal.aborted) return;
        await marks.forget(mark);
        this.#still.delete(mark.node);
        if (edits > 0) logger.info({ edits, of: mark.node }, 'edits that a killed process had not counted are counted');
      }
      if (!documents.isShared) return;
      await rest(LOOK_EVERY_MS, signal);
      if (signal.aborted) return;
    }
  }

  #isDead({ node, version }: EditMark): boolean {
    const now = performance.now();
    const still = this.#still.get(node);
    if (still?.version !== version) this.#still.set(node, { version, since: now });
    else return now - still.since > DEAD_MS;
    return false;
  }

  async #countFor(mark: EditMark, signal: AbortSignal): Promise<number> {
    const { documents } = this.options;
    let edits = 0;
    for (let cursor: string | null = null; ;) {
      const page = await documents.list('form/', cursor, PAGE);
      for (const { document, changedAt } of page.data) {
        const kind = documentKind(document);
        if (signal.aborted) return edits;
        if (kind.kind !== 'form') continue;
        // The list of the embedded store is up to a minute old after a crash.
        const lastAt = documents.isShared ? changedAt : ((await documents.info(document))?.changedAt ?? 0);
        if (lastAt >= mark.at - MARGIN_MS) edits += await this.#countForm(kind.formId, document, mark);
      }
      if (page.nextCursor === null) return edits;
      cursor = page.nextCursor;
    }
  }

  async #countForm(formId: string, document: string, mark: EditMark): Promise<number> {
    const { facts, logger } = this.options;
    try {
      const counted = await facts.countedEdits(formId, mark.node, mark.at - 2 * MARGIN_MS);
      const updates = await this.#uncounted(document, counted, mark);
      await facts.append(formId, factsOf(updates, mark.node));
      return updates.length;
    } catch (error) {
      // A document that is damaged or gone must not keep the others from being counted.
      if (!(error instanceof DocumentErasedError)) {
        logger.warn({ err: error, document }, 'the edits of a killed process could not be counted for this document');
      }
      return 0;
    }
  }

  /** Updates of the node after that position; after its mark when nothing was counted of the form lately. */
  async #uncounted(document: string, counted: Position | undefined, mark: EditMark): Promise<LoggedUpdate[]> {
    let fresh: LoggedUpdate[] = [];
    for (let after = START; ;) {
      const page = await this.options.documents.history(document, after, PAGE);
      for (const update of page) {
        if (update.position === counted) fresh = [];
        else if (update.node !== mark.node) continue;
        else if (counted !== undefined || update.attribution.at >= mark.at - MARGIN_MS) fresh.push(update);
      }
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return fresh;
      after = last.position;
    }
  }
}

/** One for each author and minute, so that they lie in the spans in which they happened. */
function factsOf(updates: readonly LoggedUpdate[], node: string): Fact[] {
  const upTo = updates.at(-1)?.position;
  const gathered = new Map<string, { at: number; user: string; edits: number; bytes: number }>();
  for (const { attribution, update } of updates) {
    const key = JSON.stringify([attribution.principal, Math.floor(attribution.at / MINUTE_MS)]);
    const fact = gathered.get(key) ?? { at: attribution.at, user: attribution.principal, edits: 0, bytes: 0 };
    gathered.set(key, { ...fact, edits: fact.edits + 1, bytes: fact.bytes + update.length });
  }
  return [...gathered.values()].map((fact): Fact => ({ type: 'edits', ...fact, node, upTo }));
}
