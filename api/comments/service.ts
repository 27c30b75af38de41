/** Threads over REST: every write goes through the live room of the comments document, as who asks. Knows no HTTP. */
import {
  addComment,
  deleteComment,
  deleteThread,
  editComment,
  projectHistory,
  projectThread,
  projectThreads,
  setAssignee,
  setReaction,
  setStatus,
  startThread,
  type AnchorRequest,
  type CommentJson,
  type EarlierBody,
  type Reaction,
  type StoredThread,
  type ThreadJson,
  type ThreadStatus,
} from '../../crdt/comments/index.js';
import { newId } from '../../crdt/index.js';
import { can, identityOf, type Principal } from '../../server/auth/index.js';
import type { EventPublisher } from '../../server/events/index.js';
import type { Rooms } from '../../server/rooms/rooms.js';
import { requireForm } from '../forms/required-form.js';
import { etagOf, requireMatch } from '../http/etag.js';
import { Problem } from '../http/problem.js';
import type { Notifier, Subject } from '../notifications/index.js';
import { openingOf, type Audience } from './audience.js';
import { commentsDocument } from './rights.js';
import { present, ThreadDocuments, type ThreadState } from './thread-documents.js';
import { pageOfThreads, type ThreadFilter } from './thread-list.js';

export interface CommentServiceOptions {
  readonly rooms: Rooms;
  readonly audience: Audience;
  readonly notifier: Notifier;
  readonly events: EventPublisher;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
}

export interface ThreadPatch {
  readonly status?: ThreadStatus | undefined;
  readonly assignee?: string | null | undefined;
}

export interface CommentState {
  readonly comment: CommentJson;
  readonly thread: StoredThread;
  readonly etag: string;
}

export interface CommentPlace {
  readonly formId: string;
  readonly threadId: string;
  readonly commentId: string;
}

export class CommentService {
  readonly #threads: ThreadDocuments;

  constructor(private readonly options: CommentServiceOptions) {
    this.#threads = new ThreadDocuments(options.rooms);
  }

