import t from 'tap';
import { increase, quantile, rate, Scrape } from './prometheus-text.js';

const at = (atMs: number, counts: readonly number[], updates: number): Scrape =>
  new Scrape(
    [
      '# HELP formloom_echo_seconds From the receipt.',
      ...['0.001', '0.01', '0.1', '+Inf'].map((le, i) => `formloom_echo_seconds_bucket{le="${le}"} ${counts[i]}`),
      `formloom_echo_seconds_count ${counts[3]}`,
      `formloom_updates_total{source="sync"} ${updates}`,
      'formloom_updates_total{source="rest"} 1',
      'formloom_odd{name="a \\"quoted\\" one, with {braces}",other="x"} 1e3',
    ].join('\n'),
    atMs,
  );

void t.test('labels, totals and rates', (t) => {
  const [before, after] = [at(1_000, [0, 0, 0, 0], 10), at(3_000, [0, 0, 0, 0], 30)];
  t.strictSame(after.samples('formloom_odd'), [
    { labels: { name: 'a "quoted" one, with {braces}', other: 'x' }, value: 1_000 },
  ]);
  t.equal(after.total('formloom_updates_total'), 31);
  t.equal(after.total('formloom_nothing'), 0);
  t.strictSame(after.by('formloom_updates_total', 'source'), { sync: 30, rest: 1 });
  t.equal(rate('formloom_updates_total', before, after), 10);
  t.equal(increase('formloom_updates_total', after, before), 11, 'a restart begins at 0');
  t.end();
});

void t.test('quantiles of what was counted in between', (t) => {
  const [before, after] = [at(0, [50, 50, 50, 50], 0), at(1_000, [60, 140, 150, 150], 0)];
  t.equal(quantile(0.05, 'formloom_echo_seconds', before, after), 0.0005);
  const p50 = quantile(0.5, 'formloom_echo_seconds', before, after) ?? 0;
  t.ok(Math.abs(p50 - 0.0055) < 1e-9, String(p50));
  t.equal(quantile(1, 'formloom_echo_seconds', before, after), 0.1);
  t.equal(quantile(0.5, 'formloom_echo_seconds', after, after), undefined, 'nothing happened');
  t.equal(quantile(0.99, 'formloom_echo_seconds', at(0, [0, 0, 0, 0], 0), at(1, [0, 0, 0, 5], 0)), 0.1);
  t.end();
});
