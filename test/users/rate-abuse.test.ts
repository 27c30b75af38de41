import { SignJWT } from 'jose';
import t from 'tap';
import * as Y from 'yjs';
import { composeServer, type ComposedServer } from '../harness/composed-server.js';
import { awarenessMessage, rawClient, updateMessage, upgradeStatus, type RawClient } from '../harness/raw-client.js';
import { restClient } from '../harness/rest-client.js';
import { streamClient } from '../harness/stream-client.js';
import { until } from '../harness/until.js';

const SECRET = 'a secret that is long enough for HS256';
const ADMIN = 'administration-token';
const COLLEAGUES = 200;

const tokenOf = (sub: string, tenant?: string): Promise<string> =>
  new SignJWT({ grants: [{ document: '*', role: 'editor' }], ...(tenant === undefined ? {} : { tenant }) })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(sub)
    .setIssuedAt()
    .setExpirationTime('10m')
    .sign(Buffer.from(SECRET));

/** Sends as fast as the socket takes it, until it is closed. */
async function flood(client: RawClient): Promise<number> {
  let sent = 0;
  while (client.closed === undefined && client.ws.readyState === 1) {
    for (let i = 0; i < 100 && client.ws.bufferedAmount < 64 * 1024; i += 1) {
      client.send(awarenessMessage(7, ++sent, { at: sent }));
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  return sent;
}

const metric = async (server: ComposedServer, name: string): Promise<number> => {
  const text = await (await fetch(`${server.http}/metrics`)).text();
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1) ?? 0);
};

void t.test('row 22: an abuser is slowed, then closed with 4429; its 200 colleagues do not notice', async (t) => {
  const server = await composeServer({
    env: { AUTH: 'jwt', JWT_SECRET: SECRET, ADMIN_TOKEN: ADMIN, USER_LIMITS: 'messages=300', LOG_LEVEL: 'silent' },
    trafficPatienceMs: 1_000,
  });
  t.teardown(() => server.cleanup());
  const office = await Promise.all(
    Array.from({ length: COLLEAGUES }, async (_, i) =>
      rawClient(`${server.ws}/shared-${i % 20}?token=${await tokenOf(`colleague-${i}`)}`),
    ),
  );
  const leaver = `${server.ws}/elsewhere?token=${await tokenOf('leaver')}`;
  const leaving = await Promise.all(Array.from({ length: 45 }, () => rawClient(leaver)));
  leaving.forEach(({ ws }, i) => ws.close(3_000 + i));
  await until(async () => (await metric(server, 'formloom_closes_total{code="other"}')) === 45);
  const abuserToken = await tokenOf('abuser');
  const abuser = await rawClient(`${server.ws}/shared-0?token=${abuserToken}`);
  t.teardown(() => [...office, abuser].forEach((client) => client.destroy()));
  const flooding = flood(abuser);
  await until(async () => (await metric(server, 'formloom_slowed_total{budget="user"}')) > 0, { what: 'it is slowed' });

  const docs = office.map(() => new Y.Doc());
  for (let edit = 1; edit <= 5; edit += 1) {
    const isEchoed = (client: RawClient, i: number): boolean =>
      client.ofType(0).some((frame) => frame[1] === 2 && holds(frame, docs[i]!.clientID, edit));
    docs.forEach((doc, i) => {
      doc.getArray('edits').push([edit]);
      office[i]!.send(updateMessage(Y.encodeStateAsUpdate(doc)));
    });
    await until(() => office.every(isEchoed), { what: 'everybody has the echo' });
  }
  t.match(await abuser.closing(), { code: 4429, reason: /^rate exceeded for long/ });
  await flooding;
  t.strictSame(
    office.filter((client) => client.closed !== undefined),
    [],
    'nobody else was closed',
  );
  t.equal(await metric(server, 'formloom_closes_total{code="4429"}'), 1);
  t.equal(await metric(server, 'formloom_slowed_connections'), 0);

  await t.test('it is held off, with a time to come back; others at its address are not', async (t) => {
    const answer = await upgradeStatus(`${server.ws}/elsewhere?token=${abuserToken}`);
    t.equal(answer.status, 429);
    t.ok(Number(answer.headers['retry-after']) > 0);
    t.match(JSON.parse(answer.body), { code: 'rate_limited', status: 429 });
    t.ok((await metric(server, 'formloom_connections_limited_total{budget="user"}')) > 0);
    t.equal((await upgradeStatus(`${server.ws}/elsewhere?token=${await tokenOf('another')}`)).status, 101);
    const stream = await fetch(`${server.http}/api/v1/sync/elsewhere`, {
      headers: { authorization: `Bearer ${abuserToken}` },
    });
    t.equal(stream.status, 429, 'no way around it without WebSockets');
    await stream.body?.cancel();
  });

  await t.test(
    'row 21: who is not authenticated has nothing loaded, queued or written, and holds no place',
    async (t) => {
      const rooms = async (): Promise<number> => metric(server, 'formloom_rooms{state="live"}');
      const before = await rooms();
      const strangers = await Promise.all(
        Array.from({ length: 40 }, (_, i) => rawClient(`${server.ws}/strange-${i}?token=nonsense`)),
      );
      const update = updateMessage(Y.encodeStateAsUpdate(docs[0]!));
      // They send at once, and one half never reads the answer.
      strangers.forEach((client, i) => {
        if (client.ws.readyState === 1) client.send(update);
        if (i % 2 === 0) (client.ws as unknown as { _socket: { pause(): void } })._socket.pause();
      });
      const open = async (): Promise<number> => metric(server, 'formloom_connections{pool="default"}');
      await until(async () => (await open()) === COLLEAGUES, { what: 'their places are free again' });
      t.strictSame([...new Set(strangers.filter((_, i) => i % 2 === 1).map((client) => client.closed?.code))], [4401]);
      t.ok((await rooms()) <= before, 'no document was opened');
      t.equal((await restClient(server.http, ADMIN).get('/documents/strange-1')).status, 404, 'or written');
      strangers.forEach((client) => client.destroy());
    },
  );

  await t.test('an operator sees who it was', async () => {
    const admin = restClient(server.http, ADMIN);
    const isTold = async (): Promise<boolean> => {
      const { data } = (await admin.get('/security/events?type=rate_exceeded')).body;
      return data.some((event: { userId?: string }) => event.userId === 'abuser');
    };
    await until(isTold, { what: 'the event names the abuser' });
  });
});

