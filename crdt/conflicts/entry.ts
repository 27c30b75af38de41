/**
 * What the server keeps of concurrent writes, in the root map `conflicts`, where every replica sees it.
 *
 *   key     `<client>-<clock>`: the Yjs item of the write. Two nodes that see the same write make the same entry.
 *   write   a value that somebody wrote, with who and when: Yjs itself forgets the content of what was overwritten
 *   mark    the server's own item, which says what stood there before; whoever overwrites it has seen `over`
 *
 * One key per entry, at the top: a map per property, made by two nodes at once, would lose one of the two with all in it.
 */
import { isId } from '../form/shape.js';
import type { Json } from '../form/json-value.js';

export const CONFLICTS_ROOT = 'conflicts';

export interface Author {
  readonly id: string;
  readonly name?: string;
}

interface OfProperty {
  readonly field: string;
  /** Names below the field. */
  readonly path: readonly string[];
  /** Keys of entries that whoever made this one had seen, beyond what Yjs itself says. */
  readonly over?: readonly string[];
}

export interface WriteEntry extends OfProperty {
  readonly kind: 'write';
  readonly value: Json;
  /** null: written before the policy asked for it to be kept. */
  readonly by: Author | null;
  /** Unix time in milliseconds at which the server saw it. */
  readonly at: number | null;
}

export interface MarkEntry extends OfProperty {
  readonly kind: 'mark';
  readonly over: readonly string[];
}

export type Entry = WriteEntry | MarkEntry;

/** As Yjs names items. */
export interface ItemId {
  readonly client: number;
  readonly clock: number;
}

export const keyOf = ({ client, clock }: ItemId): string => `${client}-${clock}`;

const KEY = /^[0-9]{1,16}-[0-9]{1,16}$/;
export const isEntryKey = (key: string): boolean => KEY.test(key);

const isNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((name) => typeof name === 'string');

export function isEntry(value: unknown): value is Entry {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, field, path, over, by, at } = value as Record<string, unknown>;
  if (typeof field !== 'string' || !isId(field) || !isNames(path) || path.length === 0) return false;
  if (over !== undefined && !isNames(over)) return false;
  if (kind === 'mark') return over !== undefined;
  return kind === 'write' && 'value' in value && (by === null || isAuthor(by)) && (at === null || Number.isFinite(at));
}

export function isAuthor(value: unknown): value is Author {
  if (typeof value !== 'object' || value === null) return false;
  const { id, name } = value as Record<string, unknown>;
  return typeof id === 'string' && (name === undefined || typeof name === 'string');
}
