/** Conflicts as people meet them: what is open, who wrote what, and the way out. */
import * as Y from 'yjs';
import { fits, fieldRule } from '../form/rules.js';
import { isSameJson } from '../form/equality.js';
import type { Json } from '../form/json-value.js';
import { asJson, asText, mapRoot, ROOTS } from '../form/shape.js';
import { standingOf } from './causality.js';
import { keyOf, type Author } from './entry.js';
import { EntryIndex, type Entries } from './entry-index.js';
import { policyFor, policyIn } from './policy.js';
import { headOf, propertyOf, type Property } from './property.js';
import { Ledger } from './record.js';

export interface Candidate {
  readonly id: string;
  readonly value: Json;
  /** null: written before the policy asked for it to be kept. */
  readonly author: Author | null;
  /** Unix time in milliseconds. */
  readonly at: number | null;
}

export interface Conflict {
  /** `<fieldId>.<property>` */
  readonly id: string;
  readonly fieldId: string;
  /** Dotted, such as `required` or `validation.min`. */
  readonly property: string;
  /** What the form says meanwhile. */
  readonly current: Json;
  /** In one order on every replica. */
  readonly candidates: readonly Candidate[];
}

export class ResolutionError extends Error {
  constructor(
    readonly code: 'conflict_not_found' | 'candidate_not_found' | 'value_not_allowed',
    message: string,
  ) {
    super(message);
    this.name = 'ResolutionError';
  }
}

/** On any replica. Writes that say the same are no conflict. */
export function openConflicts(doc: Y.Doc): Conflict[] {
  return found(doc)
    .map(({ conflict }) => conflict)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

interface Found {
  readonly conflict: Conflict;
  readonly property: Property;
  readonly open: readonly string[];
}

function found(doc: Y.Doc): Found[] {
  const policy = policyIn(mapRoot(doc, ROOTS.meta));
  if (policy === undefined) return [];
  return (EntryIndex.of(doc)?.properties() ?? []).flatMap((entries): Found[] => {
    const property = entries.size < 2 ? undefined : propertyOf(doc, entries);
    if (property === undefined || policyFor(policy, property.field, property.path) !== 'manual') return [];
    const { head, open } = standingOf(headOf(property), entries);
    const candidates = open.flatMap((key) => candidateOf(key, entries, head));
    const [first] = candidates;
    if (first === undefined || candidates.every(({ value }) => isSameJson(value, first.value))) return [];
    const name = property.path.join('.');
    const current = shown(property.map.get(property.key));
    return [
      {
        property,
        open,
        conflict: { id: `${property.field}.${name}`, fieldId: property.field, property: name, current, candidates },
      },
    ];
  });
}

const shown = (value: unknown): Json => asText(value) ?? asJson(value) ?? null;

function candidateOf(id: string, entries: Entries, head: Y.Item | undefined): Candidate[] {
  const entry = entries.get(id);
  if (entry?.kind !== 'write') return [];
  // A text goes on after it was written.
  const isLive = head?.content instanceof Y.ContentType && !head.deleted && keyOf(head.id) === id;
  const value = isLive ? shown((head.content as Y.ContentType).type) : entry.value;
  return [{ id, value, author: entry.by, at: entry.at }];
}

export type Choice = { readonly choose: string } | { readonly value: Json };

/**
 * Closes a conflict, on the server: the chosen value stands, over all candidates that are known here. Clients do the same
 * by writing the property. null removes it, where it may be left out.
 * @throws ResolutionError before anything is changed
 */
export function resolveConflict(doc: Y.Doc, id: string, choice: Choice, by: Author, at: number): void {
  const target = found(doc).find(({ conflict }) => conflict.id === id);
  if (target === undefined) throw new ResolutionError('conflict_not_found', `There is no open conflict "${id}".`);
  const { property, open, conflict } = target;
  const rule = fieldRule(property.path);
  const chosen =
    'choose' in choice ? conflict.candidates.find((candidate) => candidate.id === choice.choose) : undefined;
  if ('choose' in choice && chosen === undefined) {
    throw new ResolutionError('candidate_not_found', `The conflict has no candidate "${choice.choose}".`);
  }
  const value = 'value' in choice ? choice.value : (chosen?.value ?? null);
  if (rule === undefined || rule.kind === 'map' || !fits(rule, value)) {
    throw new ResolutionError('value_not_allowed', `${conflict.property} cannot have this value.`);
  }
  doc.transact((transaction) => {
    const index = EntryIndex.of(doc);
    const head = headOf(property);
    // A text that is chosen and stands stays: people may be typing in it.
    const isStanding = head !== undefined && keyOf(head.id) === chosen?.id && head.content instanceof Y.ContentType;
    if (value === null) {
      property.map.delete(property.key);
      for (const key of [...(index?.of(property.field, property.path).keys() ?? [])]) index?.delete(key);
      return;
    }
    if (!isStanding)
      property.map.set(property.key, rule.kind === 'text' ? new Y.Text(typeof value === 'string' ? value : '') : value);
    const decided = headOf(property);
    if (index === undefined || decided === undefined) return;
    const ledger = new Ledger(doc, transaction, index, property, 'manual');
    ledger.decide(decided, value, by, at, open);
    ledger.settle(rule.kind === 'text', true);
  });
}
