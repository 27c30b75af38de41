/**
 * Awareness of one room: who is here, where their cursors are.
 *
 *   update := varUint(n) { varUint(clientId) varUint(clock) varString(JSON state | "null") }
 *
 * A connection sets only its own client ids: the first to name an id owns it. Stock clients repeat to the server
 * what they hear from others, so foreign ids are skipped in silence, cheaply, and only a newer clock than ours
 * counts as an attempt. Identity (`user.id`, `user.name`, `user.role`) is written by the server.
 *
 * Connections of other nodes own their ids in the same way; what they show comes through `presence-exchange.ts`.
 */
import { randomInt } from 'node:crypto';
import { Cursor, MalformedError } from '../../protocol/incoming.js';
import { awarenessFrame, type AwarenessState } from '../../protocol/messages.js';
import { identityOf } from '../../auth/principal.js';
import type { Peer } from '../peer.js';
import { parseState, stampIdentity } from './client-state.js';
import type { ForeignEntry, Owner } from './presence-message.js';

interface Entry {
  clock: number;
  state: Readonly<Record<string, unknown>>;
  /** The state as it goes out; made when it does. */
  json: string | undefined;
  /** A connection of this node; undefined for one of another node, and for the server itself. */
  readonly peer: Peer | undefined;
  /** Id of the node that the connection is at; undefined for this one, `SERVER` for no connection at all. */
  readonly node: string | undefined;
  readonly owner: Owner;
  changedAt: number;
  /** The same client on another connection, while it is not known whether the owner's still lives. */
  contender?: { readonly peer: Peer; readonly clock: number; readonly state: Record<string, unknown> };
}

/** In place of a node's id. Each node says it for itself. */
export const SERVER = '(server)';
const MAX_IDS_PER_CONNECTION = 32;
/** How long a clock is remembered after its owner left: longer than any stock client's reconnect. */
const DEPARTED_MS = 60_000;
const MAX_DEPARTED = 10_000;
/** Ids that may change in one window. They go to everybody, and one connection could take up and give up a million. */
const MAX_CHANGES = 10_000;

/** What became of an incoming awareness update. */
export interface PresenceChange {
  readonly hasChanged: boolean;
  /** Ids of others that it tried to set. */
  readonly forged: number;
}

export class Presence {
  /** @param isShared other nodes are told, and ask what they have not been told yet */
  constructor(private readonly isShared: boolean) {}

  readonly #entries = new Map<number, Entry>();
  /** Last clock of ids whose connection is gone. */
  readonly #departed = new Map<number, { clock: number; at: number }>();
  readonly #owned = new Map<Peer, Set<number>>();
  /** When each other node was heard last. */
  readonly #nodes = new Map<string, number>();
  readonly #changed = new Set<number>();
  /** Ids of this node's connections that other nodes have not been told of. */
  readonly #untold = new Set<number>();
  #whole: Buffer | undefined;
  readonly #serverId = randomInt(2 ** 32);

  get size(): number {
    return this.#entries.size;
  }

  get hasChanges(): boolean {
    return this.#changed.size > 0;
  }

  entries(): IterableIterator<[number, Readonly<Entry>]> {
    return this.#entries.entries();
  }

  /** HOT PATH. @throws MalformedError */
  apply(peer: Peer, update: Uint8Array, now: number): PresenceChange {
    const cursor = new Cursor(update);
    let hasChanged = false;
    let forged = 0;
    for (let left = cursor.varUint(); left > 0; left--) {
      const clientId = cursor.varUint();
      const clock = cursor.varUint();
      const bytes = cursor.varBytes();
      const entry = this.#entries.get(clientId);
      if (entry !== undefined && entry.peer !== peer && !this.#mayTakeOver(entry, peer, clock)) {
        if (clock > entry.clock) {
          forged += 1;
          // Either a forgery, or the same client back before its old connection was found dead.
          if (entry.owner.principal.id === peer.principal.id) this.#contend(entry, peer, clock, bytes);
        }
        continue;
      }
      const state = parseState(bytes);
      if (state === null) {
        if (entry !== undefined && clock >= entry.clock) {
          this.#remove(clientId, clock, now);
          hasChanged = true;
        }
        continue;
      }
      if (entry !== undefined ? clock <= entry.clock : !this.#mayClaim(peer, clientId, clock, now)) continue;
      if (entry?.peer === peer) this.#move(peer, entry, clientId, clock, state, now);
      else this.#claim(peer, clientId, clock, state, now);
      hasChanged = true;
    }
    if (!cursor.isAtEnd) throw new MalformedError('bytes behind the end of the awareness update');
    return { hasChanged, forged };
  }

  /** @throws MalformedError */
  #contend(entry: Entry, peer: Peer, clock: number, bytes: Uint8Array): void {
    if (entry.peer === undefined) return;
    const state = parseState(bytes);
    if (state === null) delete entry.contender;
    else entry.contender = { peer, clock, state };
    entry.peer.probe();
  }

