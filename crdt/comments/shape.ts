/**
 * The threads of a form as a Yjs document, `form/<formId>/comments`, written by the server alone.
 *
 *   threads   Y.Map  id → Y.Map: anchor (JSON), status, assignee, createdAt, createdBy, comments
 *   comments  Y.Array of Y.Map: id, author {id, name}, body, createdAt, editedAt, deletedAt, history, reactions
 *   history   Y.Array of {body, replacedAt}, oldest first
 *   reactions Y.Map  `<reaction>/<userId>` → true
 *
 * Times are Unix milliseconds. An array keeps a reply behind what it answers, also when the clocks of two nodes differ.
 * Reactions are flat: with a map per reaction, two nodes that create the first `like` at once would lose one.
 */
import * as Y from 'yjs';
import type { UserJson } from './thread-json.js';

export interface EarlierBodyRecord {
  readonly body: string;
  readonly replacedAt: number;
}

export const threadsOf = (doc: Y.Doc): Y.Map<unknown> => doc.getMap('threads');

export function threadMap(doc: Y.Doc, threadId: string): Y.Map<unknown> | undefined {
  const found = threadsOf(doc).get(threadId);
  return found instanceof Y.Map ? (found as Y.Map<unknown>) : undefined;
}

/** In order; what is no comment at all is left out. */
export function commentMaps(thread: Y.Map<unknown>): Y.Map<unknown>[] {
  const comments = thread.get('comments');
  if (!(comments instanceof Y.Array)) return [];
  return comments.toArray().filter((item): item is Y.Map<unknown> => item instanceof Y.Map);
}

export function commentMap(doc: Y.Doc, threadId: string, commentId: string): Y.Map<unknown> | undefined {
  const thread = threadMap(doc, threadId);
  return thread === undefined ? undefined : commentMaps(thread).find((comment) => comment.get('id') === commentId);
}

export function newComment(id: string, author: UserJson, body: string, at: number): Y.Map<unknown> {
  return new Y.Map<unknown>([
    ['id', id],
    ['author', author.name === undefined ? { id: author.id } : { id: author.id, name: author.name }],
    ['body', body],
    ['createdAt', at],
    ['history', new Y.Array<EarlierBodyRecord>()],
    ['reactions', new Y.Map<boolean>()],
  ]);
}
