/** The identity provider is away: nobody is told that a token is wrong. */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { SignJWT } from 'jose';
import { pino } from 'pino';
import t from 'tap';
import { WebSocket } from 'ws';
import { startFormloom } from '../../cli/compose.js';
import { loadConfig } from '../../server/config/index.js';
import { freePort } from '../harness/free-port.js';
import { temporaryFolder } from '../harness/server-process.js';
import { restClient } from '../harness/rest-client.js';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const port = await freePort();
const config = loadConfig({
  env: {
    PORT: '0',
    DATA_DIR: await temporaryFolder(),
    AUTH: 'jwt',
    JWKS_URL: `http://127.0.0.1:${port}/jwks.json`,
    CORS_ORIGINS: 'https://forms.example.org',
  },
});
const lines: string[] = [];
const formloom = await startFormloom(
  config,
  pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) }),
);
t.teardown(() => formloom.close(0));

const token = await new SignJWT({ sub: 'ada', roles: ['editor'] })
  .setProtectedHeader({ alg: 'EdDSA', kid: 'k' })
  .sign(privateKey);
const rest = restClient(formloom.url, token);

interface Handshake {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: string;
}

/** How the upgrade is answered: 101, or the refusal. */
async function handshake(query: string): Promise<Handshake> {
  const socket = new WebSocket(`${formloom.url.replace(/^http/, 'ws')}/form/x?${query}`);
  socket.on('error', () => undefined);
  return new Promise((resolve) => {
    socket.once('open', () => {
      socket.close();
      resolve({ status: 101, retryAfter: undefined, body: '' });
    });
    socket.once('unexpected-response', (_request, response: IncomingMessage) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.once('end', () => {
        resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'], body });
      });
    });
  });
}

void t.test('while the keys cannot be fetched, REST and upgrades answer 503 and when to come back', async (t) => {
  const answer = await rest.get('/forms');
  t.equal(answer.status, 503);
  t.equal(answer.body.code, 'keys_unavailable');
  t.match(answer.headers.get('retry-after'), /^[1-9]\d*$/);
  const refused = await handshake(`token=${token}`);
  t.equal(refused.status, 503);
  t.match(refused.retryAfter, /^[1-9]\d*$/);
  t.match(JSON.parse(refused.body), { status: 503, code: 'keys_unavailable' });
  for (let i = 0; i < 3; i++) await handshake(`token=${token}`);
  t.equal(lines.filter((line) => line.includes('tokens cannot be verified')).length, 1, 'told once');
});

void t.test('a token that needs no key to be seen as wrong is still wrong', async (t) => {
  t.equal((await rest.get('/forms', { token: 'nonsense' })).body.code, 'token_invalid');
  t.equal((await rest.get('/forms', { token: 'a.b.c' })).body.code, 'token_invalid');
  t.equal((await handshake('token=nonsense')).status, 101, 'a browser sees close codes, so it is closed with 4401');
});

void t.test('when the provider is back everything works without a restart', async (t) => {
  const provider = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'EdDSA' }] }));
  });
  provider.listen(port, '127.0.0.1');
  await once(provider, 'listening');
  t.teardown(() => {
    provider.closeAllConnections();
    provider.close();
  });
  t.equal((await rest.get('/forms')).status, 200);
  t.equal((await handshake(`token=${token}`)).status, 101);
});

void t.test(
  'the page of the documentation works on plain HTTP, and browsers may read what an export lost',
  async (t) => {
    const page = await fetch(`${formloom.url}/api/v1/docs/`);
    const policy = page.headers.get('content-security-policy') ?? '';
    t.match(policy, /default-src 'self'/);
    t.notMatch(policy, /upgrade-insecure-requests|https:/);
    const answer = await fetch(`${formloom.url}/api/v1/health/live`, {
      headers: { origin: 'https://forms.example.org' },
    });
    t.match(answer.headers.get('access-control-expose-headers'), /x-formloom-losses/);
  },
);
