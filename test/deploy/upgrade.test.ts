/** A data folder that an earlier version wrote, and did not stop in order, is opened by this one: nothing is missing. */
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import * as Y from 'yjs';
import { restClient } from '../harness/rest-client.js';
import { startServer, temporaryFolder } from '../harness/server-process.js';

const FOLDER = path.join(import.meta.dirname, '../data/upgrade');
const ADMIN = 'an-administrator-token-of-32-bytes!!';

void t.test('what the version of 24 November 2026 (1b72c67) wrote', async (t) => {
  const wrote = JSON.parse(await readFile(path.join(FOLDER, '1b72c67.json'), 'utf8')) as Record<string, string>;
  const dataDir = await temporaryFolder();
  execFileSync('tar', ['-C', dataDir, '-xzf', path.join(FOLDER, '1b72c67.tar.gz')]);
  const env = { AUTH: 'jwt', JWT_SECRET: 'a-secret-of-at-least-32-characters!!', ADMIN_TOKEN: ADMIN };
  const server = await startServer({ env, dataDir });
  t.teardown(() => server.cleanup());
  const api = restClient(server.http, ADMIN);

  const form = await api.get('/forms/club');
  t.match(form.body, { title: { en: 'Chess club', fr: 'Club d’échecs' } });
  const [name, , level] = form.body.pages[0].fields;
  t.match(name, { id: 'name', title: { en: 'Your name', fr: 'Votre nom' }, required: true });
  t.equal(level.options.length, 2);
  t.equal((await api.get('/forms/club/versions')).body.data.length, 1, 'the published version');
  const history = await api.get('/forms/club/fields/name/history');
  const [added] = history.body.data.slice(-1);
  t.match(added, { user: { id: 'admin' }, kind: 'added', after: { title: { fr: 'Votre nom' } } }, 'who changed what');

  const sheet = await api.get(`/forms/club/submissions/${wrote['submission']}`);
  t.match(sheet.body, { status: 'submitted', version: 1, answers: { name: 'Ada', level: 'o1' } });
  const file = await api.bytes(`/forms/club/submissions/${wrote['submission']}/files/${wrote['file']}`);
  t.equal(Buffer.from(file).toString(), 'a file');
  t.equal((await api.get('/forms/club/submissions')).body.data.length, 2);
  const resumed = await api.post('/submissions/resume', { resumeToken: wrote['resume'] });
  t.equal(resumed.body.id, wrote['open'], 'a resume token still opens its sheet');
  const open = await api.get(`/forms/club/submissions/${wrote['open']}`, { token: resumed.body.token });
  t.equal(open.body.answers.name, 'Ben');
  const thread = await api.get(`/forms/club/threads/${wrote['thread']}`);
  t.match(thread.body, { status: 'open', anchor: { fieldId: 'name' }, comments: [{ body: 'Is this enough? @[ben]' }] });

  const notes = new Y.Doc();
  Y.applyUpdate(notes, await api.bytes('/documents/notes%2Fold/state'));
  t.equal(notes.getText('text').toString(), 'More Notes of before');
  const folded = new Y.Doc();
  Y.applyUpdate(folded, await api.bytes('/documents/folded/state'));
  t.same(folded.getArray('a').toJSON(), [1, 2, 3]);
  const restored = await api.post(`/documents/notes%2Fold/snapshots/${wrote['snapshot']}/restore?dryRun=true`);
  t.equal(restored.status, 200, 'a snapshot can be gone back to');

  t.equal((await api.post('/forms', { id: 'gone' })).body.code, 'form_deleted', 'what was erased stays so');
  t.equal((await api.get('/forms', { token: wrote['revoked'] })).body.code, 'token_revoked');
  t.equal((await api.get('/webhooks')).body.data[0].url, 'https://example.org/hook');
  const pools = (await api.get('/optimization/pools')).body.data;
  t.match(
    pools.find((pool: { name: string }) => pool.name === 'vip'),
    { size: 7 },
  );
  t.equal((await api.get('/forms/club/policy')).body.default, 'merge');
  t.ok((await api.get('/audit')).body.data.length > 3);

  // And it goes on from there.
  const patched = await api.patch('/forms/club', {
    operations: [{ op: 'setTitle', target: 'form', language: 'en', value: 'Go club' }],
  });
  t.equal(patched.body.title.en, 'Go club');
  t.equal((await api.post('/forms/club/publish')).body.version, 2);
});
