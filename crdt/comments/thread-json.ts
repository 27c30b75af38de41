/**
 * Threads of comments as JSON: what REST answers and the projection yields. Types alone; `thread-schema.ts` has the
 * schemas, which are checked against these types.
 */
import type { TextProperty } from '../form/operations/target.js';

export const REACTIONS = ['like', 'love', 'laugh', 'wow', 'sad', 'angry'] as const;
export type Reaction = (typeof REACTIONS)[number];

export const THREAD_STATUSES = ['open', 'resolved'] as const;
export type ThreadStatus = (typeof THREAD_STATUSES)[number];

export interface UserJson {
  id: string;
  name?: string | undefined;
}

interface OnForm {
  type: 'form';
}
interface OnField {
  type: 'field';
  fieldId: string;
}
interface OnOption {
  type: 'option';
  fieldId: string;
  optionId: string;
}
interface OnText {
  type: 'text';
  /** What the text belongs to: `form`, `pages/<id>`, `fields/<id>` or `fields/<id>/options/<id>`. */
  target: string;
  property: TextProperty;
  language: string;
}

/** Where a thread is to be anchored. `start` and `end` count UTF-16 units of the text as it is now. */
export type AnchorRequest =
  | OnForm
  | OnField
  | OnOption
  | (Omit<OnText, 'target'> & {
      /** Instead of `fieldId`; the form itself when both are absent. */
      target?: string | undefined;
      fieldId?: string | undefined;
      start: number;
      end: number;
    });

/** As the document holds it: `from` and `to` are Yjs relative positions in base64, so the text may change around them. */
export type StoredAnchor =
  | OnForm
  | OnField
  | OnOption
  | (OnText & {
      from: string;
      to: string;
      /** The text as it was when the thread began. */
      quote: string;
    });

interface Resolved {
  /** True when what it was anchored to is gone. */
  isOrphaned: boolean;
}
/** Resolved against the form as it is now. */
export type AnchorJson =
  | (OnForm & Resolved)
  | (OnField & Resolved)
  | (OnOption & Resolved)
  | (OnText &
      Resolved & {
        fieldId?: string | undefined;
        start: number | null;
        end: number | null;
        quote: string;
      });

/** Times are RFC 3339. */
export interface CommentJson {
  id: string;
  author: UserJson;
  /** Empty when the comment was deleted. */
  body: string;
  createdAt: string;
  editedAt: string | null;
  deletedAt: string | null;
  /** Ids of users, by reaction. */
  reactions: Partial<Record<Reaction, string[]>>;
}

/** A body that an edit replaced, and when. */
export interface EarlierBody {
  body: string;
  replacedAt: string;
}

interface Thread<Anchor> {
  id: string;
  formId: string;
  status: ThreadStatus;
  /** Id of a user. */
  assignee: string | null;
  createdAt: string;
  createdBy: string;
  comments: CommentJson[];
  anchor: Anchor;
}
export type StoredThread = Thread<StoredAnchor>;
export type ThreadJson = Thread<AnchorJson>;
