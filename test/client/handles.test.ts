import t from 'tap';
import { WebSocket } from 'ws';
import * as Y from 'yjs';
import {
  guardLeaving,
  IDLE_AFTER_MS,
  openComments,
  openForm,
  openSubmission,
  OperationsRefusedError,
  Presence,
  RequestRefusedError,
  resumeSubmission,
  startSubmission,
  webSocketTransport,
  type OpenTransport,
  type Refusal,
} from '../../client/index.js';
import { composeServer } from '../harness/composed-server.js';
import { restClient } from '../harness/rest-client.js';
import { until } from '../harness/until.js';
import { saved, sdk, synced } from './sdk-client.js';

const ADMIN = 'an-administrators-token-for-tests';
const server = await composeServer({
  env: { AUTH: 'jwt', JWT_SECRET: 'a-secret-that-signs-tokens-in-tests!', ADMIN_TOKEN: ADMIN },
});
t.teardown(() => server.cleanup());
const admin = restClient(server.http, ADMIN);
const mint = async (sub: string, ...grants: object[]): Promise<string> =>
  (await admin.post('/tokens', { sub, name: sub.toUpperCase(), grants })).body.token as string;

const FORM = {
  id: 'visit',
  title: { en: 'Visit' },
  pages: [{ id: 'p1', fields: [{ id: 'name', type: 'text', title: { en: 'Your name' }, required: true }] }],
};
await admin.post('/forms', FORM);
await admin.post('/forms/visit/publish');

void t.test('a form is read, changed and bound to texts by two people', async (t) => {
  const ada = openForm(
    sdk(t, server.http, { token: await mint('ada', { document: 'form/visit', role: 'owner' }) }),
    'visit',
  );
  const bob = openForm(
    sdk(t, server.http, { token: await mint('bob', { document: 'form/visit', role: 'editor' }) }),
    'visit',
  );
  await Promise.all([synced(ada.connection), synced(bob.connection)]);
  t.equal(ada.form.title['en'], 'Visit');
  t.equal(ada.form, ada.form, 'the same object while nothing changes');

  let told = 0;
  const stop = bob.subscribe(() => (told += 1));
  ada.apply(
    { op: 'setTitle', language: 'fr', value: 'Visite' },
    { op: 'addField', page: 'p1', after: 'name', field: { id: 'when', type: 'date', title: { en: 'When' } } },
  );
  await saved(ada.connection);
  await until(() => bob.form.pages[0]?.fields.length === 2);
  t.ok(told > 0);
  t.same(bob.form, (await admin.get('/forms/visit')).body);
  stop();

  const undo = new Y.UndoManager(ada.doc.getMap('fields'), { trackedOrigins: new Set([ada]) });
  ada.apply({ op: 'setProperty', target: 'fields/when', path: 'required', value: true });
  t.equal(ada.form.pages[0]?.fields[1]?.required, true);
  undo.undo();
  t.equal(ada.form.pages[0]?.fields[1]?.required, false);

  bob.text('fields/when', 'title', 'en').insert(4, '?');
  bob.text('pages/p1', 'title', 'en').insert(0, 'First');
  await saved(bob.connection);
  await until(() => ada.form.pages[0]?.fields[1]?.title['en'] === 'When?');
  t.equal(ada.form.pages[0]?.title['en'], 'First');
  t.throws(() => bob.text('fields/none', 'title', 'en'), RangeError);

  t.throws(() => ada.apply({ op: 'removeField', fieldId: 'none' }), OperationsRefusedError);
  t.throws(() => ada.apply({ op: 'setTitle', language: 'no language', value: '' }), OperationsRefusedError);

  ada.presence?.show({ activity: 'typing', field: 'name', cursor: { index: 3 } });
  await until(() => bob.presence?.others[0]?.activity === 'typing');
  t.match(bob.presence?.others, [
    { user: { id: 'ada', name: 'ADA', role: 'owner' }, field: 'name', cursor: { index: 3 } },
  ]);

  // What is on its way is published too; what cannot get there keeps the form from being published without it.
  ada.apply({ op: 'setTitle', language: 'fr', value: 'Visite du site' });
  ada.connection.disconnect();
  ada.apply({ op: 'setTitle', language: 'fr', value: 'Visite d’un site' });
  await t.rejects(ada.requests.publish(), { name: 'ConnectionClosedError' });
  ada.connection.connect();
  const published = await ada.requests.publish();
  t.equal(published.version, 2);
  t.equal((await ada.requests.version(2)).title['fr'], 'Visite d’un site');
  await t.rejects(bob.requests.publish(), { name: 'RequestRefusedError', status: 403, code: 'forbidden' });
  t.equal((await bob.requests.version(1)).pages[0]?.fields.length, 1);
  ada.close();
  await until(() => bob.presence?.others.length === 0);
});

