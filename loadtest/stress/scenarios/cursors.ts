/** A crowd in one document moves its cursors while somebody types. */
import { EditRoom } from '../../load/rooms/edit-room.js';
import { LatencyHistogram } from '../../load/measuring/latency-histogram.js';
import { inBatches, paced, settled } from '../../load/measuring/pacing.js';
import { SyncClient } from '../../load/clients/sync-client.js';
import { typingScript } from '../../load/rooms/typing.js';
import { awarenessMessage, eachClock } from '../../load/clients/wire.js';
import type { Outcome, Scenario, StressContext } from '../scenario.js';

const PEOPLE = 1_500;
const MOVES = 20;
const EDITS_PER_SECOND = 10;
const SECONDS = 20;
const READERS = 30;
/** Of the crowd, those whose view is compared in the end. */
const VIEWERS = 10;
const OPEN_AT_ONCE = 100;
const FIRST_CLIENT_ID = 100_000;
const DOCUMENT = 'crowd';

async function run({ network, scaled, start, say }: StressContext): Promise<Outcome> {
  const server = await start();
  const recorder = { delivery: new LatencyHistogram(), echo: new LatencyHistogram() };
  const room = new EditRoom(DOCUMENT, network, server.endpoint, recorder);
  await room.addWriter(typingScript(0, EDITS_PER_SECOND * SECONDS));
  await inBatches(
    Array.from({ length: READERS }, () => () => room.addReader()),
    OPEN_AT_ONCE,
  );
  const count = scaled(PEOPLE);
  const views = Array.from({ length: VIEWERS }, () => new Uint32Array(count));
  const people: SyncClient[] = [];
  await inBatches(
    Array.from({ length: count }, (_, i) => async () => {
      const view = views[i];
      const listener =
        view === undefined ? {} : { awareness: (bytes: Buffer, from: number) => readClocks(bytes, from, view) };
      people[i] = await SyncClient.join(network, server.endpoint, DOCUMENT, listener);
    }),
    OPEN_AT_ONCE,
  );
  say(`${count} people are in`);
  const moves = paced(count * MOVES, count, (n) => {
    const [person, clock] = [n % count, Math.floor(n / count) + 1];
    const state = {
      user: { name: `Person ${person}`, color: '#336699' },
      cursor: { anchor: clock * 7, head: clock * 7 },
    };
    people[person]?.write(people[person].frame(awarenessMessage(FIRST_CLIENT_ID + person, clock, state)));
  });
  const edits = paced(EDITS_PER_SECOND * SECONDS, EDITS_PER_SECOND, () => room.writers[0]?.type(1));
  await Promise.all([moves, edits]);
  const seen = (): number => views.reduce((sum, view) => view.reduce((all, clock) => all + clock, sum), 0);
  // Everybody sees everybody's last position, its own too.
  const isSeen = await settled(
    () => seen() === VIEWERS * count * MOVES && room.isComplete(true),
    () => seen() + room.count().delivered,
  );
  const gone = people.filter((client) => client.isGone).length;
  return {
    figures: [
      { label: 'edit delivery p95', value: recorder.delivery.quantile(0.95), unit: 'ms', below: 100 },
      { label: 'edit echo p95', value: recorder.echo.quantile(0.95), unit: 'ms' },
    ],
    problems: [
      ...room.problems(true),
      ...(isSeen ? [] : ['last positions are missing']),
      ...(gone === 0 ? [] : [`${gone} connections were closed`]),
    ],
  };
}

function readClocks(bytes: Buffer, start: number, view: Uint32Array): void {
  eachClock(bytes, start, (clientId, clock) => {
    const person = clientId - FIRST_CLIENT_ID;
    if (person >= 0 && person < view.length) view[person] = Math.max(view[person] ?? 0, clock);
  });
}

export const cursors: Scenario = { id: 'cursors', title: '1,500 cursors at 1 Hz beside edits', run };
