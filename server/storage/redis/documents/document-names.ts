import { LRUCache } from 'lru-cache';
import type { CommandPipeline } from '../connection/command-pipeline.js';
import { partOf, type Keys } from '../keys.js';
import { allParts, mergedMembers } from '../name-index.js';

/** Names that are known to be in the index; 150 B each. */
const MAX_KNOWN = 20_000;

/**
 * The ordered index of document names. It stands in other Cluster slots than the documents, so it can't change with
 * them: a name is entered before the first append and removed after the erasure. Whoever lists checks each name against
 * the document, so a name without one does no harm.
 */
export class DocumentNames {
  readonly #reads: CommandPipeline;
  readonly #writes: CommandPipeline;
  readonly #keys: Keys;
  readonly #entered = new LRUCache<string, true>({ max: MAX_KNOWN });

  constructor(reads: CommandPipeline, writes: CommandPipeline, keys: Keys) {
    this.#reads = reads;
    this.#writes = writes;
    this.#keys = keys;
  }

  /** Makes sure that the name is in the index; costs a command only the first time. */
  async enter(document: string): Promise<void> {
    if (this.#entered.has(document)) return;
    const index = this.#keys.documentIndex(partOf(document));
    await this.#writes.command(index, 'zadd', index, 0, document);
    this.#entered.set(document, true);
  }

  /** The name was found in Redis, in a life that this process has not begun: somebody has entered it. */
  seen(document: string): void {
    this.#entered.set(document, true);
  }

  /** Redis has lost data: the index may have gone with it. */
  doubt(document: string): void {
    this.#entered.delete(document);
  }

  async remove(document: string): Promise<void> {
    this.#entered.delete(document);
    const index = this.#keys.documentIndex(partOf(document));
    await this.#writes.command(index, 'zrem', index, document);
  }

  /** Names that start with `prefix`, after `after`, ordered as UTF-8 bytes. */
  async *startingWith(prefix: string, after: string | undefined, expected: number): AsyncGenerator<string> {
    const range = {
      prefix: Buffer.from(prefix, 'utf8'),
      ...(after !== undefined && { after: Buffer.from(after, 'utf8') }),
      expected,
    };
    const indexes = allParts((part) => this.#keys.documentIndex(part));
    for await (const member of mergedMembers(this.#reads, indexes, range)) yield member.toString('utf8');
  }
}
