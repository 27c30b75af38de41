import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { composeServer } from '../harness/composed-server.js';
import { rawClient, type RawClient } from '../harness/raw-client.js';
import { stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';
import { FrameSource } from './frames.js';
import type { RandomSource } from './random-source.js';
import { fuzzSeconds, fuzzSource } from './settings.js';

const MEGABYTE = 1024 * 1024;
const ATTACKERS = 4;
const FRAMES_PER_ROUND = 250;
const HEAP_GROWTH_BYTES = 96 * MEGABYTE;
/** What must not happen whatever clients send: errors that no part of the server expected. */
const UNEXPECTED = ['receive', 'tick', 'upgrade', 'append_refused', 'document_load'];

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

void t.test('frames of any kind end nothing but the connection that sent them', async (t) => {
  const random = fuzzSource();
  t.comment(`FORMLOOM_FUZZ_SEED=${random.seed}`);
  const server = await composeServer();
  t.teardown(() => server.cleanup());
  const recent: string[] = [];
  t.on('fail', () => t.comment(`FORMLOOM_FUZZ_SEED=${random.seed}; the last frames:\n${recent.join('\n')}`));

  const apart = stockClient(server.ws, 'apart');
  t.teardown(() => apart.destroy());
  await apart.synced();
  let heapBefore = 0;
  let frames = 0;
  const end = Date.now() + fuzzSeconds * 1_000;
  for (let round = 0; round === 0 || Date.now() < end; round += 1) {
    // Other rooms each time: what was left behind must go with its room.
    const room = random.pick([`opaque-${round}`, `form/fuzz-${round}`, `form/fuzz-${round}/submission/one`]);
    const witness = stockClient(server.ws, room);
    await witness.synced();
    const attacks = Array.from({ length: ATTACKERS }, () => attack(`${server.ws}/${room}`, random.fork(), recent));
    while (!(await isOver(attacks))) {
      for (const one of [apart, witness]) one.doc.getMap('witness').set('beat', frames);
      await Promise.all([apart.saved(), witness.saved()]);
    }
    for (const sent of await Promise.all(attacks)) frames += sent;
    witness.doc.getMap('witness').set('beat', 'last');
    await witness.saved();
    const fresh = stockClient(server.ws, room);
    await fresh.synced();
    await until(() => fresh.doc.getMap('witness').get('beat') === 'last');
    if (witness.closes.length > 0 || apart.closes.length > 0) {
      t.fail(`round ${round}: a witness was closed: ${[...witness.closes, ...apart.closes].join()}`);
      break;
    }
    witness.destroy();
    fresh.destroy();
    if (round % 10 !== 0) continue;
    collectGarbage();
    const heap = process.memoryUsage().heapUsed;
    if (round === 0) heapBefore = heap;
    else if (heap - heapBefore > HEAP_GROWTH_BYTES) {
      t.fail(`round ${round}: the heap grew by ${Math.round((heap - heapBefore) / MEGABYTE)} MB`);
      break;
    }
  }
  t.ok(apart.provider.wsconnected, `${frames} frames, and the witness is still connected`);
  const metrics = await (await fetch(`${server.http}/metrics`)).text();
  const errors = [...metrics.matchAll(/^formloom_errors_total\{type="(\w+)"\} (\d+)/gm)];
  t.comment(errors.map(([, type, count]) => `${type} ${count}`).join(', '));
  t.strictSame(
    errors.filter(([, type]) => UNEXPECTED.includes(type ?? '')).map(([, type]) => type),
    [],
    'nothing happened that the server did not expect',
  );
});

async function isOver(attacks: readonly Promise<unknown>[]): Promise<boolean> {
  const notYet = new Promise<false>((resolve) => setTimeout(() => resolve(false), 5));
  return Promise.race([notYet, Promise.all(attacks).then(() => true)]);
}

/** Connects again whenever it is thrown out. Resolves with the number of frames sent. */
async function attack(url: string, random: RandomSource, recent: string[]): Promise<number> {
  const source = new FrameSource(random);
  let client: RawClient | undefined;
  for (let sent = 0; sent < FRAMES_PER_ROUND; sent += 1) {
    if (client?.ws.readyState !== 1) {
      client?.destroy();
      client = await rawClient(random.chance(20) ? `${url}?sdk=1` : url);
    }
    if (random.chance(0.5)) client.ws.send('text');
    else {
      const frame = source.next();
      recent.push(Buffer.from(frame).toString('base64').slice(0, 2_000));
      if (recent.length > 20) recent.shift();
      client.send(frame);
    }
    // So that the close after a bad frame is heard before the next frames are wasted on it.
    if (random.chance(50)) await new Promise((resolve) => setImmediate(resolve));
  }
  client?.destroy();
  return FRAMES_PER_ROUND;
}
