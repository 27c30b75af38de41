/** Analytics: what is told of forms becomes facts, facts are counted, and the figures are asked for. */
import type { Logger } from 'pino';
import {
  EditRecount,
  RollupStore,
  RollupWorker,
  type EditCounter,
  type EditMarks,
  type FactLog,
  type LiveBoard,
} from '../../server/analytics/index.js';
import { Terms } from '../../server/duties/index.js';
import type { EventFeed } from '../../server/events/index.js';
import type { Storage } from '../../server/storage/index.js';
import type { FormService } from '../forms/service.js';
import type { Sheets, SubmissionStore } from '../submissions/index.js';
import { ClientEvents } from './client-events.js';
import { Intake } from './intake/intake.js';
import { PresenceSampling } from './intake/presence-sampling.js';
import { AnalyticsService } from './service.js';
import { SheetStates } from './intake/sheet-states.js';

export { analyticsRoutes } from './routes.js';

/** What every node has, also one that serves editors alone. Closed by who made it. */
export interface AnalyticsSources {
  readonly facts: FactLog;
  readonly edits: EditCounter;
  readonly marks: EditMarks;
  readonly live: LiveBoard;
}

export interface AnalyticsOptions extends AnalyticsSources {
  readonly node: string;
  readonly storage: Storage;
  readonly feed: EventFeed;
  readonly forms: FormService;
  readonly store: SubmissionStore;
  readonly sheets: Sheets;
  readonly logger: Logger;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
}

export interface Analytics {
  readonly service: AnalyticsService;
  readonly clientEvents: ClientEvents;
  /** Begins to count, as soon as no other node does. */
  start(): void;
  close(): Promise<void>;
}

export function createAnalytics(options: AnalyticsOptions): Analytics {
  const { node, storage, feed, facts, live, forms, store, sheets, logger, clock } = options;
  const rollups = new RollupStore(storage.records);
  const states = new SheetStates(storage.records);
  const worker = new RollupWorker({
    ...{ facts, rollups, logger },
    onCounted: (formId) =>
      void feed.publish({ type: 'analytics.updated', formId, document: `form/${formId}`, data: {} }),
  });
  const intake = new Intake({ facts, states, logger, feed, log: storage.events, store, sheets, worker });
  const recount = new EditRecount({ documents: storage.documents, facts, marks: options.marks, logger });
  const presence = new PresenceSampling(live, facts, logger, clock);
  const terms = new Terms({
    ...{ duty: 'analytics', node, leases: storage.leases, logger },
    run: async (signal) => {
      const failing = new AbortController();
      const either = AbortSignal.any([signal, failing.signal]);
      const duties = [worker, intake, presence, recount].map((duty) =>
        duty.run(either).catch((error: unknown) => {
          failing.abort();
          throw error;
        }),
      );
      // All of them end before another node may begin.
      const ends = await Promise.allSettled(duties);
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    },
  });
  return {
    service: new AnalyticsService({ rollups, live, forms, store, clock }),
    clientEvents: new ClientEvents({ forms, store, sheets, states, facts, clock }),
    start: () => terms.start(),
    close: () => terms.close(),
  };
}
