import { pino } from 'pino';
import t from 'tap';
import { newDataFolder, openFolder } from '../storage/testing/embedded-folder.js';
import { ActivityLog, FeedCollector } from '../system-events/index.js';
import type { Alert } from './alert.js';
import { AlertStore } from './alert-store.js';
import { ClusterDuty } from './cluster-duty.js';

const alert = (id: string, node: string | null): Alert => ({
  ...{ id, ruleId: 'rule', name: 'A rule', severity: 'warning', state: 'firing', labels: {}, node, evidence: {} },
  ...{ firedAt: 1, resolvedAt: null, resolvedBy: null, announcedAt: 1, history: [] },
});

void t.test('who watches for the cluster finds the open alerts that nobody watches', async (t) => {
  const storage = await openFolder(t, await newDataFolder(t));
  const alerts = new AlertStore(storage.records);
  const activity = new ActivityLog(storage.events, 'activity');
  let now = Date.now();
  const watched = new Set<string>();
  const orphans: string[] = [];
  const duty = new ClusterDuty({
    ...{ node: 'here', leases: storage.leases, records: storage.records, alerts, activity },
    security: new ActivityLog(storage.events, 'security'),
    collector: new FeedCollector({ read: async () => [] }, activity),
    logger: pino({ level: 'silent' }),
    clock: () => now,
    onTaken: (open) => open.forEach(({ id }) => watched.add(id)),
    onLost: () => watched.clear(),
    isWatched: ({ id }) => watched.has(id),
    onOrphan: ({ id }) => orphans.push(id),
  });
  t.teardown(() => duty.close());
  const store = (one: Alert): Promise<Alert> => alerts.change(one, (stored) => stored);
  await store(alert('adopted', null));
  await duty.round();
  t.same([duty.isHeld, [...watched], orphans], [true, ['adopted'], []]);
  // By a node that had the duty, stood still for longer than its lease, and fired when it went on.
  await store(alert('fired late', null));
  await store(alert('mine', 'here'));
  await store(alert('of the dead', 'gone'));
  now += 31_000;
  await duty.round();
  t.same(orphans.sort(), ['fired late', 'of the dead']);
});
