import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { createAuthenticator } from '../../server/auth/index.js';
import { ClientAddresses, RateLimits, type RateLimitsOptions } from '../../server/limits/index.js';
import { newDataFolder, openFolder } from '../../server/storage/testing/embedded-folder.js';
import { addCaller } from './caller.js';
import { addAddressLimit, addCallerLimit } from './limits.js';
import { addProblemEdge } from './problem-edge.js';

const SECRET = 'a-secret-of-at-least-32-characters!!';
const logger = pino({ level: 'silent' });

/** An API with one route, limited as ours is, behind a trusted proxy: `X-Forwarded-For` says who calls. */
async function limited(t: Test, rules: RateLimitsOptions['rules']) {
  const storage = await openFolder(t, await newDataFolder(t));
  const { records, bus } = storage;
  const authenticator = createAuthenticator({ mode: 'jwt', jwtSecret: SECRET, records, bus, logger });
  await authenticator.start();
  const api = fastify();
  const clock = { ms: 0 };
  const limits = new RateLimits({ rules, now: () => clock.ms });
  addProblemEdge(api, logger);
  addAddressLimit(api, limits, new ClientAddresses(['127.0.0.1']));
  await api.register(async (v1) => {
    addCaller(v1, authenticator, []);
    addCallerLimit(v1, limits);
    v1.get('/me', async (request) => request.caller?.id);
  });
  await api.listen({ port: 0, host: '127.0.0.1' });
  t.teardown(async () => {
    await api.close();
    await authenticator.close();
  });
  const url = `http://127.0.0.1:${(api.server.address() as AddressInfo).port}/me`;
  return {
    clock,
    tokenOf: async (sub: string) => (await authenticator.mint({ sub, grants: [], ttlSeconds: 60 })).token,
    get: (address: string, token?: string): Promise<Response> =>
      fetch(url, {
        headers: { 'x-forwarded-for': address, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      }),
  };
}

void t.test('a flood of bad tokens is stopped by its address, before anybody looks at them', async (t) => {
  const { clock, get, tokenOf } = await limited(t, { address: { burst: 5, perSecond: 1 } });
  for (let i = 0; i < 5; i++) t.equal((await get('203.0.113.7', 'nonsense')).status, 401);
  const refused = await get('203.0.113.7');
  t.equal(refused.status, 429);
  t.match(await refused.json(), { code: 'rate_limited', status: 429, detail: /address/ });
  t.equal(refused.headers.get('retry-after'), '1');
  t.equal(refused.headers.get('ratelimit-remaining'), '0');
  t.equal((await get('203.0.113.8', 'nonsense')).status, 401, 'another address is not concerned');
  clock.ms += 1_000;
  t.equal((await get('203.0.113.7', await tokenOf('ada'))).status, 200);
});

void t.test('IPv6 addresses of one customer share a budget', async (t) => {
  const { get } = await limited(t, { address: { burst: 3, perSecond: 1 } });
  for (let i = 1; i <= 3; i++) t.equal((await get(`2001:db8:1:2::${i}`)).status, 401);
  t.equal((await get('2001:db8:1:2:ffff::9')).status, 429);
  t.equal((await get('2001:db8:1:3::1')).status, 401);
});

void t.test('200 users behind one address work, and one of them who floods is stopped alone', async (t) => {
  const { get, tokenOf } = await limited(t, {
    user: { burst: 3, perSecond: 1 },
    address: { burst: 1_000, perSecond: 1 },
  });
  const users = await Promise.all(Array.from({ length: 200 }, (_, i) => tokenOf(`user ${i}`)));
  const answers = await Promise.all(users.flatMap((token) => [get('203.0.113.7', token), get('203.0.113.7', token)]));
  t.ok(answers.every(({ status }) => status === 200));
  t.equal(answers[0]?.headers.get('ratelimit-limit'), '3', 'the tighter budget is told');
  const [flooder = '', colleague = ''] = users;
  t.equal((await get('203.0.113.7', flooder)).status, 200);
  const refused = await get('203.0.113.7', flooder);
  t.match(await refused.json(), { code: 'rate_limited', detail: /user/ });
  t.equal((await get('203.0.113.8', flooder)).status, 429, 'from another address as well');
  t.equal((await get('203.0.113.7', colleague)).status, 200);
});
