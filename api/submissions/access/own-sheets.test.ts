import { exportSPKI, generateKeyPair, SignJWT } from 'jose';
import t from 'tap';
import { readAnswers } from '../../../crdt/submission/index.js';
import { composeServer } from '../../../test/harness/composed-server.js';
import { restClient, type RestClient } from '../../../test/harness/rest-client.js';
import { stockClient } from '../../../test/harness/stock-client.js';
import { until } from '../../../test/harness/until.js';

interface Grant {
  readonly document: string;
  readonly role: string;
}

const ADMIN = 'an-administrators-token-for-tests';
const { privateKey, publicKey } = await generateKeyPair('ES256');
const server = await composeServer({
  env: { AUTH: 'jwt', JWT_PUBLIC_KEY: await exportSPKI(publicKey), ADMIN_TOKEN: ADMIN },
});
t.teardown(() => server.cleanup());
const admin = restClient(server.http, ADMIN);
await admin.post('/forms', { id: 'visit', pages: [{ id: 'p', fields: [{ id: 'name', type: 'text' }] }] });
await admin.post('/forms/visit/publish');

const tokenOf = (sub: string, ...grants: Grant[]): Promise<string> =>
  new SignJWT({ name: sub, grants })
    .setProtectedHeader({ alg: 'ES256' })
    .setSubject(sub)
    .setExpirationTime('5m')
    .sign(privateKey);
const FILLS: Grant = { document: 'form/visit', role: 'respondent' };
const as = async (sub: string, ...grants: Grant[]): Promise<RestClient> =>
  restClient(server.http, await tokenOf(sub, ...grants));

void t.test('who logs in has what they started, on each of their devices; nobody else has', async (t) => {
  const ann = await as('ann', FILLS);
  const started = await ann.post('/forms/visit/submissions');
  t.equal(started.status, 201);
  t.equal(started.body.token, null, 'the server has no secret: the own token does');
  const { id, document } = started.body as { id: string; document: string };
  const path = `/forms/visit/submissions/${id}`;
  t.equal((await ann.patch(`${path}/answers`, { answers: { name: 'Ann' } })).status, 200);

  const phone = stockClient(server.ws, document, { params: { token: await tokenOf('ann', FILLS) } });
  t.teardown(() => phone.destroy());
  await phone.synced();
  t.same(readAnswers(phone.doc), { name: 'Ann' });
  phone.doc.getMap('answers').set('name', 'Ann Lee');
  await phone.saved();
  t.same((await ann.get(path)).body.answers, { name: 'Ann Lee' });
  t.equal((await ann.get(`/documents/${encodeURIComponent(document)}`)).status, 200);

  const own = { document, role: 'respondent' };
  for (const [who, other] of [
    ['another respondent', await as('bob', FILLS)],
    ['the same person without the form', await as('ann', { document: 'form/other', role: 'respondent' })],
    ['a token that was given for another sheet', await as('ann', FILLS, { ...own, document: `${document}0` })],
  ] as const) {
    t.equal((await other.get(path)).status, 404, who);
    t.equal((await other.patch(`${path}/answers`, { answers: { name: 'X' } })).status, 404, who);
    t.equal((await other.post(`${path}/submit`)).status, 404, who);
  }
  t.equal((await ann.get('/forms/visit/submissions')).status, 403, 'a list shows what others wrote');
  t.equal((await ann.delete(path)).status, 403, 'erasing is for owners');
  const stranger = stockClient(server.ws, document, { params: { token: await tokenOf('bob', FILLS) } });
  t.teardown(() => stranger.destroy());
  await until(() => stranger.closes.includes(4403), {
    what: () => `closed with 4403, not ${stranger.closes.join(' ')}`,
  });

  t.same((await ann.post(`${path}/submit`)).body.answers, { name: 'Ann Lee' });
});
