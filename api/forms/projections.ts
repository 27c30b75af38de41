/**
 * Live forms as JSON with their entity tag, kept until the document changes: a projection looks at every field, and
 * most requests find the form as the one before left it.
 */
import type * as Y from 'yjs';
import { normalize, project, type FormJson } from '../../crdt/index.js';
import { etagOf } from '../http/etag.js';

/** Not to be changed by whoever gets it. */
export interface FormState {
  readonly form: FormJson;
  readonly etag: string;
}

export class Projections {
  readonly #known = new WeakMap<Y.Doc, FormState>();
  readonly #watched = new WeakSet<Y.Doc>();

  of(doc: Y.Doc, formId: string): FormState {
    const known = this.#known.get(doc);
    if (known !== undefined) return known;
    const form = normalize(project(doc, formId));
    const state = { form, etag: etagOf(form) };
    this.#remember(doc, state);
    return state;
  }

  /** Inside the transaction that made the document say `form`, after its last edit. */
  keep(doc: Y.Doc, form: FormJson): FormState {
    const state = { form, etag: etagOf(form) };
    // Not before this transaction has told of its update, which must not be taken for a later one.
    doc.once('afterAllTransactions', () => this.#remember(doc, state));
    return state;
  }

  #remember(doc: Y.Doc, state: FormState): void {
    this.#known.set(doc, state);
    if (this.#watched.has(doc)) return;
    this.#watched.add(doc);
    doc.on('update', () => this.#known.delete(doc));
  }
}
