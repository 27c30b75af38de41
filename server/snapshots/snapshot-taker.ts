/** Takes snapshots, whoever asks: stores them, tells the event feed, and lets go what the retention no longer keeps. */
import { documentKind } from '../protocol/document-name.js';
import type { EventPublisher } from '../events/index.js';
import type { Rooms } from '../rooms/rooms.js';
import type { DocumentLog } from '../storage/document-log.js';
import { snapshotHash, type SnapshotInfo, type SnapshotKind, type SnapshotStore } from '../storage/snapshots.js';
import { beyondRetention } from './retention.js';
import type { SnapshotPolicies } from './policy.js';

/** Who takes those that nobody asked for. */
export const SYSTEM = 'system';

export interface TakerOptions {
  readonly rooms: Pick<Rooms, 'encodeState' | 'exists'>;
  readonly log: Pick<DocumentLog, 'info'>;
  readonly store: SnapshotStore;
  readonly policies: SnapshotPolicies;
  readonly events: EventPublisher;
}

export interface TakeOptions {
  readonly label: string;
  readonly kind: SnapshotKind;
  /** Principal id. */
  readonly principal: string;
  /** Of the document as it is now, when the caller has it already. */
  readonly state?: Uint8Array;
  /** Asked when the state is there and before it is stored: false stores nothing. */
  readonly mayStore?: () => Promise<boolean>;
}

export class SnapshotTaker {
  constructor(private readonly options: TakerOptions) {}

  /** Undefined when there is no such document (any more), or `mayStore` said no. */
  async take(document: string, take: TakeOptions): Promise<SnapshotInfo | undefined> {
    const { rooms, log, store, events } = this.options;
    // Before the state: what comes in between is in the snapshot and counts as if it were not.
    const updates = (await log.info(document))?.updates;
    if (updates === undefined && !(await rooms.exists(document))) return undefined;
    const state = take.state ?? (await rooms.encodeState(document));
    if (take.kind === 'automatic' && (await this.#isKept(document, state))) return undefined;
    if (take.mayStore !== undefined && !(await take.mayStore())) return undefined;
    const { label, kind, principal } = take;
    const info = await store.take(document, { state, label, kind, principal, updates });
    if (!(await rooms.exists(document))) {
      // Erased meanwhile: nothing of it may come back.
      await store.eraseAll(document);
      return undefined;
    }
    const { kind: documentIs, ...ids } = documentKind(document);
    await events.publish({
      type: 'snapshot.created',
      ...(documentIs === 'opaque' || !('formId' in ids) ? {} : { formId: ids.formId }),
      document,
      userId: principal,
      data: { document, snapshot: info.id, kind },
    });
    if (kind !== 'manual') await this.thin(document);
    return info;
  }

  /** What the last snapshot holds already. */
  async #isKept(document: string, state: Uint8Array): Promise<boolean> {
    const { data } = await this.options.store.list(document, { limit: 1, cursor: null });
    return data[0]?.hash === snapshotHash(state);
  }

  /** Answers how many went. What a person has taken stays. */
  async thin(document: string): Promise<number> {
    const { store, policies } = this.options;
    const own = (await store.all(document)).filter(({ kind }) => kind !== 'manual');
    const gone = beyondRetention(own, policies.current.retention);
    for (const { id } of gone) await store.drop(document, id);
    return gone.length;
  }

  /** After the retention was changed. */
  async thinAll(): Promise<number> {
    let gone = 0;
    for await (const document of this.options.store.documents()) gone += await this.thin(document);
    return gone;
  }
}
