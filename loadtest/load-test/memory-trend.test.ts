import t from 'tap';
import { trendOf, type Sample } from './memory-trend.js';

const MIB = 1024 ** 2;
const minutes = (count: number, rss: (minute: number) => number): Sample[] =>
  Array.from({ length: count * 12 }, (_, i) => ({ atMs: i * 5_000, rssBytes: rss(i / 12), heapBytes: 0 }));
const rssOf = ({ rssBytes }: Sample): number => rssBytes;

void t.test('a heap that breathes is flat, a leak under the same breath is not', async (t) => {
  const breath = (minute: number): number => 40 * MIB * Math.abs(Math.sin(minute * 2));
  const flat = trendOf(
    minutes(30, (minute) => 150 * MIB + breath(minute)),
    rssOf,
  );
  t.ok(Math.abs(flat.growthShare) < 0.05, String(flat.growthShare));
  const leaking = trendOf(
    minutes(30, (minute) => 150 * MIB + breath(minute) + minute * 2 * MIB),
    rssOf,
  );
  t.ok(leaking.growthShare > 0.2, String(leaking.growthShare));
  t.ok(Math.abs(leaking.bytesPerHour / MIB - 120) < 20, `${leaking.bytesPerHour / MIB} MiB an hour`);
});

void t.test('a few peaks bend nothing; hardly any samples are no trend', async (t) => {
  const peaks = trendOf(
    minutes(20, (minute) => (minute > 19 ? 900 * MIB : 150 * MIB)),
    rssOf,
  );
  t.equal(peaks.growthShare, 0);
  t.match(trendOf(minutes(1, () => MIB).slice(0, 1), rssOf), { bytesPerHour: 0, growthShare: 0 });
  t.match(trendOf([], rssOf), { growthShare: 0 });
});
