/** The comments of a form: read live, written by request, as the server alone writes that document. */
import { projectThreads } from '../../crdt/comments/project.js';
import type {
  AnchorRequest,
  CommentJson,
  Reaction,
  StoredThread,
  ThreadJson,
} from '../../crdt/comments/thread-json.js';
import type { Connection } from '../connection/connection.js';
import type { RestCaller } from '../rest/caller.js';
import type { DocumentOptions, Server } from '../server.js';
import { Derived } from '../subscribable.js';

export function openComments(server: Server, formId: string, options: DocumentOptions = {}): CommentsHandle {
  // Who is present is told by the form itself.
  return new CommentsHandle(
    formId,
    server.open(`form/${formId}/comments`, { awareness: null, ...options }),
    server.rest,
  );
}

/** All methods that return promises throw RequestRefusedError. */
export class CommentsHandle {
  readonly #threads = new Derived<readonly StoredThread[]>(() => projectThreads(this.connection.doc, this.formId));
  readonly #onUpdate = (): void => this.#threads.invalidate();
  readonly #path: string;

  constructor(
    readonly formId: string,
    readonly connection: Connection,
    private readonly rest: RestCaller,
  ) {
    this.#path = `/forms/${encodeURIComponent(formId)}/threads`;
    connection.doc.on('update', this.#onUpdate);
    connection.on('destroyed', () => connection.doc.off('update', this.#onUpdate));
  }

  /** Oldest first; anchors as the document holds them (`resolveAnchor` of `formloom/crdt/comments` finds their place). */
  get threads(): readonly StoredThread[] {
    return this.#threads.get();
  }

  /** Calls when `threads` has changed. @returns ends it */
  readonly subscribe = this.#threads.subscribe;

  /** @param body mentions are written `@[userId]` */
  start(anchor: AnchorRequest, body: string): Promise<ThreadJson> {
    return this.rest.request('POST', this.#path, { body: { anchor, body } });
  }

  reply(threadId: string, body: string): Promise<CommentJson> {
    return this.rest.request('POST', `${this.#of(threadId)}/comments`, { body: { body } });
  }

  edit(threadId: string, commentId: string, body: string): Promise<CommentJson> {
    return this.rest.request('PATCH', `${this.#of(threadId)}/comments/${encodeURIComponent(commentId)}`, {
      body: { body },
    });
  }

  delete(threadId: string, commentId: string): Promise<unknown> {
    return this.rest.request('DELETE', `${this.#of(threadId)}/comments/${encodeURIComponent(commentId)}`);
  }

  react(threadId: string, commentId: string, reaction: Reaction, isOn = true): Promise<unknown> {
    const path = `${this.#of(threadId)}/comments/${encodeURIComponent(commentId)}/reactions/${reaction}`;
    return this.rest.request(isOn ? 'PUT' : 'DELETE', path);
  }

  resolve(threadId: string): Promise<ThreadJson> {
    return this.rest.request('PATCH', this.#of(threadId), { body: { status: 'resolved' } });
  }

  reopen(threadId: string): Promise<ThreadJson> {
    return this.rest.request('PATCH', this.#of(threadId), { body: { status: 'open' } });
  }

  /** @param userId null: nobody */
  assign(threadId: string, userId: string | null): Promise<ThreadJson> {
    return this.rest.request('PATCH', this.#of(threadId), { body: { assignee: userId } });
  }

  /** Ends the connection too. */
  close(): void {
    this.connection.destroy();
  }

  #of(threadId: string): string {
    return `${this.#path}/${encodeURIComponent(threadId)}`;
  }
}