  /** The owner's connection is gone: whoever has said meanwhile to be the same client goes on. True when there is one. */
  #handOver(clientId: number, now: number): boolean {
    const { contender, clock } = this.#entries.get(clientId) ?? {};
    if (contender?.peer.isOpen !== true || clock === undefined || contender.clock <= clock) return false;
    if ((this.#owned.get(contender.peer)?.size ?? 0) >= MAX_IDS_PER_CONNECTION) return false;
    this.#claim(contender.peer, clientId, contender.clock, contender.state, now);
    return true;
  }

  /** The same person with a newer clock, whose connection was at another node: it has moved here. */
  #mayTakeOver(entry: Entry, peer: Peer, clock: number): boolean {
    const isElsewhere = entry.node !== undefined && entry.node !== SERVER;
    return isElsewhere && clock > entry.clock && entry.owner.principal.id === peer.principal.id;
  }

  #mayClaim(peer: Peer, clientId: number, clock: number, now: number): boolean {
    if ((this.#owned.get(peer)?.size ?? 0) >= MAX_IDS_PER_CONNECTION) return false;
    if (this.#changed.size >= MAX_CHANGES) return false;
    const departed = this.#departed.get(clientId);
    if (departed === undefined) return true;
    if (now - departed.at > DEPARTED_MS || clock > departed.clock) {
      this.#departed.delete(clientId);
      return true;
    }
    // Peers have seen this id leave at this clock and would ignore it. Told that it left, its client answers
    // with a higher clock (y-protocols, applyAwarenessUpdate): presence is back at once instead of in 15 s.
    peer.write(awarenessFrame([{ clientId, clock: departed.clock, json: 'null' }]));
    return false;
  }

  #move(peer: Peer, entry: Entry, clientId: number, clock: number, given: Record<string, unknown>, now: number): void {
    entry.clock = clock;
    entry.state = stampIdentity(given, peer);
    entry.json = undefined;
    entry.changedAt = now;
    this.#noteChange(clientId, true);
  }

  #claim(peer: Peer, clientId: number, clock: number, given: Record<string, unknown>, now: number): void {
    const state = stampIdentity(given, peer);
    const place = { peer, node: undefined, owner: ownerOf(peer) };
    this.#entries.set(clientId, { clock, state, json: undefined, ...place, changedAt: now });
    const owned = this.#owned.get(peer);
    if (owned === undefined) this.#owned.set(peer, new Set([clientId]));
    else owned.add(clientId);
    this.#noteChange(clientId, true);
  }

  #remove(clientId: number, clock: number, now: number): void {
    const entry = this.#entries.get(clientId);
    if (entry?.peer !== undefined) this.#owned.get(entry.peer)?.delete(clientId);
    this.#entries.delete(clientId);
    if (this.#departed.size >= MAX_DEPARTED) this.#departed.clear();
    this.#departed.set(clientId, { clock, at: now });
    this.#noteChange(clientId, entry?.node === undefined);
  }

