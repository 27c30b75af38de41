/**
 * What a document held before the transaction that is going on. Deleted content is still there until the transaction
 * ends (Yjs collects it at the end), so it can be read and made again.
 */
import * as Y from 'yjs';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- events of each Yjs type differ; none is used here
export type AnyType = Y.AbstractType<any>;

/** True for items that existed, undeleted, when the transaction began. */
export function wasAlive(item: Y.Item, transaction: Y.Transaction): boolean {
  const isOld = item.id.clock < (transaction.beforeState.get(item.id.client) ?? 0);
  return isOld && (!item.deleted || isDeletedIn(transaction, item.id));
}

interface DeletedRange {
  readonly clock: number;
  readonly len: number;
}

/** How many ranges of a client were sorted, and those, merged where they touch. */
interface SortedRanges {
  readonly count: number;
  readonly ranges: readonly DeletedRange[];
}

/** Lives as long as the transaction. */
const sortedRanges = new WeakMap<Y.Transaction, Map<number, SortedRanges>>();
const MAX_TAIL = 64;

/**
 * Whether this transaction deleted it. Yjs sorts what a transaction deleted only when the transaction ends, and its
 * `isDeleted` searches what is sorted: until then it misses some. So the ranges are sorted here, and those that came since
 * (what the guard itself takes away) are looked through one by one.
 */
function isDeletedIn(transaction: Y.Transaction, { client, clock }: Y.ID): boolean {
  const deleted: readonly DeletedRange[] = transaction.deleteSet.clients.get(client) ?? [];
  let byClient = sortedRanges.get(transaction);
  if (byClient === undefined) sortedRanges.set(transaction, (byClient = new Map<number, SortedRanges>()));
  let sorted = byClient.get(client);
  if (sorted === undefined || deleted.length - sorted.count > MAX_TAIL) {
    byClient.set(client, (sorted = { count: deleted.length, ranges: merged(deleted) }));
  }
  const covers = (range: DeletedRange | undefined): boolean =>
    range !== undefined && range.clock <= clock && clock < range.clock + range.len;
  for (let i = sorted.count; i < deleted.length; i++) if (covers(deleted[i])) return true;
  let low = 0;
  let high = sorted.ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted.ranges[middle]?.clock ?? 0) <= clock) low = middle + 1;
    else high = middle;
  }
  return covers(sorted.ranges[low - 1]);
}

function merged(ranges: readonly DeletedRange[]): DeletedRange[] {
  const result: { clock: number; len: number }[] = [];
  for (const { clock, len } of [...ranges].sort((a, b) => a.clock - b.clock)) {
    const last = result[result.length - 1];
    if (last !== undefined && last.clock + last.len >= clock) last.len = Math.max(last.len, clock + len - last.clock);
    else result.push({ clock, len });
  }
  return result;
}

/** The item that stood under a key before; undefined when there was none. */
export function itemBefore(map: AnyType, key: string, transaction: Y.Transaction): Y.Item | undefined {
  for (let item = map._map.get(key) ?? null; item !== null; item = item.left) {
    if (wasAlive(item, transaction)) return item;
  }
  return undefined;
}

/** What an item held, as something that can be inserted anew; undefined for content that cannot be made again. */
export function contentBefore(item: Y.Item, transaction: Y.Transaction): unknown {
  const { content } = item;
  if (content instanceof Y.ContentType) return copyBefore(content.type as AnyType, transaction);
  if (content instanceof Y.ContentAny || content instanceof Y.ContentJSON) {
    return content.arr[content.arr.length - 1] as unknown;
  }
  if (content instanceof Y.ContentString) return content.str;
  if (content instanceof Y.ContentBinary) return content.content;
  if (content instanceof Y.ContentEmbed) return content.embed;
  return undefined;
}

/** A new, unattached type with what this one held. */
function copyBefore(type: AnyType, transaction: Y.Transaction): AnyType | undefined {
  if (type instanceof Y.XmlElement) {
    const copy = new Y.XmlElement(type.nodeName);
    for (const key of type._map.keys()) {
      const item = itemBefore(type, key, transaction);
      const value = item === undefined ? undefined : contentBefore(item, transaction);
      if (typeof value === 'string') copy.setAttribute(key, value);
    }
    copy.insert(0, childrenBefore(type, transaction));
    return copy;
  }
  if (type instanceof Y.XmlFragment) {
    const copy = new Y.XmlFragment();
    copy.insert(0, childrenBefore(type, transaction));
    return copy;
  }
  if (type instanceof Y.XmlText) {
    const copy = new Y.XmlText();
    copy.applyDelta(deltaBefore(type, transaction));
    return copy;
  }
  if (type instanceof Y.Text) {
    const copy = new Y.Text();
    copy.applyDelta(deltaBefore(type, transaction));
    return copy;
  }
  if (type instanceof Y.Map) {
    const copy = new Y.Map<unknown>();
    for (const key of type._map.keys()) {
      const item = itemBefore(type, key, transaction);
      const value = item === undefined ? undefined : contentBefore(item, transaction);
      if (value !== undefined) copy.set(key, value);
    }
    return copy;
  }
  return undefined;
}

export function childrenBefore(type: AnyType, transaction: Y.Transaction): (Y.XmlElement | Y.XmlText)[] {
  const children: (Y.XmlElement | Y.XmlText)[] = [];
  for (let item = type._start; item !== null; item = item.right) {
    if (!wasAlive(item, transaction)) continue;
    const content = contentBefore(item, transaction);
    if (content instanceof Y.XmlElement || content instanceof Y.XmlText) children.push(content);
  }
  return children;
}

/** Text with its formats as a delta. */
export function deltaBefore(
  type: AnyType,
  transaction: Y.Transaction,
): { insert: string | object; attributes?: Record<string, unknown> }[] {
  const delta: { insert: string | object; attributes?: Record<string, unknown> }[] = [];
  const attributes: Record<string, unknown> = {};
  for (let item = type._start; item !== null; item = item.right) {
    if (!wasAlive(item, transaction)) continue;
    const { content } = item;
    if (content instanceof Y.ContentFormat) {
      // Declared an object, but null is how Yjs ends a format.
      const value: unknown = content.value;
      if (value === null) Reflect.deleteProperty(attributes, content.key);
      else attributes[content.key] = value;
    } else if (content instanceof Y.ContentString) delta.push({ insert: content.str, attributes: { ...attributes } });
    else if (content instanceof Y.ContentEmbed) delta.push({ insert: content.embed, attributes: { ...attributes } });
  }
  return delta;
}
