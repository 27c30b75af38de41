/** Snapshots of documents: taken by people, by the server as a policy says, and let go as it says. */
import type { Logger } from 'pino';
import type { EventPublisher } from '../events/index.js';
import type { Rooms } from '../rooms/rooms.js';
import { SnapshotStore, type Storage } from '../storage/index.js';
import { AutomaticSnapshots } from './automatic-snapshots.js';
import { DueMarks } from './due-marks.js';
import { SnapshotPolicies } from './policy.js';
import { SnapshotTaker } from './snapshot-taker.js';

export { AutomaticSnapshots } from './automatic-snapshots.js';
export { snapshotPolicySchema, type SnapshotPolicies, type SnapshotPolicy } from './policy.js';
export { SnapshotTaker } from './snapshot-taker.js';

export interface Snapshots {
  readonly store: SnapshotStore;
  readonly policies: SnapshotPolicies;
  readonly taker: SnapshotTaker;
  readonly automatic: AutomaticSnapshots;
  close(): Promise<void>;
}

export interface SnapshotsOptions {
  readonly node: string;
  readonly storage: Pick<Storage, 'records' | 'documents' | 'leases' | 'bus'>;
  readonly rooms: Pick<Rooms, 'encodeState' | 'exists'>;
  readonly events: EventPublisher;
  readonly logger: Logger;
}

/** Started. */
export async function openSnapshots({ node, storage, rooms, events, logger }: SnapshotsOptions): Promise<Snapshots> {
  const { records, documents: log, leases, bus } = storage;
  const store = new SnapshotStore(records);
  const policies = new SnapshotPolicies(records, bus, logger);
  const taker = new SnapshotTaker({ rooms, log, store, policies, events });
  const marks = new DueMarks(records);
  const automatic = new AutomaticSnapshots({ node, log, leases, store, marks, policies, taker, logger });
  await policies.start();
  automatic.start();
  const close = async (): Promise<void> => {
    await automatic.close();
    await policies.close();
  };
  return { store, policies, taker, automatic, close };
}
