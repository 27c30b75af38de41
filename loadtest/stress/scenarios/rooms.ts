/** Very many documents at once, a writer and a reader in each. */
import { EditRoom } from '../../load/rooms/edit-room.js';
import { LatencyHistogram } from '../../load/measuring/latency-histogram.js';
import { inBatches, paced, settled } from '../../load/measuring/pacing.js';
import { typingScript } from '../../load/rooms/typing.js';
import type { Outcome, Scenario, StressContext } from '../scenario.js';

const ROOMS = 2_000;
const EDITS_PER_SECOND = 500;
const EDITS_PER_ROOM = 3;
const OPEN_AT_ONCE = 100;
const VERIFIED = 100;

async function run({ network, scaled, start, say }: StressContext): Promise<Outcome> {
  const server = await start();
  const before = server.rssBytes;
  const recorder = { delivery: new LatencyHistogram(), echo: new LatencyHistogram() };
  const rooms = Array.from(
    { length: scaled(ROOMS) },
    (_, i) => new EditRoom(`room-${i}`, network, server.endpoint, recorder),
  );
  const script = typingScript(0, EDITS_PER_ROOM);
  await inBatches(
    rooms.flatMap((room) => [() => room.addWriter(script), () => room.addReader()]),
    OPEN_AT_ONCE,
  );
  say(`${rooms.length} rooms are open`);
  const kbPerRoom = (server.rssBytes - before) / rooms.length / 1_000;
  await paced(rooms.length * EDITS_PER_ROOM, EDITS_PER_SECOND, (n) => rooms[n % rooms.length]?.writers[0]?.type(1));
  const delivered = (): number => rooms.reduce((sum, room) => sum + room.count().delivered, 0);
  await settled(() => rooms.every((room) => room.isComplete(true)), delivered);
  const expected = rooms.reduce((sum, room) => sum + room.count().expected, 0);
  const problems = rooms.flatMap((room) => room.problems(true));
  const step = Math.max(1, Math.floor(rooms.length / VERIFIED));
  for (let i = 0; i < rooms.length; i += step) {
    const fresh = await rooms[i]?.verifyFreshJoin();
    if (fresh !== undefined) problems.push(fresh);
  }
  return {
    figures: [
      { label: 'delivery p95', value: recorder.delivery.quantile(0.95), unit: 'ms', below: 500 },
      { label: 'echo p95', value: recorder.echo.quantile(0.95), unit: 'ms' },
      { label: 'memory', value: kbPerRoom, unit: 'kB a room of two connections' },
      { label: 'lost', value: expected - delivered(), unit: `of ${expected} deliveries`, below: 1 },
    ],
    problems,
  };
}

export const rooms: Scenario = { id: 'rooms', title: '2,000 rooms', run };
