import type { Bus } from './bus.js';
import type { DocumentLog } from './document-log.js';
import type { EventLog } from './event-log.js';
import type { FileStore } from './file-store.js';
import type { Leases } from './leases.js';
import type { RecordStore } from './record-store.js';

/** `failing`: writes wait and are tried again; what was acknowledged is safe. `closed`: after `close`. */
export type StorageHealth =
  | { readonly state: 'ok' }
  | {
      readonly state: 'failing';
      readonly since: number;
      readonly reason: string;
      readonly pendingBytes: number;
      /** The medium does not refuse writes: it does not answer them. */
      readonly isStalled?: boolean;
    }
  | { readonly state: 'closed' };

/** How long a write may wait for others to share its flush when many come, in milliseconds. May be set at any time. */
export interface CommitPace {
  maxWaitMs: number;
}

/** All ports of one store. Built only by the composition root (`cli/`). */
export interface Storage {
  readonly kind: 'embedded' | 'redis';
  readonly documents: DocumentLog;
  readonly records: RecordStore;
  readonly events: EventLog;
  readonly files: FileStore;
  readonly bus: Bus;
  readonly leases: Leases;
  /** Of a store that gathers writes before it flushes them. */
  readonly commitPace?: CommitPace;
  health(): StorageHealth;
  onHealthChange(listener: (health: StorageHealth) => void): () => void;
  /** What was written over leaves the medium, at once or within half a minute. Costs as much as a copy of the store. */
  reclaim(): Promise<void>;
  /** Flushes what is pending, then releases the medium. */
  close(): Promise<void>;
}
