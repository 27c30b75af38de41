/** One writer types to very many readers. */
import { EditRoom } from '../../load/rooms/edit-room.js';
import { LatencyHistogram } from '../../load/measuring/latency-histogram.js';
import { inBatches, paced, settled } from '../../load/measuring/pacing.js';
import { typingScript } from '../../load/rooms/typing.js';
import type { Outcome, Scenario, StressContext } from '../scenario.js';

const READERS = 2_000;
const EDITS_PER_SECOND = 20;
const SECONDS = 10;
const OPEN_AT_ONCE = 100;

async function run({ network, scaled, start, say }: StressContext): Promise<Outcome> {
  const server = await start();
  const recorder = { delivery: new LatencyHistogram(), echo: new LatencyHistogram() };
  const room = new EditRoom('lecture', network, server.endpoint, recorder);
  const edits = EDITS_PER_SECOND * SECONDS;
  await room.addWriter(typingScript(0, edits));
  const readers = scaled(READERS);
  await inBatches(
    Array.from({ length: readers }, () => () => room.addReader()),
    OPEN_AT_ONCE,
  );
  say(`${readers} readers are in`);
  await paced(edits, EDITS_PER_SECOND, () => room.writers[0]?.type(1));
  await settled(
    () => room.isComplete(true),
    () => room.count().delivered,
  );
  const { expected, delivered } = room.count();
  const fresh = await room.verifyFreshJoin();
  return {
    figures: [
      { label: 'delivery p95', value: recorder.delivery.quantile(0.95), unit: 'ms', below: 500 },
      { label: 'echo p95', value: recorder.echo.quantile(0.95), unit: 'ms' },
      { label: 'lost', value: expected - delivered, unit: `of ${expected} deliveries`, below: 1 },
    ],
    problems: [...room.problems(true), ...(fresh === undefined ? [] : [fresh])],
  };
}

export const fanOut: Scenario = { id: 'fan-out', title: 'One writer to 2,000 readers', run };
