/**
 * Operations that name a property in conflict decide it, also with the value that stands already: reaching that takes no
 * edit, so nothing else would tell that somebody has made up their mind.
 */
import type { Doc } from 'yjs';
import {
  keepsWrites,
  openConflicts,
  resolveConflict,
  type Author,
  type FormChange,
  type Operation,
} from '../../../crdt/index.js';

/** A decision asks for the same rights as a change. */
export interface Decided extends FormChange {
  readonly conflictId: string;
}

/** Open conflicts that they decide. */
export function decidedBy(operations: readonly Operation[], doc: Doc): readonly Decided[] {
  if (operations.length === 0 || !keepsWrites(doc)) return [];
  const named = new Set(operations.map(propertyOf));
  return openConflicts(doc)
    .map(({ id, fieldId, property }) => ({
      conflictId: id,
      kind: 'changed' as const,
      target: `fields/${fieldId}`,
      property,
    }))
    .filter(({ target, property }) => named.has(`${target} ${property}`));
}

/** After the operations were applied: what stands now is the decision. */
export function decide(doc: Doc, decided: readonly Decided[], by: Author, at: number): void {
  if (decided.length === 0) return;
  const ids = new Set(decided.map(({ conflictId }) => conflictId));
  for (const { id, current, candidates } of openConflicts(doc).filter((open) => ids.has(open.id))) {
    // As a candidate a text stays the same text: people may be typing in it.
    const standing = candidates.find(({ value }) => JSON.stringify(value) === JSON.stringify(current));
    resolveConflict(doc, id, standing === undefined ? { value: current } : { choose: standing.id }, by, at);
  }
}

function propertyOf(operation: Operation): string {
  switch (operation.op) {
    case 'setProperty':
      return `${operation.target} ${operation.path}`;
    case 'setTitle':
      return `${operation.target} title.${operation.language}`;
    case 'setDescription':
      return `${operation.target} description.${operation.language}`;
    default:
      return '';
  }
}
