/**
 * HOT PATH. Applies what a tick took from the inbox: one transaction for all that a principal sent, and in it, after the
 * updates, the rules of the document.
 *
 * Writers that share a tick are each other's peers, who do not wait for the disk: the part of each is told apart, as it came
 * where there are no rules, as the rules left it, from a transaction of its own, where there are. Where many are in a tick, those of
 * one principal share a transaction, and their parts cannot be told apart then.
 */
import type { NewUpdate } from '../../storage/document-log.js';
import { attribute } from '../attribution.js';
import type { Subscriber } from '../delivery/subscriber.js';
import type { BoundedApplier } from '../document/bounded-applier.js';
import type { LiveDocument, StateVector } from '../document/live-document.js';
import { writerOf, type DocumentRules, type Refusal } from '../document/rules.js';
import type { IncomingUpdate } from './inbox.js';

/** An update, and the connection that it came from. */
export type Part = Pick<IncomingUpdate, 'from' | 'update'>;

export interface Applied {
  /** What the document has become by it, one update for each transaction that changed something. */
  readonly emitted: readonly NewUpdate[];
  /** Whose updates are among it. */
  readonly writers: ReadonlySet<Subscriber>;
  /** What each of several writers added, for the others; empty when that cannot be told apart. */
  readonly parts: readonly Part[];
  /** The state before; undefined when nothing changed. */
  readonly before: StateVector | undefined;
  readonly undone: readonly { readonly from: readonly IncomingUpdate[]; readonly refusals: readonly Refusal[] }[];
  /** What Yjs threw on. Its store may be half changed: nothing behind it was applied. */
  readonly poison: Poison | undefined;
}

export interface Poison {
  /** All of the connection whose update it was; of all in the transaction where that cannot be told. */
  readonly from: readonly IncomingUpdate[];
  /** What others sent, and was not applied because of it. */
  readonly rest: readonly IncomingUpdate[];
  readonly error: unknown;
}

/** Rules look at each connection apart among so few; among more, fewer transactions matter more. */
const MAX_GROUPED_BY_CONNECTION = 4;
/** A tick that takes longer is told of on the way: who overdoes it may be closed before the rest of theirs is applied. */
const COSTLY_MS = 20;

/**
 * @param applier applies each, within bounds
 * @param onWork is told of the time that it takes, in milliseconds
 */
export function applyUpdates(
  live: LiveDocument,
  inbox: readonly IncomingUpdate[],
  rules: DocumentRules | undefined,
  applier: BoundedApplier,
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
  const ownParts: Part[] = [];
  const undone: { from: readonly IncomingUpdate[]; refusals: readonly Refusal[] }[] = [];
  let before: StateVector | undefined;
  const isShared = inbox.some(({ from }) => from !== inbox[0]?.from);
  const groups = isShared ? grouped(inbox, rules !== undefined) : [inbox];
  for (const [i, from] of groups.entries()) {
    const peer = from[0]?.from.peer;
    if (peer === undefined) continue;
    let thrown: { readonly error: unknown; readonly sender: Subscriber } | undefined;
    try {
      const emission = live.transact((transaction) => {
        for (const { from: sender, update, structs } of from) {
          // Revoked since it was queued. Who has only left has sent it all the same, and cannot send it again.
          if (sender.peer.isBarred) continue;
          try {
            applier.apply(live.doc, update, structs, live.encodedBytes);
          } catch (error) {
            // Yjs commits what it has done so far, and may throw once more on that: this one is the cause.
            thrown = { error, sender };
            throw error;
          }
          tell(COSTLY_MS);
        }
        return rules?.(live.doc, transaction, writerOf(peer.principal, peer.role, peer.scope)) ?? [];
      });
      if (emission.result.length > 0) undone.push({ from, refusals: emission.result });
      if (emission.update === undefined) continue;
      before ??= emission.before;
      emitted.push({ update: emission.update, attribution: attribute(peer.principal, 'sync') });
      for (const { from: sender } of from) writers.add(sender);
      if (rules !== undefined && from[0] !== undefined) ownParts.push({ from: from[0].from, update: emission.update });
    } catch (error) {
      tell(0);
      const isCulprit = (item: IncomingUpdate): boolean =>
        thrown === undefined ? from.includes(item) : item.from === thrown.sender;
      const rest = groups
        .slice(i)
        .flat()
        .filter((item) => !isCulprit(item));
      const poison = { from: from.filter(isCulprit), rest, error: thrown === undefined ? error : thrown.error };
      return { emitted, writers, parts: [], before, undone, poison };
    }
  }
  tell(0);
  const areTold = isShared && live.pendingBytes === 0 && (rules === undefined || groups.every(isOfOneConnection));
  const parts = rules === undefined ? inbox.filter(({ from }) => !from.peer.isBarred) : ownParts;
  return { emitted, writers, parts: areTold ? parts : [], before, undone, poison: undefined };
}

/** By connection while they are few and the rules look at each apart, else by principal. */
function grouped(inbox: readonly IncomingUpdate[], hasRules: boolean): readonly (readonly IncomingUpdate[])[] {
  const byConnection = hasRules ? groupedBy(inbox, ({ from }) => from) : [];
  if (byConnection.length > 0 && byConnection.length <= MAX_GROUPED_BY_CONNECTION) return byConnection;
  const principal = inbox[0]?.from.peer.principal;
  if (inbox.every((item) => item.from.peer.principal === principal)) return [inbox];
  return groupedBy(inbox, ({ from: { peer } }) => `${peer.role} ${peer.principal.id}`);
}

function isOfOneConnection(group: readonly IncomingUpdate[]): boolean {
  return group.every(({ from }) => from === group[0]?.from);
}

/** In the order of their first. */
function groupedBy(inbox: readonly IncomingUpdate[], keyOf: (item: IncomingUpdate) => unknown): IncomingUpdate[][] {
  const groups = new Map<unknown, IncomingUpdate[]>();
  for (const item of inbox) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}