void t.test('an edit that cannot stand is undone, and its author is told why', async (t) => {
  const scope = { document: 'form/visit', role: 'editor', paths: ['fields/name'] };
  const form = openForm(sdk(t, server.http, { token: await mint('sam', scope) }), 'visit');
  const free = openForm(sdk(t, server.http, { token: ADMIN }), 'visit');
  await Promise.all([synced(form.connection), synced(free.connection)]);
  const undone: Refusal[] = [];
  form.connection.on('undone', (refusals) => undone.push(...refusals));

  form.apply({ op: 'setTitle', language: 'en', value: 'Mine' });
  await until(() => undone.length > 0);
  t.match(undone, [{ target: 'form', property: 'title.en', code: 'forbidden', message: String }]);
  await saved(form.connection);
  t.equal(form.form.title['en'], 'Visit', 'it is undone here too');

  undone.length = 0;
  form.doc.getMap<Y.Map<unknown>>('fields').get('name')?.set('required', 'yes');
  await until(() => undone.length > 0);
  t.match(undone, [{ target: 'fields/name', code: 'invalid_shape' }]);
  await until(() => form.form.pages[0]?.fields[0]?.required === true);

  form.apply({ op: 'setTitle', target: 'fields/name', language: 'en', value: 'Name' });
  await saved(form.connection);
  await until(() => free.form.pages[0]?.fields[0]?.title['en'] === 'Name');
});

void t.test('comments are read live and written by request', async (t) => {
  const ada = sdk(t, server.http, { token: await mint('ada', { document: 'form/visit', role: 'owner' }) });
  const bob = sdk(t, server.http, { token: await mint('bob', { document: 'form/visit', role: 'commenter' }) });
  const hers = openComments(ada, 'visit');
  const his = openComments(bob, 'visit');
  await Promise.all([synced(hers.connection), synced(his.connection)]);
  const thread = await hers.start({ type: 'field', fieldId: 'name' }, 'Why, @[bob]?');
  await until(() => his.threads.length === 1);
  const reply = await his.reply(thread.id, 'Because.');
  await hers.react(thread.id, reply.id, 'like');
  await hers.assign(thread.id, 'bob');
  await hers.resolve(thread.id);
  await until(() => his.threads[0]?.status === 'resolved' && his.threads[0].comments.length === 2);
  t.match(his.threads, [
    {
      assignee: 'bob',
      anchor: { type: 'field', fieldId: 'name' },
      comments: [{}, { body: 'Because.', reactions: { like: ['ada'] } }],
    },
  ]);
  await t.rejects(hers.edit(thread.id, reply.id, 'No.'), RequestRefusedError);
  await his.edit(thread.id, reply.id, 'So.');
  await his.delete(thread.id, reply.id);
  await hers.reopen(thread.id);
  await until(() => hers.threads[0]?.status === 'open');
});

