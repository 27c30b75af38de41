/** The parts of submissions, wired. */
import type { Logger } from 'pino';
import { identityOf, SYSTEM, type Authenticator } from '../../server/auth/index.js';
import { BegunWork } from '../../server/duties/index.js';
import type { EventFeed } from '../../server/events/index.js';
import type { FormHistory } from '../../server/history/index.js';
import type { Rooms } from '../../server/rooms/rooms.js';
import type { SnapshotStore, Storage } from '../../server/storage/index.js';
import type { BegunErasures } from '../documents/begun-erasures.js';
import type { FormVersions } from '../forms/versions.js';
import { SheetAccess } from './access/sheet-access.js';
import { Announcements } from './announcements.js';
import { SubmissionFiles } from './files/submission-files.js';
import { Abandonment } from './life-cycle/abandonment.js';
import { Finishing, stepSchema } from './life-cycle/finishing.js';
import { SheetLifeCycle } from './life-cycle/life-cycle.js';
import { SubmissionListing } from './lists/listing.js';
import { LiveProgress } from './live-progress.js';
import { SubmissionMigrations } from './migration/migration.js';
import { SubmissionStore } from './records/submission-store.js';
import { SubmissionService } from './service.js';
import { Sheets } from './sheets.js';

export interface SubmissionsOptions {
  /** Id of this node. */
  readonly node: string;
  /** False on a node without REST: nothing is abandoned from there. */
  readonly isServed: boolean;
  readonly storage: Storage;
  readonly rooms: Rooms;
  readonly feed: EventFeed;
  readonly authenticator: Authenticator;
  readonly versions: FormVersions;
  readonly snapshots: SnapshotStore;
  readonly erasures: BegunErasures;
  readonly history: FormHistory;
  readonly logger: Logger;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
  readonly abandonmentEveryMs: number | undefined;
  /** Of all files of one submission. */
  readonly filesBytes: number;
}

export interface SubmissionParts {
  readonly service: SubmissionService;
  readonly listing: SubmissionListing;
  readonly migrations: SubmissionMigrations;
  readonly store: SubmissionStore;
  readonly sheets: Sheets;
  /** Of those that were left for so long, in milliseconds. */
  finishSteps(ageMs: number): Promise<void>;
  close(): Promise<void>;
}

export function createSubmissions(options: SubmissionsOptions): SubmissionParts {
  const { storage, rooms, feed, versions, snapshots, history, logger, clock } = options;
  const store = new SubmissionStore(storage.records);
  const sheets = new Sheets(rooms, versions);
  const announcements = new Announcements(feed, (document) => liveProgress.look(document));
  const sheetLife = { rooms, store, sheets, announcements, clock };
  const lifeCycle = new SheetLifeCycle(sheetLife);
  const liveProgress = new LiveProgress({ ...sheetLife, lifeCycle, logger });
  const publications = feed.subscribe({ types: ['form.published'] }, (events) => {
    for (const { formId } of events) if (formId !== undefined) liveProgress.lookAtForm(formId);
  });
  const steps = new BegunWork({ records: storage.records, name: 'submission-step', schema: stepSchema, logger, clock });
  const service = new SubmissionService({
    ...{ rooms, store, sheets, lifeCycle, steps, versions, announcements, snapshots, history, clock },
    erasures: options.erasures,
    files: new SubmissionFiles(storage.files, storage.records, rooms, clock, options.filesBytes),
    access: new SheetAccess(options.authenticator),
  });
  const finishing = new Finishing({
    ...{ rooms, store, lifeCycle, announcements },
    toldSince: (time) => feed.since(time),
    submit: (by, formId, id) => service.submit({ ...SYSTEM, ...identityOf(by) }, formId, id, undefined),
  });
  const abandonment = new Abandonment({
    ...{ node: options.node, leases: storage.leases, store, lifeCycle, logger, clock },
    everyMs: options.abandonmentEveryMs,
  });
  if (options.isServed) abandonment.start();
  return {
    service,
    listing: new SubmissionListing(store, sheets, versions, rooms),
    migrations: new SubmissionMigrations({ ...sheetLife, versions, lifeCycle }),
    store,
    sheets,
    finishSteps: (ageMs) => steps.finish(ageMs, (step, place) => finishing.finish(step, place)),
    close: async () => {
      publications.close();
      liveProgress.close();
      await abandonment.close();
    },
  };
}
