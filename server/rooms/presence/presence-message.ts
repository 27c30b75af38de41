/**
 * What nodes tell each other about the presence in a document, on the bus.
 *
 *   message := varUint(kind) varString(node) varUint(n) { varUint(clientId) varUint(clock) varString(JSON [state, owner]) }
 *   kind 0  changes; the JSON is "null" for an id that left
 *   kind 1  everything this node shows, in place of what it showed
 *   kind 2  a newcomer asks everybody for kind 1; n is 0
 */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { z } from 'zod';
import { ROLES } from '../../auth/principal.js';

/** The connection that shows a state. */
export interface Owner {
  readonly connectionId: string;
  readonly principal: { readonly id: string; readonly name?: string };
  readonly role: string;
  /** Unix time in milliseconds at which it opened. */
  readonly since: number;
}

/** `state` is null, and `owner` undefined, for an id that left. */
export interface ForeignEntry {
  readonly clientId: number;
  readonly clock: number;
  readonly state: Readonly<Record<string, unknown>> | null;
  readonly owner: Owner | undefined;
}

export const PRESENCE = { changes: 0, whole: 1, query: 2 } as const;
type Kind = (typeof PRESENCE)[keyof typeof PRESENCE];

export interface PresenceMessage {
  readonly kind: Kind;
  readonly node: string;
  readonly entries: readonly ForeignEntry[];
}

const shown = z
  .tuple([
    z.record(z.string(), z.unknown()),
    z.object({
      connectionId: z.string(),
      principal: z.object({ id: z.string(), name: z.string().exactOptional() }),
      role: z.enum(ROLES),
      since: z.number(),
    }),
  ])
  .nullable();
const kinds = z.literal([PRESENCE.changes, PRESENCE.whole, PRESENCE.query]);

export function encodePresence({ kind, node, entries }: PresenceMessage): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, kind);
  encoding.writeVarString(encoder, node);
  encoding.writeVarUint(encoder, entries.length);
  for (const { clientId, clock, state, owner } of entries) {
    encoding.writeVarUint(encoder, clientId);
    encoding.writeVarUint(encoder, clock);
    encoding.writeVarString(encoder, JSON.stringify(state === null ? null : [state, owner]));
  }
  return encoding.toUint8Array(encoder);
}

/** @throws Error for bytes that are no such message (a node of another version). */
export function decodePresence(message: Uint8Array): PresenceMessage {
  const decoder = decoding.createDecoder(message);
  const kind = kinds.parse(decoding.readVarUint(decoder));
  const node = decoding.readVarString(decoder);
  const entries: ForeignEntry[] = [];
  for (let left = decoding.readVarUint(decoder); left > 0; left--) {
    const clientId = decoding.readVarUint(decoder);
    const clock = decoding.readVarUint(decoder);
    const [state, owner] = shown.parse(JSON.parse(decoding.readVarString(decoder))) ?? [null, undefined];
    entries.push({ clientId, clock, state, owner });
  }
  return { kind, node, entries };
}
