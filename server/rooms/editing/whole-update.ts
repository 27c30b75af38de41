/** An update that comes alone, over REST: applied whole, by the rights of who sends it, or not at all. */
import type * as Y from 'yjs';
import type { Principal } from '../../auth/principal.js';
import { roleOn, scopeOn } from '../../auth/rights.js';
import { MalformedError } from '../../protocol/incoming.js';
import { inspectUpdate, type UpdateSummary } from '../../protocol/update-bounds.js';
import { hasDependencies } from '../document/dependencies.js';
import type { LiveDocument } from '../document/live-document.js';
import { writerOf } from '../document/rules.js';
import { IncompleteUpdateError, MalformedUpdateError } from '../errors.js';
import type { RoomNode } from '../room-node.js';

/**
 * The change that it makes, for `Room.change`, which throws IncompleteUpdateError where the update builds on what the document
 * lacks, and what applying it throws.
 * @throws MalformedUpdateError
 */
export function wholeUpdate(
  node: Pick<RoomNode, 'applier' | 'rules'>,
  document: string,
  principal: Principal,
  update: Uint8Array,
): (live: LiveDocument, transaction: Y.Transaction) => void {
  const { structs } = inspected(update);
  const rules = node.rules(document);
  const writer = writerOf(principal, roleOn(principal, document), scopeOn(principal, document));
  return (live, transaction) => {
    // Yjs would keep what it can't apply until the rest comes: a request has no rest.
    if (!hasDependencies(live.doc, update)) throw new IncompleteUpdateError();
    node.applier.apply(live.doc, update, structs, live.encodedBytes);
    rules?.(live.doc, transaction, writer);
  };
}

function inspected(update: Uint8Array): UpdateSummary {
  try {
    return inspectUpdate(update);
  } catch (error) {
    if (error instanceof MalformedError) throw new MalformedUpdateError(error.message, { cause: error });
    throw error;
  }
}
