/**
 * Facts at rest: a stream for each form, so that a form takes all that is known of it along when it is erased.
 *
 *   stream  analytics/<formId>              the facts; consumer `rollups` is how far they are counted
 *   record  analytics-form, <formId>        there are facts of this form
 *   record  analytics-gone, <formId>        the form was erased: what comes late is not kept
 */
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import type { Bus } from '../storage/bus.js';
import type { Subscription } from '../storage/document-log.js';
import type { EventLog } from '../storage/event-log.js';
import type { RecordStore } from '../storage/record-store.js';
import { factSchema, type Fact } from './fact.js';

const CHANNEL = 'analytics-facts';
const CONSUMER = 'rollups';
const START = '0';
const PAGE = 200;
const KNOWN_FORMS = 10_000;
/** Editors are gone when a form is erased; what is on its way arrives within seconds. */
const GONE_MS = 24 * 3_600_000;

export interface LoggedFact {
  readonly id: string;
  readonly fact: Fact;
}

export interface FactLogOptions {
  readonly log: EventLog;
  readonly records: RecordStore;
  readonly bus: Bus;
  readonly logger: Logger;
  /** Unix time in milliseconds. */
  readonly clock?: () => number;
}

export class FactLog {
  readonly #marked = new LRUCache<string, true>({ max: KNOWN_FORMS });

  constructor(private readonly options: FactLogOptions) {}

  /** Durable when it resolves; nothing is kept of a form that was erased. */
  async append(formId: string, facts: readonly Fact[]): Promise<void> {
    if (facts.length === 0) return;
    const { log, records } = this.options;
    if (!this.#marked.has(formId)) {
      if (await this.#isGone(formId)) return;
      // Before the first fact: whoever counts finds the stream by it.
      await records.put(['analytics-form', formId], Buffer.of());
      this.#marked.set(formId, true);
    }
    await log.append(streamOf(formId), facts);
    // Asked afterwards, so that an erasure meanwhile leaves nothing behind.
    if (await this.#isGone(formId)) await this.#erase(formId);
    else this.#wake(formId);
  }

  async after(formId: string, id: string | undefined, limit: number): Promise<LoggedFact[]> {
    const events = await this.options.log.range(streamOf(formId), {
      limit,
      ...(id === undefined ? {} : { after: id }),
    });
    return events.map(({ id: at, data }) => ({ id: at, fact: factSchema.parse(data) }));
  }

  /**
   * The position up to which a node has counted its edits of a form; undefined when it wrote none down lately.
   * @param since Unix time in milliseconds: how far back it is looked for
   */
  async countedEdits(formId: string, node: string, since: number): Promise<string | undefined> {
    for (let before: string | undefined; ;) {
      const page = await this.options.log.range(streamOf(formId), {
        ...{ reverse: true, limit: PAGE },
        ...(before === undefined ? {} : { before }),
      });
      for (const { at, data } of page) {
        const fact = factSchema.parse(data);
        if (fact.type === 'edits' && fact.node === node && fact.upTo !== undefined) return fact.upTo;
        if (at < since) return undefined;
      }
      before = page.at(-1)?.id;
      if (before === undefined) return undefined;
    }
  }

  async lastId(formId: string): Promise<string | undefined> {
    return (await this.options.log.range(streamOf(formId), { reverse: true, limit: 1 }))[0]?.id;
  }

  /** How far the facts are counted. */
  async counted(formId: string): Promise<string> {
    return (await this.options.log.position(streamOf(formId), CONSUMER)) ?? START;
  }

  async setCounted(formId: string, id: string): Promise<void> {
    await this.options.log.commit(streamOf(formId), CONSUMER, id);
  }

  /** All facts are to be counted again. */
  async setUncounted(formId: string): Promise<void> {
    await this.setCounted(formId, START);
  }

  async *forms(): AsyncGenerator<string> {
    for await (const { key } of this.options.records.scan(['analytics-form'])) {
      const [, formId] = key;
      if (formId !== undefined) yield formId;
    }
  }

  /** Whenever facts of a form were appended, on any node; a message may be lost. */
  onAppended(listener: (formId: string) => void): Promise<Subscription> {
    return this.options.bus.subscribe(CHANNEL, (message) => listener(Buffer.from(message).toString()));
  }

  /** The facts, and that there were any. Whatever comes late is not kept. */
  async erase(formId: string): Promise<void> {
    const now = (this.options.clock ?? Date.now)();
    await this.options.records.put(['analytics-gone', formId], Buffer.of(), { expiresAt: now + GONE_MS });
    await this.#erase(formId);
  }

  async #erase(formId: string): Promise<void> {
    this.#marked.delete(formId);
    await this.options.log.erase(streamOf(formId));
    await this.options.records.erase(['analytics-form', formId]);
  }

  async #isGone(formId: string): Promise<boolean> {
    return (await this.options.records.get(['analytics-gone', formId])) !== undefined;
  }

  #wake(formId: string): void {
    this.options.bus.publish(CHANNEL, Buffer.from(formId)).catch((error: unknown) => {
      this.options.logger.debug({ err: error }, 'the counting was not woken; it looks by itself within a minute');
    });
  }
}

const streamOf = (formId: string): string => `analytics/${formId}`;
