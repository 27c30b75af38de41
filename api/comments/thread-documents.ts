/** Threads where they lie: in the comments document of a form, their anchors in the form itself. */
import type * as Y from 'yjs';
import {
  anchorAt,
  projectThread,
  resolveAnchor,
  type AnchorRequest,
  type StoredAnchor,
  type StoredThread,
  type ThreadJson,
} from '../../crdt/comments/index.js';
import type { Principal } from '../../server/auth/index.js';
import type { Rooms } from '../../server/rooms/rooms.js';
import { DocumentErasedError } from '../../server/storage/errors.js';
import { requireForm } from '../forms/required-form.js';
import { etagOf, requireMatch } from '../http/etag.js';
import { Problem } from '../http/problem.js';
import { commentsDocument } from './rights.js';

/** The tag is that of the thread as it is stored: typing in the form moves anchors and makes nobody's tag stale. */
export interface ThreadState {
  readonly thread: ThreadJson;
  readonly etag: string;
}

/** Every method throws Problem `form_not_found`. */
export class ThreadDocuments {
  constructor(private readonly rooms: Rooms) {}

  async view<T>(formId: string, view: (doc: Y.Doc) => T): Promise<T> {
    return this.#ofForm(formId, (rooms) => rooms.read(commentsDocument(formId), view));
  }

  /** @throws Problem `thread_not_found` */
  async read(formId: string, threadId: string): Promise<StoredThread> {
    return present(await this.view(formId, (doc) => projectThread(doc, formId, threadId)), threadId);
  }

  async edit<T>(formId: string, principal: Principal, change: (doc: Y.Doc) => T): Promise<{ result: T }> {
    return this.#ofForm(formId, (rooms) => rooms.edit(commentsDocument(formId), principal, change, { source: 'rest' }));
  }

  /** A change of one thread, told of how it was. @throws Problem `thread_not_found`, `stale` */
  async change(
    principal: Principal,
    formId: string,
    threadId: string,
    ifMatch: string | undefined,
    change: (doc: Y.Doc, thread: StoredThread) => unknown,
  ): Promise<{ before: StoredThread; after: StoredThread }> {
    const { result } = await this.edit(formId, principal, (doc) => {
      const before = present(projectThread(doc, formId, threadId), threadId);
      requireMatch(ifMatch, etagOf(before));
      change(doc, before);
      return { before, after: present(projectThread(doc, formId, threadId), threadId) };
    });
    return result;
  }

  async state(thread: StoredThread): Promise<ThreadState> {
    const [resolved] = await this.resolved(thread.formId, [thread]);
    return { thread: present(resolved, thread.id), etag: etagOf(thread) };
  }

  /** Threads with their anchors where these are now. */
  async resolved(formId: string, threads: readonly StoredThread[]): Promise<ThreadJson[]> {
    if (threads.length === 0) return [];
    const resolve = (form: Y.Doc): ThreadJson[] =>
      threads.map((thread) => ({ ...thread, anchor: resolveAnchor(form, thread.anchor) }));
    return this.#ofForm(formId, (rooms) => rooms.read(`form/${formId}`, resolve));
  }

  /** @throws Problem `validation_failed` */
  async anchor(formId: string, request: AnchorRequest): Promise<StoredAnchor> {
    const made = await this.#ofForm(formId, (rooms) => rooms.read(`form/${formId}`, (form) => anchorAt(form, request)));
    if ('anchor' in made) return made.anchor;
    const { path, message } = made.issue;
    throw new Problem('validation_failed', `anchor.${path}: ${message}`, {
      errors: [{ path: `anchor.${path}`, message }],
    });
  }

  async #ofForm<T>(formId: string, work: (rooms: Rooms) => Promise<T>): Promise<T> {
    await requireForm(this.rooms, formId);
    try {
      return await work(this.rooms);
    } catch (error) {
      // Its form was deleted while this request was on its way.
      if (error instanceof DocumentErasedError) await requireForm(this.rooms, formId);
      throw error;
    }
  }
}

export function present<T>(thread: T | undefined, threadId: string): T {
  if (thread === undefined) throw new Problem('thread_not_found', `The form has no thread "${threadId}".`);
  return thread;
}
