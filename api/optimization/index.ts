/** Optimization: pools, queues, dead letters, breakers and the tuner as operators see and steer them. */
import type { Logger } from 'pino';
import type { EventFeed } from '../../server/events/index.js';
import type { Connections } from '../../server/gateway/connections.js';
import type { AdmissionPools, Breakers, DeadLetter, DeadLetters, OutboundQueues } from '../../server/limits/index.js';
import type { Rooms } from '../../server/rooms/rooms.js';
import type { Storage } from '../../server/storage/index.js';
import {
  NodeGauge,
  Tuner,
  TunerClock,
  type Knob,
  type Knobs,
  type NodeGaugeSources,
} from '../../server/tuner/index.js';
import { documentCosts, type DocumentCost } from './document-costs.js';
import { LoadTests } from './load-test/load-tests.js';
import type { LoadTestDefaults } from './load-test/scenarios.js';
import { OptimizationSettings } from './service.js';
import { SettingsStore } from './settings-store.js';
import { TunerHistory } from './tuner-history.js';

export { optimizationRoutes } from './routes.js';

export interface OptimizationOptions {
  /** Id of this node. */
  readonly node: string;
  readonly storage: Storage;
  readonly feed: EventFeed;
  readonly rooms: Rooms;
  readonly connections: Connections;
  readonly pools: AdmissionPools;
  readonly queues: OutboundQueues;
  readonly deadLetters: DeadLetters;
  readonly breakers: Breakers;
  /** Of this node, besides the sizes of the pools. */
  readonly knobs: Knobs;
  readonly loadTestDefaults: LoadTestDefaults;
  readonly areEditorsServed: boolean;
  readonly fanOutMs?: NodeGaugeSources['fanOutMs'];
  readonly logger: Logger;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
  /** Rejects when the letter cannot be delivered now. */
  replay(letter: DeadLetter): Promise<void>;
}

export interface Optimization {
  readonly settings: OptimizationSettings;
  readonly tuner: Tuner;
  readonly tunerClock: TunerClock;
  readonly gauge: NodeGauge;
  readonly history: TunerHistory;
  readonly loadTests: LoadTests;
  readonly pools: AdmissionPools;
  readonly queues: OutboundQueues;
  readonly deadLetters: DeadLetters;
  readonly breakers: Breakers;
  storeState(): 'ok' | 'failing' | 'closed';
  replay(letter: DeadLetter): Promise<void>;
  documents(wanted: Parameters<typeof documentCosts>[1]): Promise<DocumentCost[]>;
  close(): Promise<void>;
}

/** Started: what is stored is in force when it resolves. */
export async function startOptimization(options: OptimizationOptions): Promise<Optimization> {
  const { storage, feed, pools, queues, breakers, deadLetters, logger, clock, node, rooms, connections } = options;
  const store = new SettingsStore(storage.records, storage.bus, logger, clock);
  const history = new TunerHistory(storage.records, node, logger, clock);
  const knobs: Knobs = [...options.knobs, poolKnob(pools, 'default', () => settings.sizeOf('default'))];
  const tuner = new Tuner(knobs);
  const settings: OptimizationSettings = new OptimizationSettings({ store, pools, queues, tuner, knobs, logger });
  const { fanOutMs } = options;
  const gauge = new NodeGauge({
    ...(fanOutMs === undefined ? {} : { fanOutMs }),
    queueShare: () => Math.max(...queues.list().map(({ depth, capacity }) => depth / Math.max(1, capacity))),
  });
  const tunerClock = new TunerClock({
    tuner,
    gauge,
    logger,
    onStep: (step) => {
      history.add(step);
      const { knob, from, to, outcome, before, after } = step;
      const objectives = { objectiveBefore: before.objective, objectiveAfter: after.objective };
      void feed.publish({ type: 'tuner.step', data: { node, knob, from, to, outcome, ...objectives } });
    },
  });
  const { records } = storage;
  const { loadTestDefaults: defaults, areEditorsServed } = options;
  const loadTests = new LoadTests({ rooms, records, tuner, settings, defaults, areEditorsServed, logger, clock });
  await settings.start();
  tunerClock.start();
  const purgeLetters = async (document: string): Promise<void> => {
    try {
      // Of a store that nodes share, letters of others may be known to nobody here yet.
      if (storage.kind === 'redis' || deadLetters.size > 0) await deadLetters.purge({ document });
    } catch (error) {
      logger.warn({ err: error, document }, 'dead letters of an erased document could not be purged');
    }
  };
  // A letter tells of a document: it goes with it.
  const erasures = feed.subscribe({ types: ['form.deleted', 'submission.erased'] }, async (events) => {
    for (const { document } of events) if (document !== undefined) await purgeLetters(document);
  });
  const info = storage.documents.info.bind(storage.documents);
  return {
    ...{ settings, tuner, tunerClock, gauge, history, loadTests, pools, queues, deadLetters, breakers },
    storeState: () => storage.health().state,
    replay: (letter) => options.replay(letter),
    documents: (wanted) => documentCosts({ rooms, connections, breakers, info }, wanted),
    close: async () => {
      await loadTests.close();
      erasures.close();
      tunerClock.close();
      gauge.close();
      await settings.close();
      await history.settled();
    },
  };
}

/** Newcomers go to other nodes while this one has enough to do. */
function poolKnob(pools: AdmissionPools, name: string, home: () => number | undefined): Knob {
  const size = (): number => pools.get(name)?.size ?? 0;
  return {
    name: `${name}PoolConnections`,
    description: `Connections that the pool "${name}" admits.`,
    get min() {
      return Math.ceil((home() ?? size()) / 2);
    },
    get max() {
      return home() ?? size();
    },
    relief: 'down',
    isInteger: true,
    home: () => home() ?? size(),
    isFelt: () => (pools.get(name)?.connections ?? 0) > size() / 2,
    get: size,
    set: (value) => void pools.resize(name, value),
  };
}
