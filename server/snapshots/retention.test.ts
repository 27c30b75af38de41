import t from 'tap';
import { beyondRetention } from './retention.js';

const at = (time: string): { createdAt: number; time: string } => ({ createdAt: Date.parse(time), time });
const NONE = { recent: 0, hourly: 0, daily: 0, weekly: 0 };
/** Newest first: three in one hour, then one in each of three hours, days and weeks before. */
const snapshots = [
  '2026-03-20T12:40Z',
  '2026-03-20T12:20Z',
  '2026-03-20T12:00Z',
  '2026-03-20T11:59Z',
  '2026-03-20T09:00Z',
  '2026-03-19T23:00Z',
  '2026-03-17T01:00Z',
  '2026-03-16T00:00Z',
  '2026-03-15T23:59Z',
  '2026-02-01T00:00Z',
].map(at);

const kept = (retention: Partial<typeof NONE>): string[] => {
  const gone = new Set(beyondRetention(snapshots, { ...NONE, ...retention }));
  return snapshots.filter((snapshot) => !gone.has(snapshot)).map(({ time }) => time);
};

void t.test('the newest of each hour, day and week stays', (t) => {
  t.strictSame(kept({ hourly: 3 }), ['2026-03-20T12:40Z', '2026-03-20T11:59Z', '2026-03-20T09:00Z']);
  t.strictSame(kept({ daily: 3 }), ['2026-03-20T12:40Z', '2026-03-19T23:00Z', '2026-03-17T01:00Z']);
  t.strictSame(kept({ weekly: 3 }), ['2026-03-20T12:40Z', '2026-03-15T23:59Z', '2026-02-01T00:00Z'], 'from Monday on');
  t.strictSame(kept({ recent: 2, daily: 2 }), ['2026-03-20T12:40Z', '2026-03-20T12:20Z', '2026-03-19T23:00Z']);
  t.strictSame(kept({}), ['2026-03-20T12:40Z'], 'the newest always');
  t.equal(kept({ recent: 100 }).length, snapshots.length);
  t.end();
});
