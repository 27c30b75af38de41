/** S3: nobody types, everybody moves. */
import { CursorRoom } from '../../load/rooms/cursor-room.js';
import { LatencyHistogram } from '../../load/measuring/latency-histogram.js';
import { Meter, untilQuiet } from '../../load/measuring/meter.js';
import { paced, settled } from '../../load/measuring/pacing.js';
import { perUnitUs, type Outcome, type RunContext, type Scenario } from './scenario.js';

const PEOPLE = 100;
const PER_SECOND = 10;
const WARM_UP_MOVES = 10;
const FULL_MOVES = 100;
const QUICK_MOVES = 30;
const OPEN_AT_ONCE = 50;

async function run({ start, network, isQuick }: RunContext): Promise<Outcome> {
  const server = await start();
  const moves = isQuick ? QUICK_MOVES : FULL_MOVES;
  const staleness = new LatencyHistogram();
  const room = new CursorRoom('bench-room', network, server, staleness);
  // One more to read back and compare.
  await room.fill(PEOPLE, WARM_UP_MOVES + moves + 1, OPEN_AT_ONCE);
  const move = async (times: number): Promise<void> => {
    await paced(times * PEOPLE, PER_SECOND * PEOPLE, (n) => room.move(n % PEOPLE));
    await settled(
      () => {
        const { expected, delivered } = room.count();
        return delivered === expected;
      },
      () => room.progress(),
    );
  };
  await move(WARM_UP_MOVES);
  await untilQuiet(server.usage);
  staleness.reset();

  const meter = new Meter(server.usage);
  await move(moves);
  meter.loadEnded();
  const usage = await meter.stop();
  const { expected, delivered } = room.count();
  const figures = {
    cpuS: usage.serverCpuSeconds,
    cpuUs: perUnitUs(usage.serverCpuSeconds, moves * PEOPLE),
    p50Ms: staleness.quantile(0.5),
    p95Ms: staleness.quantile(0.95),
    p99Ms: staleness.quantile(0.99),
    seconds: usage.wallSeconds,
    clientShare: usage.clientShare * 100,
  };

  room.startReading();
  await move(1);
  return { figures, content: { expected, delivered, duplicates: 0, problems: room.problems() }, usage };
}

export const CURSORS: Scenario = {
  id: 's3',
  title: `S3 ${PEOPLE} people move their cursors at ${PER_SECOND} Hz`,
  description:
    'One room for ten seconds (three when quick). Staleness: from the sending of a position until another participant has it or a newer one.',
  group: 'standard',
  servers: ['formloom', 'yws', 'hocuspocus', 'relay', 'relay-batched'],
  figures: [
    { id: 'cpuS', label: 'server CPU', unit: 's' },
    { id: 'cpuUs', label: 'server CPU per move', unit: 'µs' },
    { id: 'p50Ms', label: 'staleness p50', unit: 'ms' },
    { id: 'p95Ms', label: 'staleness p95', unit: 'ms' },
    { id: 'p99Ms', label: 'staleness p99', unit: 'ms' },
    { id: 'seconds', label: 'wall time', unit: 's' },
    { id: 'clientShare', label: 'load client, share of its core', unit: '%' },
  ],
  run,
};
