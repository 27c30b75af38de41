import { createHmac, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT, type JWTPayload } from 'jose';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import type { Storage } from '../storage/index.js';
import { newDataFolder, openFolder } from '../storage/testing/embedded-folder.js';
import { eventually } from '../storage/testing/store-under-test.js';
import { createAuthenticator, type Authenticator, type AuthenticatorOptions } from './authenticator.js';
import { KeysUnavailableError } from './errors.js';
import type { Revocation } from './revocations.js';

const SECRET = 'a-secret-of-at-least-32-characters!!';
const ADMIN = 'an-administrator-token';
const START = Date.UTC(2030, 0, 1);
const logger = pino({ level: 'silent' });

/** What the tests of one authenticator share: a real store, and a clock that they turn. */
async function bench(t: Test): Promise<{
  storage: Storage;
  clock: { now: number };
  start: (options?: Partial<AuthenticatorOptions>) => Promise<Authenticator>;
}> {
  const storage = await openFolder(t, await newDataFolder(t));
  const clock = { now: START };
  return {
    storage,
    clock,
    start: async (options = {}) => {
      const authenticator = createAuthenticator({
        mode: 'jwt',
        records: storage.records,
        bus: storage.bus,
        logger,
        clock: () => clock.now,
        ...options,
      });
      t.teardown(() => authenticator.close());
      await authenticator.start();
      return authenticator;
    },
  };
}

const seconds = (ms: number): number => Math.floor(ms / 1_000);

function signed(key: KeyObject | Uint8Array, alg: string, claims: JWTPayload, kid?: string): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg, ...(kid !== undefined && { kid }) }).sign(key);
}

const hs256 = (claims: JWTPayload): Promise<string> => signed(Buffer.from(SECRET), 'HS256', claims);

const refusedAs = (code: string): { name: string; code: string } => ({ name: 'AuthenticationError', code });

