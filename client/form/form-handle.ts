/** The draft of a form, typed: what it says, and changes to it that everybody sees at once. */
import * as Y from 'yjs';
import { applyOperations } from '../../crdt/form/operations/apply-operations.js';
import type { FormJson } from '../../crdt/form/form-json.js';
import { completeOperations } from '../../crdt/form/operations/complete-operations.js';
import type { OperationInput } from '../../crdt/form/operations/operations.js';
import type { TextProperty } from '../../crdt/form/operations/target.js';
import { project } from '../../crdt/form/project.js';
import type { Connection } from '../connection/connection.js';
import { Presence } from '../presence/presence.js';
import type { DocumentOptions, Server } from '../server.js';
import { Derived } from '../subscribable.js';
import { formRequests, type FormRequests } from './form-requests.js';
import { richTextAt, textAt } from './text-at.js';

/** @param formId 1 to 64 of `A-Z a-z 0-9 _ -` */
export function openForm(server: Server, formId: string, options: DocumentOptions = {}): FormHandle {
  const connection = server.open(`form/${formId}`, options);
  return new FormHandle(formId, connection, formRequests(server.rest, formId, connection));
}

export class FormHandle {
  /** Undefined where the connection was opened without awareness. */
  readonly presence: Presence | undefined;
  readonly #form = new Derived<FormJson>(() => project(this.doc, this.id));
  readonly #onUpdate = (): void => this.#form.invalidate();

  constructor(
    readonly id: string,
    readonly connection: Connection,
    /** What only REST can do: publish, versions, history. */
    readonly requests: FormRequests,
  ) {
    this.presence = connection.awareness === undefined ? undefined : new Presence(connection.awareness);
    this.doc.on('update', this.#onUpdate);
    connection.on('destroyed', () => this.#release());
  }

  /** Bind editors to it as to any Y.Doc; what is written has to keep the shape of a form. */
  get doc(): Y.Doc {
    return this.connection.doc;
  }

  /** The form as it is now, as REST would answer it. The same object until it changes. */
  get form(): FormJson {
    return this.#form.get();
  }

  /** Calls when `form` has changed. @returns ends it */
  readonly subscribe = this.#form.subscribe;

  /**
   * All operations or none, at once here and as one edit for everybody else. Transactions have this handle as origin, so
   * that a Y.UndoManager can track it.
   *
   * @throws OperationsRefusedError before anything is changed
   */
  apply(...operations: readonly OperationInput[]): void {
    const complete = completeOperations(operations);
    this.doc.transact(() => applyOperations(this.doc, this.id, complete), this);
  }

  /**
   * The shared text behind a title or label, for an editor binding; made when there is none yet.
   *
   * @param target `form`, `pages/<id>`, `fields/<id>` or `fields/<id>/options/<id>`
   * @throws RangeError when there is no such target; TypeError when the text is a rich one (a Y.XmlFragment)
   */
  text(target: string, property: TextProperty, language: string): Y.Text {
    return this.doc.transact(() => textAt(this.doc, target, property, language), this);
  }

  /**
   * The same for an editor of the ProseMirror family, with headings, lists, bold, italic and links. A plain text becomes a
   * rich one; people who do that at once get the same one. The JSON of the form has it as Markdown (docs/form-model.md).
   *
   * @throws RangeError when there is no such target
   */
  richText(target: string, property: TextProperty, language: string): Y.XmlFragment {
    return richTextAt(this.doc, target, property, language);
  }

  /** Ends the connection too. The document stays. */
  close(): void {
    this.connection.destroy();
  }

  #release(): void {
    this.doc.off('update', this.#onUpdate);
    this.presence?.destroy();
  }
}
