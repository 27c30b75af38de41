import t from 'tap';
import * as Y from 'yjs';
import { composeServer } from '../harness/composed-server.js';
import { message, rawClient, syncStep1, updateMessage } from '../harness/raw-client.js';
import { restClient } from '../harness/rest-client.js';
import { stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

const ADMIN = 'administration-token';

void t.test('what a limited writer holds back is not applied later with the rights of somebody else', async (t) => {
  const env = { AUTH: 'jwt', JWT_SECRET: 'a secret that is long enough for HS256', ADMIN_TOKEN: ADMIN };
  const server = await composeServer({ env });
  t.teardown(() => server.cleanup());
  const admin = restClient(server.http, ADMIN);
  const title = { en: 'Title', fr: 'Titre' };
  const form = { id: 'f', languages: ['en', 'fr'], title, pages: [{ id: 'p1', title, fields: [] }] };
  t.equal((await admin.post('/forms', form)).status, 201);
  const grants = [{ document: 'form/f', role: 'editor', languages: ['fr'] }];
  const { token } = (await admin.post('/tokens', { sub: 'traductrice', grants })).body;

  const editor = stockClient(server.ws, 'form/f', { params: { token: ADMIN } });
  t.teardown(() => editor.destroy());
  await editor.synced();
  const doc = new Y.Doc();
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(editor.doc));
  // Two edits; only the second one is sent: Yjs would keep it until the first one comes, from whomever.
  const updates: Uint8Array[] = [];
  doc.on('update', (update: Uint8Array) => updates.push(update));
  doc.getMap('meta').set('note', 1);
  doc.getMap('meta').set('title', 'vandalism');
  const limited = await rawClient(`${server.ws}/form/f?token=${token}`);
  t.teardown(() => limited.destroy());
  limited.send(syncStep1());
  limited.send(updateMessage(updates[1]!));
  t.equal((await limited.closing()).code, 4409);

  // The same with a deletion of what nobody has written yet.
  const early = await rawClient(`${server.ws}/form/f?token=${token}`);
  t.teardown(() => early.destroy());
  const nextClock = Y.getState(editor.doc.store, editor.doc.clientID);
  const deletion = [0, 1, ...varUint(editor.doc.clientID), 1, ...varUint(nextClock), 100];
  early.send(message(0, 2, Uint8Array.from(deletion)));
  t.equal((await early.closing()).code, 4409);

  editor.doc.getMap('meta').set('languages', ['en', 'fr', 'de']);
  await editor.saved();
  Y.applyUpdate(editor.doc, updates[0]!);
  await until(async () => (await admin.get('/forms/f')).body.languages.length === 3);
  t.strictSame((await admin.get('/forms/f')).body.title, title);
});

function varUint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}