void t.test('a sheet is filled by two, judged while it is filled, and handed in once', async (t) => {
  const options = { url: server.http, WebSocket };
  const respondent = sdk(t, server.http, { token: await mint('rita', { document: 'form/visit', role: 'respondent' }) });
  const started = await startSubmission(respondent, 'visit');
  let held: (() => void)[] | undefined;
  const slow: OpenTransport = (target, events) => {
    const line = webSocketTransport(WebSocket)(target, events);
    const send = (frame: Uint8Array): void => {
      if (held === undefined) line.send(frame);
      else held.push(() => line.send(frame));
    };
    return { send, close: () => line.close() };
  };
  const sheet = openSubmission({ ...options, transports: [slow] }, started);
  t.teardown(() => sheet.close());
  const resumed = await resumeSubmission(sdk(t, server.http), started.resumeToken ?? '');
  const again = openSubmission(options, resumed);
  t.teardown(() => again.close());
  await Promise.all([synced(sheet.connection), synced(again.connection)]);

  await t.rejects(sheet.submit(), { code: 'validation_failed', errors: [{ path: /name/ }] });
  sheet.answer({ name: 'Ada' });
  sheet.turnTo('p1');
  await saved(sheet.connection);
  await until(() => again.answers['name'] === 'Ada');
  t.match(again.meta, { status: 'in_progress', page: 'p1', formId: 'visit' });
  await until(() => again.verdict.progress?.percent === 100);
  t.match(await sheet.validate(), { valid: true });
  // The last answer is held up on its way, or has none: the sheet is not handed in without it.
  held = [];
  sheet.answer({ name: 'Ada L.' });
  const submitting = sheet.submit();
  // Long enough for a request that does not wait.
  const meanwhile = async (): Promise<void> => {
    for (let i = 0; i < 50; i++) await admin.get('/forms/visit');
  };
  await Promise.race([submitting, meanwhile()]);
  const late = held;
  held = undefined;
  for (const send of late) send();
  t.match(await submitting, { status: 'submitted' });
  await until(() => again.meta.status === 'submitted');
  t.equal((await admin.get(`/forms/visit/submissions/${started.id}`)).body.answers.name, 'Ada L.');

  const undone: Refusal[] = [];
  again.connection.on('undone', (refusals) => undone.push(...refusals));
  again.answer({ name: 'Bob' });
  await until(() => undone.length > 0);
  t.match(undone, [{ target: 'fields/name', code: 'forbidden' }]);
  await until(() => again.answers['name'] === 'Ada L.');
  const other = openSubmission(options, await startSubmission(respondent, 'visit'), { connect: false });
  t.teardown(() => other.close());
  other.answer({ name: 'Eve' });
  await t.rejects(other.submit(), { name: 'ConnectionClosedError' });
});

void t.test('a sheet is offered a newer version, and moves to it for all who fill it', async (t) => {
  const respondent = sdk(t, server.http, { token: await mint('rita', { document: 'form/moves', role: 'respondent' }) });
  const pages = (...fields: object[]): object => ({ id: 'moves', pages: [{ id: 'p1', fields }] });
  const name = { id: 'name', type: 'text' };
  t.equal((await admin.post('/forms', pages(name, { id: 'age', type: 'text' }))).status, 201);
  await admin.post('/forms/moves/publish');
  const started = await startSubmission(respondent, 'moves');
  const sheet = openSubmission({ url: server.http, WebSocket }, started);
  t.teardown(() => sheet.close());
  sheet.answer({ name: 'Ada', age: '42' });
  await saved(sheet.connection);
  t.equal(sheet.verdict.offer, null);
  await admin.put('/forms/moves', pages(name, { id: 'age', type: 'number' }));
  await admin.post('/forms/moves/publish');
  await until(() => sheet.verdict.offer?.version === 2);
  const outcome = { from: 1, to: 2, answers: [{ field: 'age', outcome: 'converted', before: '42', after: 42 }, {}] };
  t.match(await sheet.previewMigration(), outcome);
  t.equal(sheet.meta.version, 1);
  t.match(await sheet.migrate(), outcome);
  await until(() => sheet.meta.version === 2 && sheet.answers['age'] === 42);
  await until(() => sheet.verdict.offer === null);
});

void t.test('whoever does nothing for a minute is idle, until the next sign', async (t) => {
  const { awareness } = sdk(t, server.http).open('notes', { connect: false });
  const timers: { ms: number; run: () => void }[] = [];
  const presence = new Presence(awareness!, {
    now: () => 0,
    random: () => 0,
    after: (ms, run) => {
      timers.push({ ms, run });
      return () => undefined;
    },
  });
  t.equal(awareness!.getLocalState()?.['activity'], 'viewing');
  t.equal(timers[0]?.ms, IDLE_AFTER_MS);
  timers[0]!.run();
  t.equal(awareness!.getLocalState()?.['activity'], 'idle');
  presence.show({ field: 'name' });
  t.equal(awareness!.getLocalState()?.['activity'], 'viewing');
  presence.destroy();
  t.equal(awareness!.getLocalState(), null);
});

void t.test('a page with unsaved changes is not left without a question', async (t) => {
  const page = new EventTarget();
  const connection = { hasUnsavedChanges: true };
  const stop = guardLeaving(connection, page);
  const leave = (): boolean => page.dispatchEvent(new Event('beforeunload', { cancelable: true }));
  t.notOk(leave());
  connection.hasUnsavedChanges = false;
  t.ok(leave());
  connection.hasUnsavedChanges = true;
  stop();
  t.ok(leave());
});
