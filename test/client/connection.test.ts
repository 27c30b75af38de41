import t from 'tap';
import { createServer, request as ask } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as Y from 'yjs';
import { WebSocket } from 'ws';
import {
  connect,
  httpTransport,
  longestWaitMs,
  STALE_COPY,
  webSocketTransport,
  type Clock,
  type OpenTransport,
} from '../../client/index.js';
import { composeServer, type ComposedServer } from '../harness/composed-server.js';
import { restClient } from '../harness/rest-client.js';
import { stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';
import { closed, saved, sdk, synced } from './sdk-client.js';

const ADMIN = 'an-administrators-token-for-tests';
const JWT = { AUTH: 'jwt', JWT_SECRET: 'a-secret-that-signs-tokens-in-tests!', ADMIN_TOKEN: ADMIN };

const textOf = (connection: { doc: Y.Doc }): string => connection.doc.getText('x').toString();

/** Waits are as they are asked for, and over at once: the order of events stays, the time goes. */
function impatientClock(random: () => number): Clock & { readonly waits: number[] } {
  const waits: number[] = [];
  return {
    waits,
    now: () => Date.now(),
    random,
    after: (ms, run) => {
      // Waits for an answer are real, and longer than 0.4 times the longest wait for an attempt.
      const isRetry = ms < 14_000;
      if (isRetry) waits.push(ms);
      const timer = setTimeout(run, isRetry ? Math.min(ms, 20) : ms);
      return () => clearTimeout(timer);
    },
  };
}

void t.test('two SDK clients and a stock one converge, and everybody knows when it is saved', async (t) => {
  const server = await composeServer();
  t.teardown(() => server.cleanup());
  const ada = sdk(t, server.http, { user: 'ada' }).open('notes');
  const bob = sdk(t, server.ws, { user: 'bob' }).open('notes');
  const stock = stockClient(server.ws, 'notes');
  t.teardown(() => stock.destroy());
  await Promise.all([synced(ada), synced(bob), stock.synced()]);
  t.equal(ada.role, 'admin');

  const states: string[] = [];
  ada.on('save', (state) => states.push(state));
  ada.doc.getText('x').insert(0, 'hello');
  t.equal(ada.saveState, 'saving');
  t.ok(ada.hasUnsavedChanges);
  await saved(ada);
  t.strictSame(states, ['saving', 'saved']);
  await until(() => textOf(bob) === 'hello' && textOf(stock) === 'hello');

  // A deletion has no clock of its own, and its echo counts all the same.
  bob.doc.getText('x').delete(0, 1);
  t.equal(bob.saveState, 'saving');
  await saved(bob);
  stock.doc.getText('x').insert(0, 'y');
  await until(() => [ada, bob, stock].every((client) => textOf(client) === 'yello'));

  // Both delete the same at once: the second deletion changes nothing, and is answered too.
  ada.doc.getText('x').delete(0, 2);
  bob.doc.getText('x').delete(0, 2);
  ada.doc.getText('x').insert(0, 'a');
  bob.doc.getText('x').insert(0, 'b');
  await Promise.all([saved(ada), saved(bob)]);
  await until(() => textOf(ada) === textOf(bob) && textOf(stock) === textOf(ada) && textOf(ada).length === 5);

  bob.awareness?.setLocalStateField('cursor', 3);
  await until(() => [...(ada.awareness?.getStates().values() ?? [])].some((state) => state['cursor'] === 3));
  // Who has not moved meanwhile is seen again by somebody who comes back.
  const seesBob = (): boolean =>
    [...(ada.awareness?.getStates().values() ?? [])].some((state) => state['cursor'] === 3);
  ada.disconnect();
  t.notOk(seesBob());
  ada.connect();
  await synced(ada);
  await until(seesBob);
  bob.destroy();
  await until(() => !seesBob());
  bob.connect();
  t.equal(bob.state.status, 'idle', 'what was destroyed does not come back, deaf to its document');

  // A page whose policy forbids WebSockets, or a Node without: the next transport is tried, and nothing is thrown.
  const Forbidden = function (): never {
    throw new Error('forbidden by policy');
  };
  const elsewhere = connect({ url: server.http, WebSocket: Forbidden as never });
  t.teardown(() => elsewhere.close());
  await synced(elsewhere.open('notes'));

  // An edit to a copy of an earlier life, between the opening of the line and the first word of the server.
  const copied = new Y.Doc();
  const webSocket = webSocketTransport(WebSocket);
  const early: OpenTransport = (target, events) =>
    webSocket(target, {
      ...events,
      onOpen: () => {
        events.onOpen();
        copied.getText('x').insert(0, 'too early');
      },
    });
  const copy = { epoch: 'of an earlier life', unsavedSince: undefined };
  const stale = sdk(t, server.http, { transports: [early] }).open('notes', { doc: copied, copy });
  await closed(stale);
  t.match(stale.state, { code: STALE_COPY });
  ada.doc.getText('x').insert(0, 'later ');
  await saved(ada);
  t.notMatch(textOf(ada), /early/);
});

void t.test('what was written while the server was away is saved when it is back', async (t) => {
  const first = await composeServer();
  const { port } = new URL(first.http);
  const clock = impatientClock(() => Math.random() * 0.4);
  const ada = sdk(t, first.http, { clock }).open('notes');
  await synced(ada);
  ada.doc.getText('x').insert(0, 'one ');
  await saved(ada);
  const { epoch } = ada;
  await first.close();
  await until(() => ada.state.status === 'offline' || ada.state.status === 'connecting');
  t.equal(ada.saveState, 'saved');
  ada.doc.getText('x').insert(4, 'two');
  ada.doc.getText('x').delete(0, 4);
  t.equal(ada.saveState, 'offline');

  const second = await composeServer({ dataDir: first.dataDir, env: { PORT: port } });
  t.teardown(() => second.cleanup());
  await saved(ada);
  t.equal(ada.state.status, 'synced');
  const bob = sdk(t, second.http).open('notes');
  await synced(bob);
  t.equal(textOf(bob), 'two');
  t.type(bob.epoch, 'string');
  if (epoch !== undefined) t.equal(bob.epoch, epoch);

  // A copy of an earlier life is not merged.
  const stale = sdk(t, second.http).open('notes', {
    doc: ((): Y.Doc => {
      const doc = new Y.Doc();
      doc.getText('x').insert(0, 'from a life before ');
      return doc;
    })(),
    copy: { epoch: 'another', unsavedSince: new Uint8Array([0]) },
  });
  await closed(stale);
  t.match(stale.state, { code: STALE_COPY });
  t.equal(stale.saveState, 'refused');
  bob.doc.getText('x').insert(3, '!');
  await saved(bob);
  t.equal(textOf(bob), 'two!');
});

void t.test('permanent codes end it, a token function is asked once more', async (t) => {
  const server = await composeServer({ env: JWT });
  t.teardown(() => server.cleanup());
  const admin = restClient(server.http, ADMIN);
  const mint = async (sub: string, document: string, role: string, ttlSeconds = 3600): Promise<string> =>
    (await admin.post('/tokens', { sub, grants: [{ document, role }], ttlSeconds })).body.token as string;
  const clock = impatientClock(() => 0);

  const wrong = sdk(t, server.http, { token: 'wrong', clock }).open('notes');
  await closed(wrong);
  t.match(wrong.state, { code: 4401 });

  let asked = 0;
  const never = sdk(t, server.http, { token: () => `wrong ${(asked += 1)}`, clock }).open('notes');
  await closed(never);
  t.equal(asked, 2, 'a function is asked once more');

  const other = sdk(t, server.http, { token: await mint('ada', 'other', 'editor'), clock }).open('notes');
  await closed(other);
  t.match(other.state, { code: 4403 });

  // Revoked while connected: a new token is got, and the connection goes on.
  const tokens = [await mint('eve', 'notes', 'editor')];
  let handedOut = 0;
  const eve = sdk(t, server.http, { token: async () => tokens[handedOut++] ?? mint('eve', 'notes', 'editor') }).open(
    'notes',
  );
  await synced(eve);
  t.equal(handedOut, 1);
  const jti = JSON.parse(Buffer.from(tokens[0]!.split('.')[1]!, 'base64url').toString()).jti as string;
  t.equal((await admin.post('/tokens/revoke', { jti })).status, 204);
  await until(() => handedOut === 2);
  await synced(eve);
  eve.doc.getText('x').insert(0, 'still here');
  await saved(eve);

  // A reader is told, and its edit is not taken.
  const reader = sdk(t, server.http, { token: await mint('rob', 'notes', 'viewer') }).open('notes');
  await synced(reader);
  t.equal(reader.role, 'viewer');
  const reasons: string[] = [];
  reader.on('denied', (reason) => reasons.push(reason));
  reader.doc.getText('x').insert(0, 'not ');
  await until(() => reasons.length > 0);
  t.equal(reader.saveState, 'refused');
  t.equal(textOf(eve), 'still here');
  // A reader that brings along what the server has is not one that writes.
  const copied = new Y.Doc();
  Y.applyUpdate(copied, Y.encodeStateAsUpdate(eve.doc));
  const rereader = sdk(t, server.http, { token: await mint('rob', 'notes', 'viewer') }).open('notes', { doc: copied });
  await synced(rereader);
  await saved(rereader);

  t.equal((await admin.delete('/documents/notes')).status, 200);
  await closed(eve);
  t.match(eve.state, { code: 4404 });
  await closed(reader);
});

void t.test('waits grow, are spread over their whole length, and start over after a success', async (t) => {
  t.equal(longestWaitMs(0), 500);
  t.equal(longestWaitMs(3), 4_000);
  t.equal(longestWaitMs(60), 30_000);
  t.equal(longestWaitMs(0, 1013), 4_000);
  const server: ComposedServer = await composeServer();
  const { port } = new URL(server.http);
  const clock = impatientClock(() => 0.4);
  const tried: string[] = [];
  const noted = (name: string, open: OpenTransport): OpenTransport => {
    return (target, events) => {
      tried.push(name);
      return open(target, events);
    };
  };
  const transports = [noted('WebSocket', webSocketTransport(WebSocket)), noted('HTTP', httpTransport())];
  const ada = sdk(t, server.http, { clock, transports }).open('notes');
  await synced(ada);
  await server.close();
  await until(() => clock.waits.length >= 4);
  t.notOk(tried.includes('HTTP'), 'where a WebSocket has passed it is the server that is away');
  t.strictSame(clock.waits.slice(0, 4), [200, 400, 800, 1_600]);
  const again = await composeServer({ dataDir: server.dataDir, env: { PORT: port } });
  await synced(ada);
  const before = clock.waits.length;
  await again.close();
  await until(() => clock.waits.length > before);
  t.equal(clock.waits[before], 200);
  ada.destroy();
  const last = await composeServer({ dataDir: server.dataDir, env: { PORT: port } });
  await last.cleanup();
});

void t.test('where no WebSocket passes, the same goes over HTTP', async (t) => {
  const server = await composeServer({ env: JWT });
  t.teardown(() => server.cleanup());
  const admin = restClient(server.http, ADMIN);
  // A proxy that passes HTTP on, streams too, and refuses upgrades.
  const proxy = createServer((request, answer) => {
    const onward = ask(`${server.http}${request.url ?? ''}`, { method: request.method, headers: request.headers });
    onward.on('response', (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    answer.on('close', () => onward.destroy());
    request.pipe(onward);
  });
  proxy.on('upgrade', (_request, socket) => socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n'));
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const { port } = proxy.address() as AddressInfo;
  const minted = await admin.post('/tokens', { sub: 'ada', grants: [{ document: 'notes', role: 'editor' }] });
  const token = minted.body.token as string;
  const ada = sdk(t, `http://127.0.0.1:${port}`, { token, clock: impatientClock(() => Math.random() * 0.4) }).open(
    'notes',
  );
  const bob = sdk(t, server.http, { token: ADMIN }).open('notes');
  await Promise.all([synced(ada), synced(bob)]);
  t.equal(ada.role, 'editor');
  ada.doc.getText('x').insert(0, 'over HTTP');
  await saved(ada);
  await until(() => textOf(bob) === 'over HTTP');
  bob.doc.getText('x').delete(0, 5);
  await until(() => textOf(ada) === 'HTTP');
  ada.awareness?.setLocalStateField('cursor', 1);
  await until(() => [...(bob.awareness?.getStates().values() ?? [])].some((state) => state['cursor'] === 1));
  // What was written before the page let go of it is on its way.
  const brief = sdk(t, `http://127.0.0.1:${port}`, { token, transports: [httpTransport()] }).open('notes');
  await synced(brief);
  brief.doc.getText('x').insert(0, 'a');
  brief.doc.getText('x').insert(1, 'b ');
  brief.destroy();
  await until(() => textOf(bob) === 'ab HTTP');
  await admin.post('/tokens/revoke', { sub: 'ada' });
  await closed(ada);
  t.match(ada.state, { code: 4401 });
});
