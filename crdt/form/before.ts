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
  return isOld && (!item.deleted || Y.isDeleted(transaction.deleteSet, item.id));
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

export function childrenBefore(
  type: AnyType,
  transaction: Y.Transaction,
): (Y.XmlElement | Y.XmlText)[] {
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
      if (content.value === null) Reflect.deleteProperty(attributes, content.key);
      else attributes[content.key] = content.value;
    } else if (content instanceof Y.ContentString) delta.push({ insert: content.str, attributes: { ...attributes } });
    else if (content instanceof Y.ContentEmbed) delta.push({ insert: content.embed, attributes: { ...attributes } });
  }
  return delta;
}
