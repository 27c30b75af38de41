/**
 * The y-websocket protocol: message kinds and the frames that the server sends.
 *
 *   message   := varUint(type) body
 *   sync      := 0 varUint(step) varUint8Array(payload)      step: 0 state vector, 1 reply, 2 update
 *   awareness := 1 varUint8Array(awareness update)
 *   auth      := 2 varUint(0) varString(reason)              permission denied
 *   query     := 3                                           ask for all awareness states
 *   extra     := 100 varString(JSON)                         only to connections that asked with ?sdk=1
 */
import * as encoding from 'lib0/encoding';
import { headerLength, writeHeader, frame } from './frame.js';

export const MESSAGE = { sync: 0, awareness: 1, auth: 2, queryAwareness: 3, extra: 100 } as const;
export const SYNC = { step1: 0, step2: 1, update: 2 } as const;

/** HOT PATH. `sync` frame: header and message are written into one buffer, the update is copied once. */
function syncFrame(step: number, body: Uint8Array): Buffer {
  const length = body.length;
  const lengthBytes = varUintLength(length);
  const payload = 2 + lengthBytes + length;
  const buffer = Buffer.allocUnsafe(headerLength(payload) + payload);
  let at = writeHeader(buffer, 0, payload);
  buffer[at++] = MESSAGE.sync;
  buffer[at++] = step;
  at = writeVarUint(buffer, at, length);
  buffer.set(body, at);
  return buffer;
}

function varUintLength(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) bytes += 1;
  return bytes;
}

function writeVarUint(target: Buffer, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  while (rest > 127) {
    target[at++] = 128 | (rest % 128);
    rest = Math.floor(rest / 128);
  }
  target[at++] = rest;
  return at;
}

export const syncStep1Frame = (stateVector: Uint8Array): Buffer => syncFrame(SYNC.step1, stateVector);
export const syncStep2Frame = (update: Uint8Array): Buffer => syncFrame(SYNC.step2, update);
export const updateFrame = (update: Uint8Array): Buffer => syncFrame(SYNC.update, update);

/** What one client shows. `json` is "null" when it has left. */
export interface AwarenessState {
  readonly clientId: number;
  readonly clock: number;
  readonly json: string;
}

/** HOT PATH. `varUint(n) { varUint(clientId) varUint(clock) varString(json) }` in one frame, written into one buffer. */
export function awarenessFrame(states: readonly AwarenessState[]): Buffer {
  const lengths = states.map(({ json }) => Buffer.byteLength(json));
  let body = varUintLength(states.length);
  for (const [i, { clientId, clock }] of states.entries()) {
    const length = lengths[i] ?? 0;
    body += varUintLength(clientId) + varUintLength(clock) + varUintLength(length) + length;
  }
  const payload = 1 + varUintLength(body) + body;
  const buffer = Buffer.allocUnsafe(headerLength(payload) + payload);
  let at = writeHeader(buffer, 0, payload);
  buffer[at++] = MESSAGE.awareness;
  at = writeVarUint(buffer, at, body);
  at = writeVarUint(buffer, at, states.length);
  for (const [i, { clientId, clock, json }] of states.entries()) {
    at = writeVarUint(buffer, at, clientId);
    at = writeVarUint(buffer, at, clock);
    at = writeVarUint(buffer, at, lengths[i] ?? 0);
    at += buffer.write(json, at);
  }
  return buffer;
}

export function permissionDeniedFrame(reason: string): Buffer {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, MESSAGE.auth);
  encoding.writeVarUint(encoder, 0);
  encoding.writeVarString(encoder, reason);
  return frame(encoding.toUint8Array(encoder));
}

/** What the SDK is told besides the protocol. */
export type Extra =
  | { readonly type: 'hello'; readonly epoch: string | null; readonly role: string }
  | {
      readonly type: 'undone';
      readonly refusals: readonly {
        readonly target: string;
        readonly property?: string;
        readonly code: string;
        readonly message: string;
      }[];
    };

export function extraFrame(extra: Extra): Buffer {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, MESSAGE.extra);
  encoding.writeVarString(encoder, JSON.stringify(extra));
  return frame(encoding.toUint8Array(encoder));
}
