/**
 * Notifications at rest. What they say lies under what they speak of, so that erasing a form, a thread or a comment
 * takes its words from everybody in one sweep; the inbox of a user holds only where to find them.
 *
 *   notification-of/<formId>/<threadId>/<commentId>/<userId>/<id>   the notification; `*` for what it does not speak of
 *   notification/<userId>/<id>                                      its place: [formId, threadId, commentId]
 *
 * Ids grow with time. A place that leads nowhere (a crash between two writes, an erasure) is passed over.
 */
import { uuidv7 } from 'uuidv7';
import { z } from 'zod';
import type { RecordKey, RecordStore, StoredRecord } from '../../server/storage/record-store.js';
import { CHANNELS, PRIORITIES, REASONS, type Priority, type Reason } from './settings.js';

const KEPT_MS = 180 * 24 * 3_600_000;
/** Stands for no form, no thread or no comment; no id has this character. */
const NONE = '*';
/** Records that are read or written at once: one journey to a remote store, one flush of a local one. */
const BATCH = 100;
/** They tell of a thread, and quote the comment that it begins with. */
const ABOUT_THREADS: ReadonlySet<Reason> = new Set(['assigned', 'resolved']);

export const notificationRecordSchema = z.object({
  id: z.string(),
  reason: z.enum(REASONS),
  priority: z.enum(PRIORITIES),
  group: z.string(),
  formId: z.string().nullable(),
  threadId: z.string().nullable(),
  commentId: z.string().nullable(),
  actor: z.object({ id: z.string(), name: z.string().optional() }),
  text: z.string(),
  channels: z.array(z.enum(CHANNELS)),
  createdAt: z.number(),
  readAt: z.number().nullable(),
  archivedAt: z.number().nullable(),
});
/** Times in Unix milliseconds. */
export type Notification = z.infer<typeof notificationRecordSchema>;

const placeSchema = z.tuple([z.string().nullable(), z.string().nullable(), z.string().nullable()]);

export interface NotificationFilter {
  readonly isUnread?: boolean | undefined;
  readonly priority?: Priority | undefined;
  readonly reason?: Reason | undefined;
  readonly isArchived: boolean;
  /** Whether the user may still see what it speaks of. */
  maySee(notification: Notification): boolean;
}

/** A notification as a list shows it. */
export interface ListedNotification extends Notification {
  /** How many of its group it stands for; 1 unless the list is grouped. */
  readonly count: number;
}

export interface NotificationPage {
  readonly data: ListedNotification[];
  readonly nextCursor: string | null;
}

/** What is about to be erased: the form, a thread of it, or a comment of that. */
export interface Subject {
  readonly formId: string;
  readonly threadId?: string;
  readonly commentId?: string;
}

export class NotificationStore {
  constructor(private readonly records: RecordStore) {}

  async add(userId: string, content: Omit<Notification, 'id'>): Promise<Notification> {
    const notification = { id: uuidv7(), ...content };
    await this.#put(userId, notification, content.createdAt + KEPT_MS);
    return notification;
  }

