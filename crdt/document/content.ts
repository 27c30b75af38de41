/** Any Yjs document as JSON. Total: it never throws, whatever the document holds. */
import * as Y from 'yjs';
import { toBase64 } from 'lib0/buffer';
import type { Json } from '../form/form-json.js';
import { copyOf, rootsOf, type Root, type RootType } from './roots.js';

/** By root name. A text is a string, or a list of `{insert, attributes}` when it has formats or embeds. */
export type DocumentContent = Readonly<Record<string, { readonly type: RootType; readonly value: Json }>>;

export function contentOf(doc: Y.Doc): DocumentContent {
  const copy = copyOf(doc);
  try {
    return Object.fromEntries(
      Array.from(rootsOf(copy), ([name, root]) => [name, { type: root.type, value: valueOf(root) }]),
    );
  } finally {
    copy.destroy();
  }
}

function valueOf(root: Root): Json {
  return root.type === 'xml' ? root.value.toArray().map(jsonOf) : jsonOf(root.value);
}

/** A value in a shared type: another shared type, JSON, bytes (`{$bytes: base64}`) or a subdocument (`{$document: guid}`). */
export function jsonOf(value: unknown): Json {
  if (value instanceof Y.Text) return textOf(value);
  if (value instanceof Y.XmlElement) {
    const attributes = Object.fromEntries(
      Object.entries(value.getAttributes()).map(([key, item]) => [key, jsonOf(item)]),
    );
    return { name: value.nodeName, attributes, children: value.toArray().map(jsonOf) };
  }
  if (value instanceof Y.XmlFragment) return value.toArray().map(jsonOf);
  if (value instanceof Y.Map)
    return Object.fromEntries(Array.from(value.entries(), ([key, item]) => [key, jsonOf(item)]));
  if (value instanceof Y.Array) return value.toArray().map(jsonOf);
  if (value instanceof Uint8Array) return { $bytes: toBase64(value) };
  if (value instanceof Y.Doc) return { $document: value.guid };
  if (Array.isArray(value)) return value.map(jsonOf);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, jsonOf(item)]));
  }
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : { $number: String(value) };
  if (typeof value === 'bigint') return { $bigint: String(value) };
  // `undefined` is a value in Yjs and none in JSON.
  return null;
}

export interface TextRun {
  readonly insert: unknown;
  readonly attributes?: Readonly<Record<string, unknown>>;
}

/** Neighbours with the same formats are one run: deleted items between them would show otherwise. */
export function runsOf(text: Y.Text): TextRun[] {
  const runs: TextRun[] = [];
  for (const run of text.toDelta() as TextRun[]) {
    const last = runs[runs.length - 1];
    const isAlike =
      typeof last?.insert === 'string' &&
      typeof run.insert === 'string' &&
      isSameFormat(last.attributes, run.attributes);
    if (isAlike) runs[runs.length - 1] = { ...last, insert: last.insert + run.insert };
    else runs.push(run);
  }
  return runs;
}

function isSameFormat(a: TextRun['attributes'] = {}, b: TextRun['attributes'] = {}): boolean {
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length && names.every((name) => JSON.stringify(a[name]) === JSON.stringify(b[name]))
  );
}

function textOf(text: Y.Text): Json {
  const runs = runsOf(text);
  if (runs.every((run) => typeof run.insert === 'string' && run.attributes === undefined)) {
    return runs.map((run) => run.insert as string).join('');
  }
  return runs.map(({ insert, attributes }) =>
    attributes === undefined ? { insert: jsonOf(insert) } : { insert: jsonOf(insert), attributes: jsonOf(attributes) },
  );
}