function pemOf(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

void t.test('a token signed with the secret says who calls', async (t) => {
  const { start } = await bench(t);
  const authenticator = await start({ jwtSecret: SECRET });
  const grants = [{ document: 'form/*', role: 'editor', languages: ['fr'] }];
  const claims = { sub: 'ada', name: 'Ada', grants, exp: seconds(START) + 60, iat: seconds(START), jti: 'id-1' };
  t.strictSame(await authenticator.authenticate({ token: await hs256(claims) }), {
    id: 'ada',
    name: 'Ada',
    isAnonymous: false,
    grants,
    jti: 'id-1',
    expiresAt: START + 60_000,
    issuedAt: START,
  });
  await t.rejects(authenticator.authenticate({}), refusedAs('token_missing'));
  await t.rejects(authenticator.authenticate({ token: '' }), refusedAs('token_missing'));
  for (const token of ['nonsense', 'a.b.c', '..', 'x'.repeat(20_000), `${await hs256(claims)}x`]) {
    await t.rejects(authenticator.authenticate({ token }), refusedAs('token_invalid'), token.slice(0, 20));
  }
  const other = await signed(randomBytes(32), 'HS256', claims);
  await t.rejects(authenticator.authenticate({ token: other }), refusedAs('token_invalid'), 'another secret');
});

void t.test('roles stand for grants on every document; what an identity provider adds means nothing', async (t) => {
  const { start } = await bench(t);
  const authenticator = await start({ jwtSecret: SECRET });
  const token = await hs256({
    sub: 'ada',
    roles: ['viewer', 'offline_access', 'Admin', 'editor'],
    grants: [{ document: 'form/x', role: 'owner' }],
    aud: 'somebody',
    email: 'ada@example.org',
  });
  t.strictSame((await authenticator.authenticate({ token })).grants, [
    { document: '*', role: 'viewer' },
    { document: '*', role: 'editor' },
    { document: 'form/x', role: 'owner' },
  ]);
  t.strictSame((await authenticator.authenticate({ token: await hs256({ sub: 'nobody' }) })).grants, []);
});

void t.test('claims that are not understood give no access', async (t) => {
  const { start } = await bench(t);
  const authenticator = await start({ jwtSecret: SECRET });
  const wrong: JWTPayload[] = [
    {},
    { sub: '' },
    { sub: 'x'.repeat(129) },
    { sub: 'a\nb' },
    { sub: 'ada', name: '' },
    { sub: 'ada', roles: 'admin' },
    { sub: 'ada', grants: [{ document: '*', role: 'god' }] },
    { sub: 'ada', grants: [{ document: '', role: 'editor' }] },
    { sub: 'ada', grants: [{ role: 'editor' }] },
    { sub: 'ada', grants: { document: '*', role: 'admin' } },
    { sub: 'ada', grants: Array.from({ length: 1_001 }, () => ({ document: '*', role: 'viewer' })) },
  ];
  for (const claims of wrong) {
    const token = await hs256(claims);
    await t.rejects(
      authenticator.authenticate({ token }),
      refusedAs('token_invalid'),
      JSON.stringify(claims).slice(0, 80),
    );
  }
});

void t.test('a token begins and ends when it says, also one that was seen before', async (t) => {
  const { start, clock } = await bench(t);
  const authenticator = await start({ jwtSecret: SECRET });
  const token = await hs256({ sub: 'ada', nbf: seconds(START) + 60, exp: seconds(START) + 120 });
  await t.rejects(authenticator.authenticate({ token }), refusedAs('token_invalid'), 'not yet');
  clock.now = START + 56_000;
  t.equal((await authenticator.authenticate({ token })).id, 'ada', 'clocks differ by a few seconds');
  clock.now = START + 119_999;
  t.equal((await authenticator.authenticate({ token })).id, 'ada');
  clock.now = START + 120_000;
  await t.rejects(authenticator.authenticate({ token }), refusedAs('token_expired'));
  const late = await hs256({ sub: 'ada', exp: seconds(START) });
  await t.rejects(
    authenticator.authenticate({ token: late }),
    refusedAs('token_expired'),
    'at the first sight as well',
  );
});

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const edwards = generateKeyPairSync('ed25519');
const KEYS: readonly [string, typeof rsa][] = [
  ['RS256', rsa],
  ['PS256', rsa],
  ['ES256', elliptic],
  ['EdDSA', edwards],
];

for (const [alg, pair] of KEYS) {
  void t.test(`a public key verifies ${alg}, as PEM and as JWK, and nothing that is signed otherwise`, async (t) => {
    const { start } = await bench(t);
    const jwk = JSON.stringify(pair.publicKey.export({ format: 'jwk' }));
    for (const jwtPublicKey of [pemOf(pair.publicKey), jwk]) {
      const authenticator = await start({ jwtPublicKey });
      const claims = { sub: 'ada', roles: ['admin'] };
      t.equal((await authenticator.authenticate({ token: await signed(pair.privateKey, alg, claims) })).id, 'ada');
      const stranger = generateKeyPairSync('ed25519').privateKey;
      const confused = [Buffer.from(jwtPublicKey), Buffer.from(jwtPublicKey.trim())];
      const foreign = [
        await signed(stranger, 'EdDSA', claims),
        // The public key, which everybody knows, taken for an HMAC secret.
        ...confused.map((secret) => handmade({ alg: 'HS256' }, claims, secret)),
        handmade({ alg: 'none' }, claims),
        handmade({ alg: 'None' }, claims),
        handmade({ alg: '' }, claims),
        handmade({}, claims),
      ];
      for (const token of foreign) {
        await t.rejects(authenticator.authenticate({ token }), refusedAs('token_invalid'), token.slice(0, 30));
      }
      await t.rejects(
        authenticator.mint({ sub: 'ada', grants: [], ttlSeconds: 60 }),
        { code: 'minting_unavailable' },
        'there is nothing to sign with',
      );
    }
  });
}

/** As an attacker writes it; jose refuses to. */
function handmade(header: object, claims: object, secret?: Uint8Array): string {
  const body = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  const signature = secret === undefined ? '' : createHmac('sha256', secret).update(body).digest('base64url');
  return `${body}.${signature}`;
}

void t.test('with a secret neither an unsigned token nor one of a public key passes', async (t) => {
  const { start } = await bench(t);
  const authenticator = await start({ jwtSecret: SECRET });
  const claims = { sub: 'ada', roles: ['admin'] };
  t.equal(
    (await authenticator.authenticate({ token: handmade({ alg: 'HS256' }, claims, Buffer.from(SECRET)) })).id,
    'ada',
  );
  const jwk = rsa.publicKey.export({ format: 'jwk' });
  const tokens = [
    handmade({ alg: 'none' }, claims),
    handmade({ alg: 'none' }, claims, Buffer.from(SECRET)),
    await signed(rsa.privateKey, 'RS256', claims),
    // The attacker's own key, sent along.
    await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', jwk }).sign(rsa.privateKey),
    handmade({ alg: 'HS256', crit: ['b64'], b64: false }, claims, Buffer.from(SECRET)),
  ];
  for (const token of tokens) await t.rejects(authenticator.authenticate({ token }), refusedAs('token_invalid'));
});

interface KeyServer {
  readonly url: string;
  keys: object[];
  status: number;
  requests: number;
  authorization: string | undefined;
  close(): Promise<void>;
}

/** An identity provider's key set, over real HTTP. */
async function keyServer(t: Test, keys: object[]): Promise<KeyServer> {
  const server: Server = createServer((request, response) => {
    state.requests += 1;
    state.authorization = request.headers.authorization;
    response.writeHead(state.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ keys: state.keys }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  t.teardown(close);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
  const state: KeyServer = { url, keys, status: 200, requests: 0, authorization: undefined, close };
  return state;
}

const published = (key: KeyObject, kid: string, alg: string): object => ({
  ...key.export({ format: 'jwk' }),
  kid,
  alg,
  use: 'sig',
});

void t.test('keys that an identity provider publishes verify its tokens, each with its own algorithm', async (t) => {
  const { start } = await bench(t);
  const provider = await keyServer(t, [
    published(rsa.publicKey, 'r', 'RS256'),
    published(elliptic.publicKey, 'e', 'ES256'),
    published(edwards.publicKey, 'd', 'EdDSA'),
  ]);
  const authenticator = await start({ jwksUrl: provider.url });
  const claims = { sub: 'ada', roles: ['editor'] };
  const good = [
    await signed(rsa.privateKey, 'RS256', claims, 'r'),
    await signed(elliptic.privateKey, 'ES256', claims, 'e'),
    await signed(edwards.privateKey, 'EdDSA', claims, 'd'),
  ];
  for (const token of good) t.equal((await authenticator.authenticate({ token })).id, 'ada');
  t.equal(provider.requests, 1, 'the keys are asked for once');
  const modulus = Buffer.from(pemOf(rsa.publicKey));
  const wrong = [
    await signed(rsa.privateKey, 'RS256', claims, 'e'),
    await signed(rsa.privateKey, 'RS512', claims, 'r'),
    await signed(edwards.privateKey, 'EdDSA', claims, 'unknown'),
    handmade({ alg: 'HS256', kid: 'r' }, claims, modulus),
    handmade({ alg: 'none', kid: 'r' }, claims),
    await signed(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey, 'RS256', claims, 'r'),
  ];
  for (const token of wrong) await t.rejects(authenticator.authenticate({ token }), refusedAs('token_invalid'));
});

void t.test('credentials in JWKS_URL are sent, and told to nobody', async (t) => {
  const { start } = await bench(t);
  const provider = await keyServer(t, [published(rsa.publicKey, 'r', 'RS256')]);
  const authenticator = await start({ jwksUrl: provider.url.replace('//', '//me:hunter%202@') });
  const token = await signed(rsa.privateKey, 'RS256', { sub: 'ada' }, 'r');
  t.equal((await authenticator.authenticate({ token })).id, 'ada');
  t.equal(provider.authorization, `Basic ${Buffer.from('me:hunter 2').toString('base64')}`);
});

void t.test(
  'while the keys cannot be fetched nobody is told that a token is wrong, and it works again by itself',
  async (t) => {
    const { start, clock } = await bench(t);
    const provider = await keyServer(t, [published(rsa.publicKey, 'r', 'RS256')]);
    const authenticator = await start({ jwksUrl: provider.url, adminToken: ADMIN });
    const token = await signed(rsa.privateKey, 'RS256', { sub: 'ada' }, 'r');
    for (const fail of [() => (provider.status = 500), () => (provider.status = 404)]) {
      fail();
      await t.rejects(authenticator.authenticate({ token }), KeysUnavailableError);
    }
    await t.rejects(authenticator.authenticate({ token: 'nonsense' }), refusedAs('token_invalid'), 'this needs no key');
    t.equal((await authenticator.authenticate({ token: ADMIN })).id, 'admin', 'this neither');
    provider.status = 200;
    t.equal((await authenticator.authenticate({ token })).id, 'ada');
    clock.now += 30_000;
    await provider.close();
    t.equal((await authenticator.authenticate({ token })).id, 'ada', 'known keys still count');

    const unreachable = await start({ jwksUrl: provider.url });
    await t.rejects(unreachable.authenticate({ token }), KeysUnavailableError);
  },
);

void t.test('the ADMIN_TOKEN gives all rights, and nothing near it does', async (t) => {
  const { start } = await bench(t);
  const authenticator = await start({ jwtSecret: SECRET, adminToken: ADMIN });
  t.strictSame(await authenticator.authenticate({ token: ADMIN }), {
    id: 'admin',
    name: 'admin',
    isAnonymous: false,
    grants: [{ document: '*', role: 'admin' }],
  });
  // Compared by digests, so that a length is no oracle and an unequal length no exception.
  for (const token of [ADMIN.slice(0, -1), `${ADMIN}x`, ADMIN.toUpperCase(), 'x', ` ${ADMIN}`]) {
    await t.rejects(authenticator.authenticate({ token }), refusedAs('token_invalid'), token);
  }
  const without = await start({ jwtSecret: SECRET });
  await t.rejects(without.authenticate({ token: ADMIN }), refusedAs('token_invalid'));
});

void t.test('with AUTH=off everybody has all rights, under the name that they give', async (t) => {
  const { start } = await bench(t);
  const authenticator = await start({ mode: 'off', jwtSecret: SECRET });
  const everything = [{ document: '*', role: 'admin' }];
  t.strictSame(await authenticator.authenticate({}), { id: 'anonymous', isAnonymous: true, grants: everything });
  t.match(await authenticator.authenticate({ userHint: 'Ada' }), { id: 'Ada', name: 'Ada', isAnonymous: true });
  t.match(await authenticator.authenticate({ userHint: 'a\nb' }), { id: 'anonymous' });
  t.match(await authenticator.authenticate({ token: 'nonsense', userHint: 'Ada' }), { id: 'Ada', grants: everything });
  const token = await hs256({ sub: 'grace', roles: ['viewer'] });
  t.match(await authenticator.authenticate({ token }), { id: 'grace', isAnonymous: false });
});

void t.test('a minted token is good where it was minted, for as long as was asked', async (t) => {
  const { start, clock } = await bench(t);
  const authenticator = await start({ jwtSecret: SECRET });
  const grants = [{ document: 'form/x', role: 'editor' as const, paths: ['fields/a'] }];
  const minted = await authenticator.mint({ sub: 'ada', name: 'Ada', grants, ttlSeconds: 60 });
  t.equal(minted.expiresAt, new Date(START + 60_000).toISOString());
  const principal = await authenticator.authenticate({ token: minted.token });
  t.match(principal, { id: 'ada', name: 'Ada', grants, jti: minted.jti, expiresAt: START + 60_000 });
  t.not((await authenticator.mint({ sub: 'ada', grants, ttlSeconds: 60 })).jti, minted.jti);
  clock.now += 60_000;
  await t.rejects(authenticator.authenticate({ token: minted.token }), refusedAs('token_expired'));
  for (const ttlSeconds of [0, -1, 1.5, NaN, 11 * 366 * 86_400]) {
    await t.rejects(authenticator.mint({ sub: 'ada', grants, ttlSeconds }), RangeError, String(ttlSeconds));
  }
  for (const sub of ['', 'x'.repeat(129), 'a\0']) {
    await t.rejects(authenticator.mint({ sub, grants, ttlSeconds: 60 }), { name: 'ZodError' });
  }
  await t.rejects(authenticator.mint({ sub: 'ada', grants: [{ document: '', role: 'editor' }], ttlSeconds: 60 }));
  const many = Array.from({ length: 200 }, (_, i) => ({
    document: `form/${i}-${'x'.repeat(60)}`,
    role: 'editor' as const,
  }));
  await t.rejects(
    authenticator.mint({ sub: 'ada', grants: many, ttlSeconds: 60 }),
    { name: 'ZodError', message: /at most 12288 fit/ },
    'no request could carry it',
  );
});

void t.test('a revoked token ends on every node that shares the store, its neighbours live on', async (t) => {
  const { start } = await bench(t);
  const [one, two] = [await start({ jwtSecret: SECRET }), await start({ jwtSecret: SECRET })];
  const told: Revocation[] = [];
  two.onRevoked((revocation) => told.push(revocation));
  const [first, second] = await Promise.all(
    [1, 2].map(() => one.mint({ sub: 'ada', grants: [{ document: '*', role: 'editor' }], ttlSeconds: 600 })),
  );
  const [token = '', other = '', jti = ''] = [first?.token, second?.token, first?.jti];
  const principal = await two.authenticate({ token });
  await one.revoke({ jti });
  await t.rejects(one.authenticate({ token }), refusedAs('token_revoked'), 'at once where it was revoked');
  await eventually('the other node knows', () => two.isRevoked(principal));
  await t.rejects(two.authenticate({ token }), refusedAs('token_revoked'), 'though it had verified the token before');
  t.strictSame(told, [{ jti, at: START }]);
  t.equal((await two.authenticate({ token: other })).id, 'ada');
  await one.revoke({ jti });
  t.equal(told.length, 1, 'each is told once');
});

void t.test('revoking a person ends all tokens issued until then, and none later', async (t) => {
  const { start, clock } = await bench(t);
  const [one, two] = [await start({ jwtSecret: SECRET }), await start({ jwtSecret: SECRET })];
  const grants = [{ document: '*', role: 'editor' as const }];
  const before = await one.mint({ sub: 'ada', grants, ttlSeconds: 600 });
  const ageless = await hs256({ sub: 'ada' });
  const [principal] = await Promise.all([
    two.authenticate({ token: before.token }),
    two.authenticate({ token: ageless }),
  ]);
  clock.now += 1_000;
  await one.revoke({ sub: 'ada' });
  await eventually('the other node knows', () => two.isRevoked(principal));
  for (const token of [before.token, ageless]) await t.rejects(two.authenticate({ token }), refusedAs('token_revoked'));
  // In the very same millisecond: a person who is let in again at once must get in.
  const after = await one.mint({ sub: 'ada', grants, ttlSeconds: 600 });
  t.equal((await two.authenticate({ token: after.token })).id, 'ada');
  t.equal((await two.authenticate({ token: await hs256({ sub: 'grace' }) })).id, 'grace');
});

void t.test(
  'a node that was away when a token was revoked, or did not hear of it, finds it in the store',
  async (t) => {
    const { start, storage } = await bench(t);
    const one = await start({ jwtSecret: SECRET });
    // A bus on which nobody else speaks.
    const elsewhere = await openFolder(t, await newDataFolder(t));
    const deaf = await start({
      jwtSecret: SECRET,
      bus: elsewhere.bus,
      refreshEveryMs: 20,
    });
    const { token, jti } = await one.mint({ sub: 'ada', grants: [], ttlSeconds: 600 });
    const principal = await deaf.authenticate({ token });
    await one.revoke({ jti });
    await eventually('it has read it', () => deaf.isRevoked(principal));
    const later = await start({ jwtSecret: SECRET });
    await t.rejects(later.authenticate({ token }), refusedAs('token_revoked'));
    const record = await storage.records.get(['auth', 'revocation', 'jti', jti]);
    t.equal(record?.expiresAt, START + 600_000, 'the record goes with the token');
  },
);
