/** All connections break at once, as when a proxy restarts, and all clients come back as stock ones do. */
import { setTimeout as pause } from 'node:timers/promises';
import { inBatches } from '../../load/measuring/pacing.js';
import { SyncClient } from '../../load/clients/sync-client.js';
import { typingScript } from '../../load/rooms/typing.js';
import type { Outcome, Scenario, StressContext } from '../scenario.js';

const SOCKETS = 5_000;
const DOCUMENTS = 100;
const OPEN_AT_ONCE = 200;
const DELAY_P99 = 'formloom_event_loop_delay_seconds{quantile="0.99"}';
/** What y-websocket waits: from 100 ms doubling up to 2.5 s, without jitter, whatever the server says. */
const FIRST_BACKOFF_MS = 100;
const LAST_BACKOFF_MS = 2_500;
/** The server's figure is that of its last 10 s. */
const WINDOW_MS = 10_500;

async function run({ network, scaled, start, say }: StressContext): Promise<Outcome> {
  const server = await start();
  const { state } = typingScript(0, 2_000);
  for (let i = 0; i < DOCUMENTS; i++) await server.post(`/documents/office-${i}/updates`, state);
  let refusals = 0;
  const come = async (i: number): Promise<SyncClient> => {
    for (let backoff = FIRST_BACKOFF_MS; ; backoff = Math.min(LAST_BACKOFF_MS, backoff * 2)) {
      let bytes = 0;
      const listener = { update: (_: Buffer, from: number, to: number): void => void (bytes += to - from) };
      const client = await SyncClient.join(network, server.endpoint, `office-${i % DOCUMENTS}`, listener).catch(
        () => undefined,
      );
      if (client !== undefined && bytes < state.length / 2) throw new Error('a first sync without the content');
      if (client !== undefined) return client;
      refusals += 1;
      await pause(backoff);
    }
  };
  const count = scaled(SOCKETS);
  await inBatches(
    Array.from({ length: count }, (_, i) => () => come(i)),
    OPEN_AT_ONCE,
  );
  say(`${count} sockets are open`);
  await pause(WINDOW_MS);
  const quietMs = (await server.metric(DELAY_P99)) * 1_000;
  refusals = 0;
  const delay = server.watchMetric(DELAY_P99);
  const startedAt = performance.now();
  network.destroyAll();
  const back = await Promise.all(Array.from({ length: count }, (_, i) => come(i)));
  const seconds = (performance.now() - startedAt) / 1_000;
  say(`all are back after ${seconds.toFixed(1)} s`);
  await pause(WINDOW_MS / 2);
  const delayMs = (await delay.stop()) * 1_000;
  const gone = back.filter((client) => client.isGone).length;
  return {
    figures: [
      { label: 'event-loop p99', value: delayMs, unit: 'ms', below: 200 },
      { label: 'before', value: quietMs, unit: 'ms' },
      { label: 'all are back after', value: seconds, unit: 's' },
      { label: 'refused and told to wait', value: refusals, unit: 'times' },
    ],
    problems: gone === 0 ? [] : [`${gone} connections were closed again`],
  };
}

export const reconnectStorm: Scenario = { id: 'reconnect-storm', title: '5,000 sockets dropped at once and back', run };