void t.test('row 22: the budget counts the same without WebSockets', async (t) => {
  const server = await composeServer({ env: { USER_LIMITS: 'messages=5' }, trafficPatienceMs: 500 });
  t.teardown(() => server.cleanup());
  const client = await streamClient(server.http, 'room');
  t.teardown(() => client.cut());
  await client.synced();
  let clock = 0;
  const post = async (): Promise<void> => {
    while (client.closed === undefined) await client.post(awarenessMessage(7, ++clock, {})).catch(() => undefined);
  };
  await Promise.all([post(), client.closing()]);
  t.match(client.closed, { code: 4429 });
  t.ok(clock > 50, 'ten seconds worth at once are fine');
});

void t.test('row 22: connections of an address are counted, and only a trusted proxy tells another one', async (t) => {
  const statuses = async (server: ComposedServer): Promise<number[]> => {
    const clients: RawClient[] = [];
    const answers: number[] = [];
    for (let i = 1; i <= 3; i += 1) {
      const headers = { 'x-forwarded-for': `203.0.113.${i}` };
      const client = await rawClient(`${server.ws}/room`, headers).catch(() => undefined);
      if (client !== undefined) clients.push(client);
      answers.push(client === undefined ? (await upgradeStatus(`${server.ws}/room`, headers)).status : 101);
    }
    clients.forEach((client) => client.destroy());
    return answers;
  };
  const env = { ADDRESS_LIMITS: 'connections=2' };
  const [direct, proxied] = [
    await composeServer({ env }),
    await composeServer({ env: { ...env, TRUSTED_PROXIES: '127.0.0.1' } }),
  ];
  t.teardown(() => Promise.all([direct.cleanup(), proxied.cleanup()]));
  t.strictSame(await statuses(direct), [101, 101, 429], 'what anybody can write is not believed');
  t.strictSame(await statuses(proxied), [101, 101, 101]);
  await until(async () => (await upgradeStatus(`${direct.ws}/room`)).status === 101, { what: 'places are given back' });
});

/** Whether an update of this client that reaches `clock` is in a sync message. */
function holds(frame: Uint8Array, client: number, clock: number): boolean {
  let at = 2;
  while ((frame[at++] ?? 0) >= 128);
  return (Y.parseUpdateMeta(frame.subarray(at)).to.get(client) ?? 0) >= clock;
}
