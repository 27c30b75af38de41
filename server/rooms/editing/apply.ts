/**
 * HOT PATH. Applies what a tick took from the inbox: one transaction for all that a principal sent, and in it, after the
 * updates, the rules of the document.
 */
import * as Y from 'yjs';
import type { NewUpdate } from '../../storage/document-log.js';
import { attribute } from '../attribution.js';
import type { Subscriber } from '../delivery/subscriber.js';
import type { LiveDocument, StateVector } from '../document/live-document.js';
import { writerOf, type DocumentRules, type Refusal } from '../document/rules.js';
import type { IncomingUpdate } from './inbox.js';

export interface Applied {
  /** What the document has become by it, one update for each writer that changed something. */
  readonly emitted: readonly NewUpdate[];
  /** Whose updates are among it. */
  readonly writers: ReadonlySet<Subscriber>;
  /** The state before; undefined when nothing changed. */
  readonly before: StateVector | undefined;
  readonly undone: readonly { readonly from: readonly IncomingUpdate[]; readonly refusals: readonly Refusal[] }[];
  /** The updates on which Yjs threw. Its store may be half changed: nothing behind them was applied. */
  readonly poison: { readonly from: readonly IncomingUpdate[]; readonly error: unknown } | undefined;
}

/** A tick that takes longer is told of on the way: who overdoes it may be closed before the rest of theirs is applied. */
const COSTLY_MS = 20;

/** @param onWork is told of the time that it takes, in milliseconds */
export function applyUpdates(
  live: LiveDocument,
  inbox: readonly IncomingUpdate[],
  rules: DocumentRules | undefined,
  onWork: (ms: number) => void,
): Applied {
  let since = performance.now();
  const tell = (leastMs: number): void => {
    const now = performance.now();
    if (now - since < leastMs) return;
    onWork(now - since);
    since = now;
  };
  const emitted: NewUpdate[] = [];
  const writers = new Set<Subscriber>();
  const undone: { from: readonly IncomingUpdate[]; refusals: readonly Refusal[] }[] = [];
  let before: StateVector | undefined;
  for (const from of byPrincipal(inbox)) {
    const peer = from[0]?.from.peer;
    if (peer === undefined) continue;
    try {
      const emission = live.transact((transaction) => {
        for (const { from: sender, update } of from) {
          // Revoked or closed since it was queued: nothing of it is applied any more.
          if (!sender.peer.isOpen) continue;
          Y.applyUpdate(live.doc, update);
          tell(COSTLY_MS);
        }
        return rules?.(live.doc, transaction, writerOf(peer.principal, peer.role, peer.scope)) ?? [];
      });
      if (emission.result.length > 0) undone.push({ from, refusals: emission.result });
      if (emission.update === undefined) continue;
      before ??= emission.before;
      emitted.push({ update: emission.update, attribution: attribute(peer.principal, 'sync') });
      for (const { from: sender } of from) writers.add(sender);
    } catch (error) {
      tell(0);
      return { emitted, writers, before, undone, poison: { from, error } };
    }
  }
  tell(0);
  return { emitted, writers, before, undone, poison: undefined };
}

function byPrincipal(inbox: readonly IncomingUpdate[]): readonly (readonly IncomingUpdate[])[] {
  const principal = inbox[0]?.from.peer.principal;
  if (inbox.every((item) => item.from.peer.principal === principal)) return [inbox];
  const groups = new Map<string, IncomingUpdate[]>();
  for (const item of inbox) {
    const key = `${item.from.peer.role} ${item.from.peer.principal.id}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}
