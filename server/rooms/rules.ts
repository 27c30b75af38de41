/**
 * What a kind of document allows beyond "any Yjs update": run inside the transaction, right after the updates of one
 * writer, so that a correction leaves with them and no peer ever sees what is corrected.
 */
import type { Doc, Transaction } from 'yjs';
import { guard } from '../../crdt/index.js';
import { guardSheet } from '../../crdt/submission/index.js';
import { documentKind } from '../protocol/document-name.js';

export type Refusal = ReturnType<typeof guard>[number];
export type Writer = Parameters<typeof guard>[2];
export type DocumentRules = (doc: Doc, transaction: Transaction, writer: Writer) => readonly Refusal[];

/** Undefined when anything goes. */
export function rulesFor(document: string): DocumentRules | undefined {
  const { kind } = documentKind(document);
  if (kind === 'form') return guard;
  return kind === 'submission' ? guardSheet : undefined;
}
