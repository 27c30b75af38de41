/** Small versions of `npm run test:stress -- --scenario cursors,reconnect-storm`: what must hold whatever the machine. */
import { connect } from 'node:net';
import t from 'tap';
import { Y_WEBSOCKET } from '../../loadtest/load/clients/dialects.js';
import { EditRoom } from '../../loadtest/load/rooms/edit-room.js';
import { LatencyHistogram } from '../../loadtest/load/measuring/latency-histogram.js';
import { LoadNetwork, UpgradeRefused } from '../../loadtest/load/clients/load-socket.js';
import { SyncClient } from '../../loadtest/load/clients/sync-client.js';
import { typingScript } from '../../loadtest/load/rooms/typing.js';
import { awarenessMessage, eachClock } from '../../loadtest/load/clients/wire.js';
import { startServer } from '../harness/server-process.js';
import { until } from '../harness/until.js';

const HANDSHAKES_PER_SECOND = 100;
/** At once, when nobody came for a while. */
const HANDSHAKE_BURST = 200;
const LONGEST_WAIT_SECONDS = 4;

void t.test('crowds', async (t) => {
  const server = await startServer({ env: { HANDSHAKES_PER_SECOND: String(HANDSHAKES_PER_SECOND) } });
  const network = new LoadNetwork();
  t.teardown(async () => {
    network.destroyAll();
    await server.cleanup();
  });
  const endpoint = { port: server.port, dialect: Y_WEBSOCKET };

  await t.test('row 17: a crowd moves its cursors: presence is gathered, every edit arrives', async (t) => {
    const [people, moves, edits] = [100, 10, 40];
    const recorder = { delivery: new LatencyHistogram(), echo: new LatencyHistogram() };
    const room = new EditRoom('crowd', network, endpoint, recorder);
    await room.addWriter(typingScript(0, edits));
    await Promise.all(Array.from({ length: 5 }, () => room.addReader()));
    const seen = new Map<number, number>();
    let messages = 0;
    const viewer = await SyncClient.join(network, endpoint, 'crowd', {
      awareness: (bytes, start) => {
        messages += 1;
        eachClock(bytes, start, (client, clock) => seen.set(client, clock));
      },
    });
    const crowd = await Promise.all(Array.from({ length: people }, () => SyncClient.join(network, endpoint, 'crowd')));
    for (let move = 1; move <= moves; move += 1) {
      crowd.forEach((person, i) => person.write(person.frame(awarenessMessage(1_000_000 + i, move, { at: move }))));
      room.writers[0]?.type(edits / moves);
      // In rounds, so that there is more than one window.
      await until(() => [...seen.values()].some((clock) => clock === move));
    }
    await until(() => seen.size === people && [...seen.values()].every((clock) => clock === moves), {
      what: 'every last position is seen',
    });
    await until(() => room.isComplete(true), { what: 'every edit has arrived' });
    t.strictSame(room.problems(true), []);
    t.ok(messages < (people * moves) / 5, `${people * moves} moves came as ${messages} messages`);
    t.equal(viewer.isGone, false);
    network.destroyAll();
  });

  await t.test('row 29: all return at once: some wait their turn, the others are told when to come', async (t) => {
    const places = HANDSHAKE_BURST + HANDSHAKES_PER_SECOND * LONGEST_WAIT_SECONDS;
    const retries: number[] = [];
    const come = async (): Promise<SyncClient | undefined> => {
      try {
        return await SyncClient.join(network, endpoint, 'office');
      } catch (error) {
        if (!(error instanceof UpgradeRefused)) throw error;
        t.equal(error.status, 503);
        retries.push(error.retryAfterSeconds ?? 0);
        return undefined;
      }
    };
    const back = await Promise.all(Array.from({ length: places + 150 }, come));
    const admitted = back.filter((client) => client !== undefined);
    t.ok(admitted.length >= places - HANDSHAKE_BURST, `${admitted.length} got in at the first try`);
    t.ok(retries.length > 0, `${retries.length} were refused`);
    t.ok(retries.every((seconds) => seconds >= 1 && seconds <= 30));
    t.ok(new Set(retries).size > 1, `told to come at different times: ${[...new Set(retries)].join()}`);
    await until(async () => (await come()) !== undefined, { what: 'who was refused gets in later' });
    t.strictSame(
      admitted.filter((client) => client.isGone),
      [],
      'who is in stays in',
    );
    t.equal((await fetch(`${server.http}/api/v1/health/ready`)).status, 200);
    network.destroyAll();
  });

  await t.test('who leaves while it waits for its turn keeps nobody out', async (t) => {
    let refused = 0;
    const impatient = Array.from(
      { length: HANDSHAKE_BURST + HANDSHAKES_PER_SECOND * (LONGEST_WAIT_SECONDS + 1) },
      () => {
        const socket = connect(server.port, '127.0.0.1');
        socket.once('data', (answer: Buffer) => (refused += answer.toString('latin1').includes(' 503 ') ? 1 : 0));
        socket.on('error', () => undefined);
        socket.write('GET /office HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n');
        socket.write('sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n');
        return socket;
      },
    );
    await until(() => refused > 0, { what: 'no place is left' });
    for (const socket of impatient) socket.destroy();
    t.equal((await fetch(`${server.http}/api/v1/health/live`)).status, 200, 'it has seen them go');
    const newcomers = Array.from({ length: HANDSHAKES_PER_SECOND / 2 }, () =>
      SyncClient.join(network, endpoint, 'office'),
    );
    await t.resolves(Promise.all(newcomers));
  });
});