  /** Oldest first. @throws Problem `form_not_found` */
  async list(
    formId: string,
    filter: ThreadFilter,
    page: { limit: number; cursor: string | null },
  ): Promise<{ data: ThreadJson[]; nextCursor: string | null }> {
    const all = await this.#threads.view(formId, (doc) => projectThreads(doc, formId));
    const { data, nextCursor } = pageOfThreads(all, filter, page);
    return { data: await this.#threads.resolved(formId, data), nextCursor };
  }

  /** @throws Problem `form_not_found`, `thread_not_found` */
  async get(formId: string, threadId: string): Promise<ThreadState> {
    return this.#threads.state(await this.#threads.read(formId, threadId));
  }

  /** @throws Problem `form_not_found`, `validation_failed` */
  async start(principal: Principal, formId: string, request: AnchorRequest, body: string): Promise<ThreadState> {
    const anchor = await this.#threads.anchor(formId, request);
    const [threadId, commentId] = [newId(), newId()];
    const { result } = await this.#threads.edit(formId, principal, (doc) => {
      startThread(doc, threadId, anchor, { commentId, author: identityOf(principal), body, at: this.options.clock() });
      return present(projectThread(doc, formId, threadId), threadId);
    });
    await this.#tell('comment.created', formId, principal, { threadId, commentId, isReply: false });
    await this.options.audience.commented(principal, result, commentId, body);
    await this.#forgetGone({ formId, threadId, commentId });
    return this.#threads.state(result);
  }

  /** @throws Problem `form_not_found`, `thread_not_found`, `stale` */
  async patch(
    principal: Principal,
    formId: string,
    threadId: string,
    patch: ThreadPatch,
    ifMatch: string | undefined,
  ): Promise<ThreadState> {
    const { before, after } = await this.#threads.change(principal, formId, threadId, ifMatch, (doc) => {
      if (patch.status !== undefined) setStatus(doc, threadId, patch.status);
      if (patch.assignee !== undefined) setAssignee(doc, threadId, patch.assignee);
    });
    const { audience } = this.options;
    const assignee = after.assignee === before.assignee ? null : after.assignee;
    const isResolved = after.status === 'resolved' && before.status === 'open';
    if (assignee !== null) await audience.assigned(principal, after, assignee);
    if (after.assignee !== before.assignee) {
      await this.#tell('comment.assigned', formId, principal, { threadId, assignee: after.assignee });
    }
    if (after.status !== before.status) {
      await this.#tell(isResolved ? 'comment.resolved' : 'comment.reopened', formId, principal, { threadId });
    }
    if (isResolved) await audience.resolved(principal, after);
    const quoted = openingOf(after)?.id;
    const told = { formId, threadId, ...(quoted === undefined ? {} : { commentId: quoted }) };
    if (assignee !== null || isResolved) await this.#forgetGone(told);
    return this.#threads.state(after);
  }

  /** With its notifications and subscriptions. @throws Problem `form_not_found`, `thread_not_found`, `stale` */
  async delete(principal: Principal, formId: string, threadId: string, ifMatch: string | undefined): Promise<void> {
    await this.#threads.edit(formId, principal, (doc) => {
      requireMatch(ifMatch, etagOf(present(projectThread(doc, formId, threadId), threadId)));
      deleteThread(doc, threadId);
    });
    await this.#tell('comment.deleted', formId, principal, { threadId, commentId: null });
    await this.options.notifier.forget({ formId, threadId });
  }

  /** @throws Problem `form_not_found`, `thread_not_found`, `stale` */
  async reply(
    principal: Principal,
    formId: string,
    threadId: string,
    body: string,
    ifMatch: string | undefined,
  ): Promise<CommentState> {
    const commentId = newId();
    const { after } = await this.#threads.change(principal, formId, threadId, ifMatch, (doc) =>
      addComment(doc, threadId, { commentId, author: identityOf(principal), body, at: this.options.clock() }),
    );
    await this.#tell('comment.created', formId, principal, { threadId, commentId, isReply: true });
    await this.options.audience.commented(principal, after, commentId, body);
    await this.#forgetGone({ formId, threadId, commentId });
    return commentState(after, commentId);
  }

  /** @throws Problem `form_not_found`, `thread_not_found`, `comment_not_found` */
  async comment({ formId, threadId, commentId }: CommentPlace): Promise<CommentState & { history: EarlierBody[] }> {
    const { thread, history } = await this.#threads.view(formId, (doc) => ({
      thread: present(projectThread(doc, formId, threadId), threadId),
      history: projectHistory(doc, threadId, commentId),
    }));
    return { ...commentState(thread, commentId), history };
  }

  /** By its author alone. @throws Problem `forbidden`, `comment_deleted`, `stale`, and those of `comment` */
  async edit(
    principal: Principal,
    place: CommentPlace,
    body: string,
    ifMatch: string | undefined,
  ): Promise<CommentState> {
    const { formId, threadId, commentId } = place;
    const { before, after } = await this.#threads.change(principal, formId, threadId, ifMatch, (doc, thread) => {
      const comment = standing(thread, commentId);
      if (comment.author.id !== principal.id)
        throw new Problem('forbidden', 'A comment is edited by its author alone.');
      editComment(doc, threadId, commentId, body, this.options.clock());
    });
    const earlier = commentState(before, commentId).comment.body;
    await this.#tell('comment.updated', formId, principal, { threadId, commentId });
    await this.options.audience.edited(principal, after, commentId, earlier, body);
    await this.#forgetGone(place);
    return commentState(after, commentId);
  }

  /** By its author, or an owner of the form. @throws Problem `forbidden`, `stale`, and those of `comment` */
  async deleteComment(principal: Principal, place: CommentPlace, ifMatch: string | undefined): Promise<CommentState> {
    const { formId, threadId, commentId } = place;
    const { after } = await this.#threads.change(principal, formId, threadId, ifMatch, (doc, thread) => {
      const { comment } = commentState(thread, commentId);
      const isAllowed = comment.author.id === principal.id || can(principal, commentsDocument(formId), 'own');
      if (!isAllowed) throw new Problem('forbidden', 'A comment is deleted by its author or an owner of the form.');
      if (comment.deletedAt === null) deleteComment(doc, threadId, commentId, this.options.clock());
    });
    await this.#tell('comment.deleted', formId, principal, { threadId, commentId });
    await this.options.notifier.forget({ formId, threadId, commentId });
    return commentState(after, commentId);
  }

  /** @throws Problem `comment_deleted`, `stale`, and those of `comment` */
  async react(
    principal: Principal,
    place: CommentPlace,
    reaction: Reaction,
    isSet: boolean,
    ifMatch: string | undefined,
  ): Promise<CommentState> {
    const { formId, threadId, commentId } = place;
    const { after } = await this.#threads.change(principal, formId, threadId, ifMatch, (doc, thread) => {
      standing(thread, commentId);
      setReaction(doc, threadId, commentId, reaction, principal.id, isSet);
    });
    await this.#tell('comment.reaction', formId, principal, { threadId, commentId, reaction, isSet });
    return commentState(after, commentId);
  }

  /** @throws Problem `form_not_found`, `thread_not_found` when one is named */
  async requirePlace(formId: string, threadId: string | undefined): Promise<void> {
    if (threadId === undefined) await requireForm(this.options.rooms, formId);
    else await this.#threads.read(formId, threadId);
  }

  /** Ids alone: what was said is read from the thread, as long as it stands there. */
  async #tell(type: string, formId: string, { id }: Principal, data: Record<string, unknown>): Promise<void> {
    await this.options.events.publish({ type, formId, document: commentsDocument(formId), userId: id, data });
  }

  /** Told while it was being deleted: the deletion has not seen what was written after it. */
  async #forgetGone({ formId, threadId, commentId }: Subject & { threadId: string }): Promise<void> {
    const { rooms, notifier } = this.options;
    if (!(await rooms.exists(`form/${formId}`))) await notifier.forget({ formId });
    const thread = await this.#threads.view(formId, (doc) => projectThread(doc, formId, threadId));
    if (thread === undefined) await notifier.forget({ formId, threadId });
    else if (commentId !== undefined && thread.comments.find(({ id }) => id === commentId)?.deletedAt !== null) {
      await notifier.forget({ formId, threadId, commentId });
    }
  }
}

function commentState(thread: StoredThread, commentId: string): CommentState {
  const comment = thread.comments.find(({ id }) => id === commentId);
  if (comment === undefined) throw new Problem('comment_not_found', `The thread has no comment "${commentId}".`);
  return { comment, thread, etag: etagOf(thread) };
}

function standing(thread: StoredThread, commentId: string): CommentJson {
  const { comment } = commentState(thread, commentId);
  if (comment.deletedAt !== null) throw new Problem('comment_deleted', `The comment "${commentId}" was deleted.`);
  return comment;
}
