/** Edits of the comments document, each inside a transaction of the caller. All answer false when there is no such thing. */
import * as Y from 'yjs';
import { commentMap, newComment, threadMap, threadsOf } from './shape.js';
import type { Reaction, StoredAnchor, ThreadStatus, UserJson } from './thread-json.js';

export interface NewComment {
  readonly commentId: string;
  readonly author: UserJson;
  readonly body: string;
  /** Unix time in milliseconds. */
  readonly at: number;
}

export function startThread(doc: Y.Doc, threadId: string, anchor: StoredAnchor, first: NewComment): void {
  const comments = Y.Array.from([newComment(first.commentId, first.author, first.body, first.at)]);
  const thread = new Y.Map<unknown>([
    ['anchor', anchor],
    ['status', 'open' satisfies ThreadStatus],
    ['assignee', null],
    ['createdAt', first.at],
    ['createdBy', first.author.id],
    ['comments', comments],
  ]);
  threadsOf(doc).set(threadId, thread);
}

export function addComment(doc: Y.Doc, threadId: string, comment: NewComment): boolean {
  const comments = threadMap(doc, threadId)?.get('comments');
  if (!(comments instanceof Y.Array)) return false;
  comments.push([newComment(comment.commentId, comment.author, comment.body, comment.at)]);
  return true;
}

/** The body that it replaces goes into the history. */
export function editComment(doc: Y.Doc, threadId: string, commentId: string, body: string, at: number): boolean {
  const comment = commentMap(doc, threadId, commentId);
  if (comment === undefined) return false;
  const earlier = comment.get('body');
  if (earlier === body) return true;
  const entry = { body: typeof earlier === 'string' ? earlier : '', replacedAt: at };
  const history = comment.get('history');
  if (history instanceof Y.Array) history.push([entry]);
  else comment.set('history', Y.Array.from([entry]));
  comment.set('body', body);
  comment.set('editedAt', at);
  return true;
}

/** Leaves a mark; the words, also the earlier ones, and the reactions to them leave the document. */
export function deleteComment(doc: Y.Doc, threadId: string, commentId: string, at: number): boolean {
  const comment = commentMap(doc, threadId, commentId);
  if (comment === undefined) return false;
  comment.set('body', '');
  comment.set('deletedAt', at);
  comment.set('history', new Y.Array());
  comment.set('reactions', new Y.Map());
  return true;
}

export function setReaction(
  doc: Y.Doc,
  threadId: string,
  commentId: string,
  reaction: Reaction,
  userId: string,
  isSet: boolean,
): boolean {
  const reactions = commentMap(doc, threadId, commentId)?.get('reactions');
  if (!(reactions instanceof Y.Map)) return false;
  const key = `${reaction}/${userId}`;
  if (reactions.has(key) === isSet) return true;
  if (isSet) reactions.set(key, true);
  else reactions.delete(key);
  return true;
}

export function setStatus(doc: Y.Doc, threadId: string, status: ThreadStatus): boolean {
  return setMember(doc, threadId, 'status', status);
}

export function setAssignee(doc: Y.Doc, threadId: string, assignee: string | null): boolean {
  return setMember(doc, threadId, 'assignee', assignee);
}

function setMember(doc: Y.Doc, threadId: string, member: string, value: unknown): boolean {
  const thread = threadMap(doc, threadId);
  if (thread === undefined) return false;
  if (thread.get(member) !== value) thread.set(member, value);
  return true;
}

export function deleteThread(doc: Y.Doc, threadId: string): boolean {
  const isThere = threadMap(doc, threadId) !== undefined;
  if (isThere) threadsOf(doc).delete(threadId);
  return isThere;
}
