/**
 * Awareness of one room: who is here, where their cursors are.
 *
 *   update := varUint(n) { varUint(clientId) varUint(clock) varString(JSON state | "null") }
 *
 * A connection sets only its own client ids: the first to name an id owns it. Stock clients repeat to the server
 * what they hear from others, so foreign ids are skipped in silence, cheaply, and only a newer clock than ours
 * counts as an attempt. Identity (`user.id`, `user.name`, `user.role`) is written by the server.
 */
import * as encoding from 'lib0/encoding';
import { Cursor, MalformedError } from '../protocol/incoming.js';
import { awarenessFrame } from '../protocol/messages.js';
import type { Peer } from './peer.js';

interface Entry {
  clock: number;
  state: Record<string, unknown>;
  /** Client id, clock and state as they go out. */
  encoded: Uint8Array;
  readonly owner: Peer;
  changedAt: number;
}

const MAX_STATE_BYTES = 64 * 1024;
const MAX_IDS_PER_CONNECTION = 32;
/** How long a clock is remembered after its owner left: longer than any stock client's reconnect. */
const DEPARTED_MS = 60_000;
const MAX_DEPARTED = 10_000;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What became of an incoming awareness update. */
export interface PresenceChange {
  readonly hasChanged: boolean;
  /** Ids of others that it tried to set. */
  readonly forged: number;
}

export class Presence {
  readonly #entries = new Map<number, Entry>();
  /** Last clock of ids whose connection is gone. */
  readonly #departed = new Map<number, { clock: number; at: number }>();
  readonly #owned = new Map<Peer, Set<number>>();
  readonly #changed = new Set<number>();
  #whole: Buffer | undefined;

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
      if (entry !== undefined && entry.owner !== peer) {
        if (clock > entry.clock) {
          forged += 1;
          // Either a forgery, or the same client back before its old connection was found dead.
          if (entry.owner.principal.id === peer.principal.id) entry.owner.probe();
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
      this.#set(peer, clientId, clock, state, now);
      hasChanged = true;
    }
    if (!cursor.isAtEnd) throw new MalformedError('bytes behind the end of the awareness update');
    return { hasChanged, forged };
  }

  #mayClaim(peer: Peer, clientId: number, clock: number, now: number): boolean {
    if ((this.#owned.get(peer)?.size ?? 0) >= MAX_IDS_PER_CONNECTION) return false;
    const departed = this.#departed.get(clientId);
    if (departed === undefined) return true;
    if (now - departed.at > DEPARTED_MS || clock > departed.clock) {
      this.#departed.delete(clientId);
      return true;
    }
    // Peers have seen this id leave at this clock and would ignore it. Told that it left, its client answers
    // with a higher clock (y-protocols, applyAwarenessUpdate): presence is back at once instead of in 15 s.
    peer.write(awarenessFrame(encodeEntries([encodeEntry(clientId, departed.clock, 'null')])));
    return false;
  }

  #set(peer: Peer, clientId: number, clock: number, given: Record<string, unknown>, now: number): void {
    const state = stampIdentity(given, peer);
    const encoded = encodeEntry(clientId, clock, JSON.stringify(state));
    this.#entries.set(clientId, { clock, state, encoded, owner: peer, changedAt: now });
    const owned = this.#owned.get(peer);
    if (owned === undefined) this.#owned.set(peer, new Set([clientId]));
    else owned.add(clientId);
    this.#changed.add(clientId);
    this.#whole = undefined;
  }

  #remove(clientId: number, clock: number, now: number): void {
    const owner = this.#entries.get(clientId)?.owner;
    if (owner !== undefined) this.#owned.get(owner)?.delete(clientId);
    this.#entries.delete(clientId);
    if (this.#departed.size >= MAX_DEPARTED) this.#departed.clear();
    this.#departed.set(clientId, { clock, at: now });
    this.#changed.add(clientId);
    this.#whole = undefined;
  }

  /** Removes everything that a connection owns; true when there was something. */
  removePeer(peer: Peer, now: number): boolean {
    const owned = this.#owned.get(peer);
    if (owned === undefined) return false;
    this.#owned.delete(peer);
    for (const clientId of owned) this.#remove(clientId, this.#entries.get(clientId)?.clock ?? 0, now);
    return owned.size > 0;
  }

  /** Everybody, for somebody who joins; undefined when nobody is here. Encoded once per change. */
  wholeFrame(): Buffer | undefined {
    if (this.#entries.size === 0) return undefined;
    this.#whole ??= awarenessFrame(encodeEntries(Array.from(this.#entries.values(), (entry) => entry.encoded)));
    return this.#whole;
  }

  /** What changed since the last call, as one frame for everybody. */
  takeChanges(): Buffer {
    const parts: Uint8Array[] = [];
    for (const clientId of this.#changed) {
      const encoded = this.#entries.get(clientId)?.encoded;
      parts.push(encoded ?? encodeEntry(clientId, this.#departed.get(clientId)?.clock ?? 0, 'null'));
    }
    this.#changed.clear();
    return awarenessFrame(encodeEntries(parts));
  }
}

function parseState(bytes: Uint8Array): Record<string, unknown> | null {
  if (bytes.length > MAX_STATE_BYTES) throw new MalformedError('an awareness state is too large');
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch (error) {
    throw new MalformedError(
      error instanceof SyntaxError ? 'an awareness state is not JSON' : 'text that is not UTF-8',
    );
  }
  if (value === null) return null;
  if (typeof value !== 'object' || Array.isArray(value))
    throw new MalformedError('an awareness state is not an object');
  return value as Record<string, unknown>;
}

/**
 * A token's identity replaces whatever the client claims. Without a token the id is `anonymous` (or what `?user=` says)
 * and the name is the client's own choice: there is nothing to prove it against.
 */
function stampIdentity(state: Record<string, unknown>, peer: Peer): Record<string, unknown> {
  const { principal, role } = peer;
  const claimed = state['user'];
  const isObject = typeof claimed === 'object' && claimed !== null && !Array.isArray(claimed);
  if (principal.isAnonymous && !isObject) return state;
  const user: Record<string, unknown> = isObject ? { ...claimed } : {};
  user['id'] = principal.id;
  user['role'] = role;
  if (principal.name !== undefined) user['name'] = principal.name;
  else if (!principal.isAnonymous) user['name'] = principal.id;
  return { ...state, user };
}

function encodeEntry(clientId: number, clock: number, json: string): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, clientId);
  encoding.writeVarUint(encoder, clock);
  encoding.writeVarString(encoder, json);
  return encoding.toUint8Array(encoder);
}

function encodeEntries(entries: readonly Uint8Array[]): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, entries.length);
  for (const entry of entries) encoding.writeUint8Array(encoder, entry);
  return encoding.toUint8Array(encoder);
}
