import fc from 'fast-check';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Webhook } from 'standardwebhooks';
import t from 'tap';
import { until } from '../../test/harness/until.js';
import { newDataFolder, openFolder } from '../../server/storage/testing/embedded-folder.js';
import { DeliveryStore, type Delivery } from './delivery/delivery-store.js';
import { isPublicAddress } from './delivery/public-targets.js';
import { waitAfter } from './delivery/retry-schedule.js';
import { WebhookSender } from './delivery/sender.js';
import { newSecret, signedHeaders } from './delivery/signature.js';

void t.test('what is signed is verified by the reference implementation, under each of the secrets', async (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 3 }), (text, count) => {
      const secrets = Array.from({ length: count }, newSecret);
      const body = JSON.stringify({ text });
      const headers = signedHeaders('msg_1', Date.now(), body, secrets);
      for (const secret of secrets) t.same(new Webhook(secret).verify(body, headers), { text });
      t.throws(() => new Webhook(newSecret()).verify(body, headers));
    }),
    { numRuns: 20 },
  );
});

void t.test('addresses that are not globally reachable are refused, whatever they are wrapped in', async (t) => {
  for (const address of ['8.8.8.8', '1.1.1.1', '2606:4700:4700::1111', '172.32.0.1', '100.128.0.1']) {
    t.ok(isPublicAddress(address), address);
  }
  const octets = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255));
  fc.assert(
    fc.property(octets, fc.constantFrom(10, 127, 0, 224, 255), ([a, b, c], first) => {
      const address = `${first}.${a}.${b}.${c}`;
      return !isPublicAddress(address) && !isPublicAddress(`::ffff:${address}`) && !isPublicAddress(`::${address}`);
    }),
  );
  for (const address of [
    '169.254.169.254',
    '192.168.0.1',
    '172.31.255.255',
    'fe80::1',
    'fd12::1',
    '::1',
    '::',
    'ff02::1',
  ]) {
    t.notOk(isPublicAddress(address), address);
  }
});

void t.test('a name is judged when it is connected to, by what it resolves to then', async (t) => {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as AddressInfo;
  const sender = new WebhookSender({ allowPrivateTargets: false });
  t.teardown(() => sender.close());
  const { signal } = new AbortController();
  for (const host of ['localhost', '127.0.0.1', '[::1]']) {
    const outcome = await sender.post(`http://${host}:${port}/`, {}, '{}', signal);
    t.same(outcome, { status: undefined, error: 'target_refused' }, host);
  }
  t.equal(connections, 0);
});

void t.test('a receiver that never answers costs its time and no more', async (t) => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sender = new WebhookSender({ allowPrivateTargets: true, timeoutMs: 50 });
  t.teardown(async () => {
    sender.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  const { signal } = new AbortController();
  const outcome = await sender.post(`http://127.0.0.1:${port}/`, {}, '{}', signal);
  t.same(outcome, { status: undefined, error: 'timeout' });
});

void t.test('answers that never end keep no connection, and who waits for one is not kept waiting', async (t) => {
  const [sockets, silent] = [new Set<Socket>(), new Set<Socket>()];
  let isSilent = false;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.on('data', () =>
      isSilent ? silent.add(socket) : socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx'),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sender = new WebhookSender({ allowPrivateTargets: true, timeoutMs: 200 });
  t.teardown(() => {
    sender.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const post = (): ReturnType<WebhookSender['post']> =>
    sender.post(`http://127.0.0.1:${port}/`, {}, '{}', new AbortController().signal);
  // As many as there are connections to one host.
  for (const { status } of await Promise.all(Array.from({ length: 16 }, post))) t.equal(status, 200);
  await until(() => sockets.size === 0, { what: 'the connections are given back' });
  t.equal((await post()).status, 200);
  isSilent = true;
  const outcomes = await Promise.all(Array.from({ length: 40 }, post));
  t.ok(outcomes.every((outcome) => outcome.status === undefined && outcome.error === 'timeout'));
});

void t.test('a delivery whose webhook is deleted during an attempt is not waited for again', async (t) => {
  const storage = await openFolder(t, await newDataFolder(t));
  const deliveries = new DeliveryStore(storage.records);
  const event = { id: '1', type: 'form.changed', time: new Date().toISOString(), data: {} };
  const delivery: Delivery = {
    ...{ id: '1', webhookId: 'w', lane: '', event, state: 'pending', attemptCount: 0, tries: 0, attempts: [] },
    ...{ nextAttemptAt: 1, createdAt: 1, settledAt: null },
  };
  await deliveries.add(delivery);
  const stored = await deliveries.get('w', '1');
  await deliveries.erase('w');
  t.equal(await deliveries.save(stored!, { ...delivery, tries: 1 }), 'conflict');
  t.same(await deliveries.pending('w'), []);
});

void t.test('waits double up to the longest, never without jitter, and heed what the receiver asks for', async (t) => {
  const schedule = { firstMs: 1_000, maxMs: 60_000, maxTries: 60 };
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000 }), (tries) => {
      const full = Math.min(60_000, 1_000 * 2 ** (tries - 1));
      const wait = waitAfter(tries, schedule, undefined);
      return wait >= full / 2 && wait <= full;
    }),
  );
  t.ok(waitAfter(1, schedule, 30_000) >= 30_000);
  t.ok(waitAfter(1, schedule, 1e12) <= 60_000, 'within the longest');
});
