/**
 * Any Yjs state at all as threads, the same for everybody who has the same state. What cannot stand has one outcome:
 *
 *   an id that is not allowed, a repeated comment id   left out
 *   a thread or comment that is not a Y.Map            left out
 *   an anchor that is none                             the form
 *   an unknown status                                  `open`
 *   a missing or wrong author                          `unknown`
 *   a missing or wrong time                            1970
 *   values that are no text                            empty
 */
import * as Y from 'yjs';
import { isObject } from '../form/form-values.js';
import { asJson, isId } from '../form/shape.js';
import { commentMap, commentMaps, threadMap, threadsOf } from './shape.js';
import {
  REACTIONS,
  type CommentJson,
  type EarlierBody,
  type Reaction,
  type StoredAnchor,
  type StoredThread,
  type UserJson,
} from './thread-json.js';
import { asAnchor, isUserText } from './thread-values.js';

/** Never throws. Oldest first. */
export function projectThreads(doc: Y.Doc, formId: string): StoredThread[] {
  const threads: StoredThread[] = [];
  for (const id of threadsOf(doc).keys()) {
    const thread = projectThread(doc, formId, id);
    if (thread !== undefined) threads.push(thread);
  }
  return threads.sort(byAge);
}

/** By time of creation, then by id. */
export function byAge(a: Pick<StoredThread, 'id' | 'createdAt'>, b: Pick<StoredThread, 'id' | 'createdAt'>): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? -1 : 1;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** Undefined when there is none. Never throws. */
export function projectThread(doc: Y.Doc, formId: string, threadId: string): StoredThread | undefined {
  const map = isId(threadId) ? threadMap(doc, threadId) : undefined;
  if (map === undefined) return undefined;
  const comments = projectComments(map);
  return {
    id: threadId,
    formId,
    anchor: anchorOf(map.get('anchor')),
    status: map.get('status') === 'resolved' ? 'resolved' : 'open',
    assignee: userIdOf(map.get('assignee')) ?? null,
    createdAt: timeOf(map.get('createdAt')) ?? UNKNOWN_TIME,
    createdBy: userIdOf(map.get('createdBy')) ?? UNKNOWN_USER,
    comments,
  };
}

/** Earlier bodies of a comment, oldest first. Never throws. */
export function projectHistory(doc: Y.Doc, threadId: string, commentId: string): EarlierBody[] {
  const history = commentMap(doc, threadId, commentId)?.get('history');
  if (!(history instanceof Y.Array)) return [];
  return history.toArray().flatMap((item) => {
    const entry = asJson(item);
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return [];
    return [{ body: textOf(entry['body']), replacedAt: timeOf(entry['replacedAt']) ?? UNKNOWN_TIME }];
  });
}

const UNKNOWN_USER = 'unknown';
const UNKNOWN_TIME = new Date(0).toISOString();
/** The last year that RFC 3339 can write. */
const LAST_TIME = Date.UTC(9999, 11, 31);

function projectComments(thread: Y.Map<unknown>): CommentJson[] {
  const comments = new Map<string, CommentJson>();
  for (const map of commentMaps(thread)) {
    const id = map.get('id');
    if (typeof id !== 'string' || !isId(id) || comments.has(id)) continue;
    comments.set(id, {
      id,
      author: authorOf(map.get('author')),
      body: textOf(map.get('body')),
      createdAt: timeOf(map.get('createdAt')) ?? UNKNOWN_TIME,
      editedAt: timeOf(map.get('editedAt')),
      deletedAt: timeOf(map.get('deletedAt')),
      reactions: reactionsOf(map.get('reactions')),
    });
  }
  return [...comments.values()];
}

function anchorOf(value: unknown): StoredAnchor {
  return asAnchor(asJson(value)) ?? { type: 'form' };
}

function authorOf(value: unknown): UserJson {
  const author = asJson(value);
  if (!isObject(author) || !isUserText(author['id'])) return { id: UNKNOWN_USER };
  const { id, name } = author;
  if (name === undefined) return { id };
  return isUserText(name) ? { id, name } : { id: UNKNOWN_USER };
}

function userIdOf(value: unknown): string | undefined {
  return isUserText(value) ? value : undefined;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.toWellFormed() : '';
}

function timeOf(value: unknown): string | null {
  if (typeof value !== 'number' || !(value >= 0 && value <= LAST_TIME)) return null;
  return new Date(value).toISOString();
}

function reactionsOf(value: unknown): Partial<Record<Reaction, string[]>> {
  if (!(value instanceof Y.Map)) return {};
  const reactions: Partial<Record<Reaction, string[]>> = {};
  const keys = [...value.keys()];
  for (const reaction of REACTIONS) {
    const prefix = `${reaction}/`;
    const users = keys.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
    const known = users.filter((id) => userIdOf(id) !== undefined).sort();
    if (known.length > 0) reactions[reaction] = known;
  }
  return reactions;
}