  #noteChange(clientId: number, isOwn: boolean): void {
    this.#changed.add(clientId);
    if (isOwn && this.isShared) this.#untold.add(clientId);
    this.#whole = undefined;
  }

  /** The server's own state in this document, which nobody else can set; null takes it back. True when it changed. */
  setServerState(state: Readonly<Record<string, unknown>> | null, now: number): boolean {
    const before = this.#entries.get(this.#serverId);
    if (state === null) {
      if (before === undefined) return false;
      this.#remove(this.#serverId, before.clock + 1, now);
      return true;
    }
    const json = JSON.stringify(state);
    if (before !== undefined && JSON.stringify(before.state) === json) return false;
    const clock = (before?.clock ?? this.#departed.get(this.#serverId)?.clock ?? 0) + 1;
    this.#entries.set(this.#serverId, {
      ...{ clock, state, json, peer: undefined, node: SERVER },
      owner: { connectionId: SERVER, principal: { id: SERVER }, role: 'admin', since: now },
      changedAt: now,
    });
    this.#noteChange(this.#serverId, false);
    return true;
  }

  /** Removes everything that a connection owns; true when there was something. */
  removePeer(peer: Peer, now: number): boolean {
    const owned = this.#owned.get(peer);
    if (owned === undefined) return false;
    this.#owned.delete(peer);
    for (const clientId of owned) {
      if (!this.#handOver(clientId, now)) this.#remove(clientId, this.#entries.get(clientId)?.clock ?? 0, now);
    }
    return owned.size > 0;
  }

  /** Everybody, for somebody who joins; undefined when nobody is here. Encoded once per change. */
  wholeFrame(): Buffer | undefined {
    if (this.#entries.size === 0) return undefined;
    this.#whole ??= awarenessFrame(Array.from(this.#entries, ([clientId, entry]) => shown(clientId, entry)));
    return this.#whole;
  }

  /** Everybody, and who has left since `since` (Unix ms): for somebody who was told nothing meanwhile. */
  frameSince(since: number): Buffer {
    const states = Array.from(this.#entries, ([clientId, entry]) => shown(clientId, entry));
    for (const [clientId, { clock, at }] of this.#departed) {
      if (at >= since && !this.#entries.has(clientId)) states.push({ clientId, clock, json: 'null' });
    }
    return awarenessFrame(states);
  }

  /** What changed since the last call, as one frame for everybody. */
  takeChanges(): Buffer {
    const states = Array.from(this.#changed, (clientId): AwarenessState => {
      const entry = this.#entries.get(clientId);
      if (entry !== undefined) return shown(clientId, entry);
      return { clientId, clock: this.#departed.get(clientId)?.clock ?? 0, json: 'null' };
    });
    this.#changed.clear();
    return awarenessFrame(states);
  }

  /** Nobody is here to be told. */
  dropChanges(): void {
    this.#changed.clear();
  }

  // ── other nodes ─────────────────────────────────────────────────────────────────────────────────────────

  /** What other nodes have not been told yet about connections of this one. */
  takeUntold(): ForeignEntry[] {
    const entries = Array.from(this.#untold, (clientId): ForeignEntry => {
      const entry = this.#entries.get(clientId);
      if (entry !== undefined) return { clientId, clock: entry.clock, state: entry.state, owner: entry.owner };
      return { clientId, clock: this.#departed.get(clientId)?.clock ?? 0, state: null, owner: undefined };
    });
    this.#untold.clear();
    return entries;
  }

  /** Everything that connections of this node show. */
  own(): ForeignEntry[] {
    const own: ForeignEntry[] = [];
    for (const [clientId, { node, clock, state, owner }] of this.#entries) {
      if (node === undefined) own.push({ clientId, clock, state, owner });
    }
    return own;
  }

  /** `isWhole`: in place of everything that node has shown. True when something changed. */
  applyForeign(node: string, incoming: readonly ForeignEntry[], isWhole: boolean, now: number): boolean {
    this.#nodes.set(node, now);
    let hasChanged = false;
    for (const entry of incoming) hasChanged = this.#applyForeignEntry(node, entry, now) || hasChanged;
    if (!isWhole) return hasChanged;
    const shown = new Set(incoming.map(({ clientId }) => clientId));
    return this.#removeForeign((id, entry) => entry.node === node && !shown.has(id), now) || hasChanged;
  }

  #applyForeignEntry(node: string, { clientId, clock, state, owner }: ForeignEntry, now: number): boolean {
    const known = this.#entries.get(clientId);
    if (state === null || owner === undefined) {
      if (known?.node !== node || clock < known.clock) return false;
      this.#remove(clientId, clock, now);
      return true;
    }
    if (known?.node === SERVER || (known !== undefined && clock <= known.clock)) return false;
    if (known !== undefined && known.node === undefined) {
      if (known.owner.principal.id !== owner.principal.id) return false;
      // It has moved to that node; its connection here is dead and nobody has noticed.
      if (known.peer !== undefined) this.#owned.get(known.peer)?.delete(clientId);
      known.peer?.probe();
    }
    const json = undefined;
    this.#entries.set(clientId, { clock, state, json, peer: undefined, node, owner, changedAt: now });
    this.#departed.delete(clientId);
    this.#noteChange(clientId, false);
    return true;
  }

  /** Nodes that were heard last before `before` (Unix ms) are taken for dead. True when somebody left with them. */
  removeSilent(before: number, now: number): boolean {
    let hasChanged = false;
    for (const [node, heardAt] of this.#nodes) {
      if (heardAt >= before) continue;
      this.#nodes.delete(node);
      hasChanged = this.#removeForeign((_id, entry) => entry.node === node, now) || hasChanged;
    }
    return hasChanged;
  }

  #removeForeign(isGone: (clientId: number, entry: Entry) => boolean, now: number): boolean {
    const gone = [...this.#entries].filter(([clientId, entry]) => isGone(clientId, entry));
    for (const [clientId, { clock }] of gone) this.#remove(clientId, clock, now);
    return gone.length > 0;
  }
}

function ownerOf({ id, principal, role, since }: Peer): Owner {
  return { connectionId: id, principal: identityOf(principal), role, since };
}

/** Many states of a window are overtaken before it ends: only the last one is written out. */
function shown(clientId: number, entry: Entry): AwarenessState {
  entry.json ??= JSON.stringify(entry.state);
  return { clientId, clock: entry.clock, json: entry.json };
}
