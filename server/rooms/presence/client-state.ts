/** One awareness state as a client sends it: read within bounds, then marked with who the server knows it to be. */
import { isUtf8 } from 'node:buffer';
import { MalformedError } from '../../protocol/incoming.js';
import type { Peer } from '../peer.js';

const MAX_STATE_BYTES = 64 * 1024;

/** HOT PATH. @throws MalformedError */
export function parseState(bytes: Uint8Array): Record<string, unknown> | null {
  if (bytes.length > MAX_STATE_BYTES) throw new MalformedError('an awareness state is too large');
  // A third of the cost of a TextDecoder that throws.
  if (!isUtf8(bytes)) throw new MalformedError('text that is not UTF-8');
  let value: unknown;
  try {
    value = JSON.parse(textOf(bytes));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new MalformedError('an awareness state is not JSON');
  }
  if (value === null) return null;
  if (typeof value !== 'object' || Array.isArray(value))
    throw new MalformedError('an awareness state is not an object');
  return value as Record<string, unknown>;
}

/** `bytes` is UTF-8. What a socket delivers is a Buffer already. */
function textOf(bytes: Uint8Array): string {
  if (bytes instanceof Buffer) return bytes.toString();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

/**
 * HOT PATH: changes `state`, which nobody else holds, in place.
 *
 * A token's identity replaces whatever the client claims. Without a token the id is `anonymous` (or what `?user=` says)
 * and the name is the client's own choice: there is nothing to prove it against.
 */
export function stampIdentity(state: Record<string, unknown>, peer: Peer): Record<string, unknown> {
  const { principal, role } = peer;
  const claimed = state['user'];
  const isObject = typeof claimed === 'object' && claimed !== null && !Array.isArray(claimed);
  if (principal.isAnonymous && !isObject) return state;
  const user = isObject ? (claimed as Record<string, unknown>) : {};
  user['id'] = principal.id;
  user['role'] = role;
  if (principal.name !== undefined) user['name'] = principal.name;
  else if (!principal.isAnonymous) user['name'] = principal.id;
  state['user'] = user;
  return state;
}
