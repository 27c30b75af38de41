import type { Logger } from 'pino';
import type { Repeats } from '../observability/repeats.js';
import type { Tracing } from '../observability/tracing/index.js';
import type { Bus } from '../storage/bus.js';
import type { DocumentLog, NewUpdate, Position, UpdateSource } from '../storage/document-log.js';
import type { SecurityFacts } from '../system-events/security-facts.js';
import type { DeliveryCounters } from './delivery/delivery.js';
import type { BoundedApplier } from './document/bounded-applier.js';
import type { DocumentRules } from './document/rules.js';
import type { Backlog } from './editing/backlog.js';
import type { Peer } from './peer.js';
import type { Room } from './room.js';
import type { Ticker } from './pace/ticker.js';

/** What rooms count; `observability/` turns it into metrics. */
export interface RoomCounters {
  readonly delivery: DeliveryCounters;
  updates(count: number, source: UpdateSource): void;
  /** Milliseconds from the call to durable. */
  appended(ms: number): void;
  /** Milliseconds from the receipt of an edit until its writer has the echo. */
  echoed(ms: number): void;
  compacted(): void;
  joins(kind: 'cached' | 'encoded'): void;
  /** @param facts who is behind it, where it has an author */
  errors(type: string, facts?: SecurityFacts): void;
  unknownMessage(type: number): void;
}

/** What all rooms of a node share. */
export interface RoomNode {
  /** Id of this node, as in `LoggedUpdate.node`. */
  readonly id: string;
  readonly log: DocumentLog;
  /** Ephemeral messages between nodes; only asked when `log.isShared`. */
  readonly bus: Bus;
  readonly logger: Logger;
  readonly ticker: Ticker;
  readonly applier: BoundedApplier;
  readonly backlog: Backlog;
  readonly counters: RoomCounters;
  /** By document: visitors of one that cannot be loaded come again and again. */
  readonly loadFailures: Repeats;
  readonly maxDocumentBytes: number;
  /** Undefined where nothing is traced. */
  readonly tracing: Tracing | undefined;
  /** The shortest time between two presence updates of a room. May change while the rooms run. */
  readonly presencePace: { readonly windowMs: number };
  /** Processor time that a document took: to be read, for updates and their rules; not for sending them. */
  onWork(document: string, ms: number): void;
  rules(document: string): DocumentRules | undefined;
  onStateChange(room: Room): void;
  /** After every append that settled. */
  onSaved(room: Room): void;
  /** The content of a live document is there or has changed, whoever changed it; or somebody has come to see it. */
  onContent(room: Room): void;
  /** After every append that is durable: who changed the document, and where in the log the last of it lies. */
  onChanged(room: Room, updates: readonly NewUpdate[], position: Position): void;
}

/** Who is behind something that the security events should hear of. */
export function factsOf({ address, principal, id }: Peer, document: string): SecurityFacts {
  return { address, userId: principal.id, document, connection: id };
}
