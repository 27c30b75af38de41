/**
 * Applies updates, and gives up on one that takes longer than any honest update does.
 *
 * Yjs finds the place of an item by comparing it with those that others have put into the same gap. They are few among
 * people. An update that is made for it has as many as it has items, of one client id or of thousands: 14 kB took 0.7 s,
 * 56 kB 15 s, and nothing else runs meanwhile. The bytes do not tell: 104 kB of 3,000 client ids take 20 ms. So time decides,
 * and V8 is asked to stop.
 *
 * What was stopped may be half applied: the document has to be read from the log again.
 */
import { createContext, Script, type Context } from 'node:vm';
import * as Y from 'yjs';
import { UpdateNotAppliedError, UpdateTooCostlyError } from '../errors.js';

/** Below so many comparisons even the worst update takes well under a second, and the watch is not worth its 60 µs. */
const WATCHED_COMPARISONS = 2_000_000;
/** About the fewest bytes that an item takes in a document. */
const BYTES_PER_ITEM = 5;
/** Five times and more what honest updates take (0.07 to 0.2 ms a KiB): nobody is to lose an edit to a slow machine. */
const LIMIT_MS = 250;
const LIMIT_MS_PER_KIB = 1;
/** Of the limit; whoever got less of the processor was held up by others. */
const HELD_UP_SHARE = 0.5;
const TIMEOUT = 'ERR_SCRIPT_EXECUTION_TIMEOUT';

type Called = Context & { call: () => void };

export class BoundedApplier {
  /** V8 bounds what a script calls. */
  readonly #script = new Script('call()');
  /** Made when the first is needed: most servers never do. */
  #context: Called | undefined;

  constructor(
    private readonly limitMs = LIMIT_MS,
    private readonly limitMsPerKib = LIMIT_MS_PER_KIB,
  ) {}

  /**
   * HOT PATH.
   * @param items structs of `update`
   * @param documentBytes encoded size of the document
   * @throws UpdateTooCostlyError, UpdateNotAppliedError: the document may be half changed
   */
  apply(doc: Y.Doc, update: Uint8Array, items: number, documentBytes: number): void {
    try {
      if (items * (items + documentBytes / BYTES_PER_ITEM) < WATCHED_COMPARISONS) Y.applyUpdate(doc, update);
      else this.#applyWatched(doc, update);
    } catch (error) {
      throw error instanceof UpdateTooCostlyError ? error : new UpdateNotAppliedError(error);
    }
  }

  #applyWatched(doc: Y.Doc, update: Uint8Array): void {
    const timeout = Math.ceil(this.limitMs + (this.limitMsPerKib * update.length) / 1024);
    const usage = process.cpuUsage();
    this.#context ??= createContext({ call: nothing }) as Called;
    this.#context.call = (): void => Y.applyUpdate(doc, update);
    try {
      this.#script.runInContext(this.#context, { timeout });
    } catch (error) {
      if (!isTimeout(error)) throw error;
      const { user, system } = process.cpuUsage(usage);
      throw new UpdateTooCostlyError(timeout, (user + system) / 1_000 < timeout * HELD_UP_SHARE);
    } finally {
      this.#context.call = nothing;
    }
  }
}

function nothing(): void {
  // Holds no document.
}

function isTimeout(error: unknown): boolean {
  // Of the script's realm: no `Error` of ours.
  return typeof error === 'object' && error !== null && 'code' in error && error.code === TIMEOUT;
}
