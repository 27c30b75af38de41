import t from 'tap';
import { until } from '../../test/harness/until.js';
import { NodeGauge } from './node-gauge.js';

void t.test('a reading covers the time since the one before', async (t) => {
  let fanOutMs = 1_000;
  const gauge = new NodeGauge({ fanOutMs: () => fanOutMs, queueShare: () => 0.5 });
  t.teardown(() => gauge.close());
  const until50 = performance.now() + 50;
  while (performance.now() < until50) fanOutMs += 0.0001; // busy
  const busy = gauge.take();
  t.ok(busy.cpuShare > 0 && busy.fanOutShare > 0, JSON.stringify(busy));
  t.ok(busy.memoryShare > 0 && busy.memoryShare < 1);
  t.equal(busy.queueShare, 0.5);
  t.equal(gauge.peek().fanOutShare, 0, 'what was before is told');
});

void t.test('it feels an event loop that is held up', async (t) => {
  const gauge = new NodeGauge({ queueShare: () => 0 });
  t.teardown(() => gauge.close());
  t.equal(gauge.peek().fanOutShare, 0, 'nobody measures it');
  await until(() => {
    const end = performance.now() + 60;
    while (performance.now() < end); // holds it up
    return gauge.peek().loopDelayP99Ms > 20;
  });
  gauge.take();
  t.equal(gauge.peek().loopDelayP99Ms, 0);
});
