/**
 * What a kind of document allows beyond "any Yjs update": run inside the transaction, right after the updates of one
 * writer, so that a correction leaves with them and no peer ever sees what is corrected.
 */
import type { Doc, Transaction } from 'yjs';
import { guard, newerVersion } from '../../../crdt/index.js';
import { guardSheet } from '../../../crdt/submission/index.js';
import { identityOf, type Principal, type Role } from '../../auth/principal.js';
import { documentKind } from '../../protocol/document-name.js';

export type Refusal = ReturnType<typeof guard>[number];
export type Writer = Parameters<typeof guard>[2];
export type DocumentRules = (doc: Doc, transaction: Transaction, writer: Writer) => readonly Refusal[];

/** Undefined when anything goes. */
export function rulesFor(document: string): DocumentRules | undefined {
  const { kind } = documentKind(document);
  if (kind === 'form') return guard;
  return kind === 'submission' ? guardSheet : undefined;
}

/** Whom the rules judge. */
export function writerOf(
  principal: Principal,
  role: Role | undefined,
  scope: { readonly paths?: readonly string[]; readonly languages?: readonly string[] },
): Writer {
  const isOwner = role === 'owner' || role === 'admin';
  return { canWrite: true, ...scope, principal: identityOf(principal), isOwner, at: Date.now() };
}

/**
 * Why nobody may write to it through this node, whatever their role; undefined when they may. Nothing of it is undone or
 * repaired either: a later version knows what it means.
 */
export function frozenBecause(document: string, doc: Doc): string | undefined {
  if (documentKind(document).kind !== 'form') return undefined;
  const version = newerVersion(doc);
  return version === undefined ? undefined : `the form has version ${version} of its shape, which is not known here`;
}
