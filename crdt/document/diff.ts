/** What differs between two contents, as changes with their place. */
import type { Json } from '../form/form-json.js';
import { gapsOf } from './alignment.js';
import type { DocumentContent } from './content.js';

export interface DocumentChange {
  /** Root name, then keys and indices. */
  readonly path: readonly (string | number)[];
  readonly kind: 'added' | 'removed' | 'changed';
  readonly before?: Json;
  readonly after?: Json;
}

export interface DocumentDiff {
  readonly changes: readonly DocumentChange[];
  /** True when there are more than were asked for. */
  readonly isTruncated: boolean;
}

export function diffContent(
  before: DocumentContent,
  after: DocumentContent,
  { maxChanges = 1_000 } = {},
): DocumentDiff {
  const changes: DocumentChange[] = [];
  for (const name of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()) {
    const [a, b] = [before[name], after[name]];
    if (a === undefined || b === undefined || a.type !== b.type) {
      if (a !== undefined) changes.push({ path: [name], kind: 'removed', before: a.value });
      if (b !== undefined) changes.push({ path: [name], kind: 'added', after: b.value });
    } else compare(changes, [name], a.value, b.value);
  }
  return { changes: changes.slice(0, maxChanges), isTruncated: changes.length > maxChanges };
}

function compare(changes: DocumentChange[], path: readonly (string | number)[], before: Json, after: Json): void {
  if (Array.isArray(before) && Array.isArray(after)) {
    compareLists(changes, path, before, after);
  } else if (isRecord(before) && isRecord(after)) {
    for (const key of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()) {
      const [a, b] = [before[key], after[key]];
      if (a === undefined && b !== undefined) changes.push({ path: [...path, key], kind: 'added', after: b });
      else if (b === undefined && a !== undefined) changes.push({ path: [...path, key], kind: 'removed', before: a });
      else if (a !== undefined && b !== undefined) compare(changes, [...path, key], a, b);
    }
  } else if (JSON.stringify(before) !== JSON.stringify(after)) {
    changes.push({ path, kind: 'changed', before, after });
  }
}

function compareLists(
  changes: DocumentChange[],
  path: readonly (string | number)[],
  before: Json[],
  after: Json[],
): void {
  const key = (value: Json): string => JSON.stringify(value);
  for (const { fromA, toA, fromB, toB } of gapsOf(before.map(key), after.map(key))) {
    const paired = Math.min(toA - fromA, toB - fromB);
    for (let i = 0; i < paired; i += 1)
      compare(changes, [...path, fromB + i], before[fromA + i] ?? null, after[fromB + i] ?? null);
    for (let i = fromA + paired; i < toA; i += 1)
      changes.push({ path: [...path, i], kind: 'removed', before: before[i] ?? null });
    for (let i = fromB + paired; i < toB; i += 1)
      changes.push({ path: [...path, i], kind: 'added', after: after[i] ?? null });
  }
}

function isRecord(value: Json): value is Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