  async #put(userId: string, notification: Notification, expiresAt: number | undefined): Promise<void> {
    const expiry = expiresAt === undefined ? {} : { expiresAt };
    // The words first: a place is never read before what it leads to is there.
    await this.records.put(contentKey(userId, notification), encode(notification), expiry);
    const place = [notification.formId, notification.threadId, notification.commentId];
    await this.records.put(placeKey(userId, notification.id), encode(place), expiry);
  }

  /** Newest first. */
  async list(
    userId: string,
    filter: NotificationFilter,
    page: { limit: number; cursor: string | null },
  ): Promise<NotificationPage> {
    const data: ListedNotification[] = [];
    for await (const { notification } of this.#inbox(userId, page.cursor)) {
      if (!isWanted(notification, filter)) continue;
      if (data.length === page.limit) return { data, nextCursor: data[data.length - 1]?.id ?? null };
      data.push({ ...notification, count: 1 });
    }
    return { data, nextCursor: null };
  }

  /** The newest of each group, newest first, and how many the group has. */
  async listGroups(
    userId: string,
    filter: NotificationFilter,
    page: { limit: number; cursor: string | null },
  ): Promise<NotificationPage> {
    const groups = new Map<string, ListedNotification>();
    for await (const { notification } of this.#inbox(userId, null)) {
      if (!isWanted(notification, filter)) continue;
      const newest = groups.get(notification.group);
      groups.set(notification.group, { ...(newest ?? notification), count: (newest?.count ?? 0) + 1 });
    }
    const { cursor, limit } = page;
    const left = [...groups.values()].filter(({ id }) => cursor === null || id < cursor);
    const data = left.slice(0, limit);
    return { data, nextCursor: left.length > limit ? (data[data.length - 1]?.id ?? null) : null };
  }

  /** Those of `ids` that are the user's own and unread; all unread ones when absent. Answers how many there were. */
  async markRead(
    userId: string,
    ids: readonly string[] | undefined,
    at: number,
    maySee: NotificationFilter['maySee'],
  ): Promise<number> {
    const read = (notification: Notification): Notification | undefined =>
      notification.readAt === null && maySee(notification) ? { ...notification, readAt: at } : undefined;
    let count = 0;
    let batch: RecordKey[] = [];
    const markBatch = async (): Promise<void> => {
      const outcomes = await Promise.all(batch.map((key) => this.#change(key, read)));
      count += outcomes.filter((outcome) => outcome === 'changed').length;
      batch = [];
    };
    for await (const key of ids === undefined ? this.#unread(userId) : this.#own(userId, ids)) {
      batch.push(key);
      if (batch.length === BATCH) await markBatch();
    }
    await markBatch();
    return count;
  }

  /** False when the user has no such notification. */
  async archive(userId: string, id: string, at: number): Promise<boolean> {
    const place = await this.records.get(placeKey(userId, id));
    if (place === undefined) return false;
    const outcome = await this.#change(contentKey(userId, placed(id, place.value)), (notification) =>
      notification.archivedAt === null ? { ...notification, archivedAt: at } : undefined,
    );
    return outcome !== 'missing';
  }

  /**
   * Every notification of every user that speaks of it. Those that only quote a comment, of a thread that stands, stay
   * without its words. Answers how many were touched.
   */
  async erase({ formId, threadId, commentId }: Subject): Promise<number> {
    const prefix: RecordKey = [
      'notification-of',
      formId,
      ...(threadId === undefined ? [] : [threadId]),
      ...(threadId === undefined || commentId === undefined ? [] : [commentId]),
    ];
    let batch: StoredRecord[] = [];
    const forget = async (): Promise<void> => {
      await Promise.all(batch.map((record) => this.#forget(record, commentId !== undefined)));
      batch = [];
    };
    for await (const record of this.records.scan(prefix)) {
      batch.push(record);
      if (batch.length >= BATCH) await forget();
    }
    await forget();
    return this.records.erase(prefix);
  }

  /** What leads to it, not yet what it says. @param isComment its thread stays */
  async #forget({ key, value, expiresAt }: StoredRecord, isComment: boolean): Promise<void> {
    const [, , , , userId, id] = key;
    if (userId === undefined || id === undefined) return;
    const notification = decode(value);
    if (isComment && ABOUT_THREADS.has(notification.reason)) {
      await this.#put(userId, { ...notification, commentId: null, text: '' }, expiresAt);
    } else await this.records.delete(placeKey(userId, id));
  }

  /** Newest first, from behind `cursor` on. */
  async *#inbox(userId: string, cursor: string | null): AsyncGenerator<{ key: RecordKey; notification: Notification }> {
    const after = cursor === null ? {} : { after: placeKey(userId, cursor) };
    let batch: RecordKey[] = [];
    const load = async (): Promise<{ key: RecordKey; notification: Notification }[]> => {
      const keys = batch;
      batch = [];
      const found = await Promise.all(keys.map((key) => this.records.get(key)));
      return found.flatMap((record) =>
        record === undefined ? [] : [{ key: record.key, notification: decode(record.value) }],
      );
    };
    for await (const { key, value } of this.records.scan(['notification', userId], { ...after, reverse: true })) {
      batch.push(contentKey(userId, placed(key[2] ?? '', value)));
      if (batch.length === BATCH) yield* await load();
    }
    yield* await load();
  }

  async *#unread(userId: string): AsyncGenerator<RecordKey> {
    for await (const { key, notification } of this.#inbox(userId, null)) if (notification.readAt === null) yield key;
  }

  async *#own(userId: string, ids: readonly string[]): AsyncGenerator<RecordKey> {
    for (const id of new Set(ids)) {
      const place = await this.records.get(placeKey(userId, id));
      if (place !== undefined) yield contentKey(userId, placed(id, place.value));
    }
  }

  async #change(
    key: RecordKey,
    change: (notification: Notification) => Notification | undefined,
  ): Promise<'changed' | 'unchanged' | 'missing'> {
    for (;;) {
      const record: StoredRecord | undefined = await this.records.get(key);
      if (record === undefined) return 'missing';
      const changed = change(decode(record.value));
      if (changed === undefined) return 'unchanged';
      const written = await this.records.put(key, encode(changed), {
        ifVersion: record.version,
        ...(record.expiresAt === undefined ? {} : { expiresAt: record.expiresAt }),
      });
      if (written !== 'conflict') return 'changed';
    }
  }
}

function isWanted(notification: Notification, filter: NotificationFilter): boolean {
  return (
    (notification.archivedAt !== null) === filter.isArchived &&
    (filter.isUnread === undefined || (notification.readAt === null) === filter.isUnread) &&
    (filter.priority === undefined || notification.priority === filter.priority) &&
    (filter.reason === undefined || notification.reason === filter.reason) &&
    filter.maySee(notification)
  );
}

type Place = Pick<Notification, 'id' | 'formId' | 'threadId' | 'commentId'>;

function contentKey(userId: string, { id, formId, threadId, commentId }: Place): RecordKey {
  return ['notification-of', formId ?? NONE, threadId ?? NONE, commentId ?? NONE, userId, id];
}

const placeKey = (userId: string, id: string): RecordKey => ['notification', userId, id];

function placed(id: string, value: Uint8Array): Place {
  const [formId, threadId, commentId] = placeSchema.parse(JSON.parse(Buffer.from(value).toString()));
  return { id, formId, threadId, commentId };
}

const encode = (content: Notification | readonly (string | null)[]): Buffer => Buffer.from(JSON.stringify(content));
const decode = (value: Uint8Array): Notification =>
  notificationRecordSchema.parse(JSON.parse(Buffer.from(value).toString()));
