/**
 * A connection as one room sees it: how far it has come, and whether it can take more.
 *
 * `current`: every frame goes out as it arises. `behind`: the socket took too long; what arises is not queued, and when
 * everything written has left, the difference to `known` is sent. A first sync that is larger than the budget is
 * nothing else: a stream of shared frames, then the difference that arose meanwhile.
 */
import type { IncomingHandler } from '../../protocol/incoming.js';
import type { StateVector } from '../document/live-document.js';
import type { Peer } from '../peer.js';

export type Delivery =
  | { readonly mode: 'current' }
  | {
      readonly mode: 'behind';
      /** What this client has once the frames below are written. */
      known: StateVector;
      /** The document's version that `known` stands for; -1 when it is older than any. */
      version: number;
      /** Frames that are still to be written; shared with others, so they cost no memory of their own. */
      frames: readonly Buffer[];
      next: number;
    };

const CURRENT: Delivery = { mode: 'current' };

export class Subscriber {
  delivery: Delivery = CURRENT;
  /** It is behind, and a drain callback is outstanding. One at a time, however often it asks for more. */
  awaitsDrain = false;
  /** Own updates that were applied and wait for the log, oldest state first: their frames are withheld. */
  unsaved = 0;
  unsavedSince: StateVector | undefined;
  /** Awareness was left out for lack of room, from this time on (Unix ms). */
  presenceStaleSince: number | undefined;
  /** Sent updates that wait in Yjs for others in between. */
  hasPending = false;
  /** State vectors that arrived while the room loaded. */
  unanswered: Uint8Array[] | undefined;
  /** One reason per connection is enough for updates it may not send. */
  wasToldReadOnly = false;

  /** Reads its frames; made once, since frames are many. */
  handler: IncomingHandler | undefined;

  constructor(readonly peer: Peer) {}
}
