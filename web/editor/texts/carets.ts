/** Where others have their carets in plain texts. Rich texts draw their own. */
import * as Y from 'yjs';
import type { FormHandle, Person } from '../../../client/index.js';
import { Gathered } from '../gathered.js';

export interface Caret {
  readonly clientId: number;
  readonly user: Person['user'];
  readonly anchor: number;
  readonly head: number;
}

const NONE: readonly Caret[] = [];

export class Carets {
  #byText: Map<unknown, readonly Caret[]> | undefined;
  #last = new Map<unknown, readonly Caret[]>();
  readonly #moves = new Gathered(() => (this.#byText = undefined));
  readonly #stops: readonly (() => void)[];
  readonly subscribe = this.#moves.subscribe;

  constructor(private readonly handle: FormHandle) {
    const { note } = this.#moves;
    this.#stops = [handle.subscribe(note), ...(handle.presence === undefined ? [] : [handle.presence.subscribe(note)])];
  }

  /** The same array until somebody's caret in this text moves. */
  at(text: Y.Text | undefined): readonly Caret[] {
    return text === undefined ? NONE : ((this.#byText ??= this.#read()).get(text) ?? NONE);
  }

  destroy(): void {
    for (const stop of this.#stops) stop();
    this.#moves.destroy();
  }

  #read(): Map<unknown, readonly Caret[]> {
    const found = new Map<unknown, Caret[]>();
    for (const { clientId, user, cursor } of this.handle.presence?.others ?? []) {
      const anchor = placeOf(this.handle.doc, cursor, 'anchor');
      const head = placeOf(this.handle.doc, cursor, 'head');
      if (anchor === undefined || head?.type !== anchor.type || !(head.type instanceof Y.Text)) continue;
      const caret = { clientId, user, anchor: anchor.index, head: head.index };
      const known = found.get(head.type);
      if (known === undefined) found.set(head.type, [caret]);
      else known.push(caret);
    }
    for (const [text, carets] of found) {
      const last = this.#last.get(text);
      if (last !== undefined && JSON.stringify(last) === JSON.stringify(carets)) found.set(text, last as Caret[]);
    }
    this.#last = found;
    return found;
  }
}

function placeOf(doc: Y.Doc, cursor: unknown, end: 'anchor' | 'head'): Y.AbsolutePosition | undefined {
  if (typeof cursor !== 'object' || cursor === null) return undefined;
  const position: unknown = (cursor as Record<string, unknown>)[end];
  if (typeof position !== 'object' || position === null) return undefined;
  try {
    const relative = Y.createRelativePositionFromJSON(position);
    // One that names a root would make that root; texts of a form are never roots.
    if (relative.item === null && relative.type === null) return undefined;
    return Y.createAbsolutePositionFromRelativePosition(relative, doc) ?? undefined;
  } catch {
    // Somebody else's client wrote it: it may be anything.
    return undefined;
  }
}

/** As editors of the ProseMirror family share theirs. */
export const caretIn = (text: Y.Text, anchor: number, head: number): unknown => ({
  anchor: Y.relativePositionToJSON(Y.createRelativePositionFromTypeIndex(text, anchor)) as unknown,
  head: Y.relativePositionToJSON(Y.createRelativePositionFromTypeIndex(text, head)) as unknown,
});
