import t from 'tap';
import { restClient, type Answer, type RestClient } from '../harness/rest-client.js';
import { startServer } from '../harness/server-process.js';

const ADMIN = 'an-administrator-token-of-32-bytes!!';
const server = await startServer({
  env: { AUTH: 'jwt', JWT_SECRET: 'a-secret-of-at-least-32-characters!!', ADMIN_TOKEN: ADMIN },
});
t.teardown(() => server.cleanup());
const admin = restClient(server.http, ADMIN);
const anybody = restClient(server.http);

const as = async (sub: string, role = 'commenter', document = 'form/*'): Promise<RestClient> => {
  const minted = await admin.post('/tokens', { sub, name: sub, grants: [{ document, role }], ttlSeconds: 600 });
  if (minted.status !== 201) throw new Error(minted.text);
  return restClient(server.http, minted.body.token as string);
};
const newForm = async (id: string): Promise<void> => {
  const created = await admin.post('/forms', { id, title: { en: 'Chess' } });
  if (created.status !== 201) throw new Error(created.text);
};
/** Answers the id of the thread. */
const start = async (by: RestClient, form: string, body: string): Promise<string> => {
  const started = await by.post(`/forms/${form}/threads`, { anchor: { type: 'form' }, body });
  if (started.status !== 201) throw new Error(started.text);
  return started.body.id as string;
};
const say = (by: RestClient, form: string, thread: string, body: string): Promise<Answer> =>
  by.post(`/forms/${form}/threads/${thread}/comments`, { body });
interface Shown {
  readonly id: string;
  readonly reason: string;
  readonly text: string;
  readonly channels: string[];
  readonly count: number;
}
const inbox = async (of: RestClient, query = ''): Promise<Shown[]> =>
  (await of.get(`/notifications${query}`)).body.data;
const reasons = async (of: RestClient, query = ''): Promise<string[]> =>
  (await inbox(of, query)).map(({ reason }) => reason);

/** Webhooks aside: they are the operator's. */
const unhooked = (channels: readonly string[]): string[] => channels.filter((channel) => channel !== 'webhook');

void t.test('each is told of what concerns them, with reason and priority, and never of their own doing', async (t) => {
  await newForm('chess');
  const [ann, ben, cid, dee] = await Promise.all(['ann', 'ben', 'cid', 'dee'].map((sub) => as(sub)));
  const thread = await start(ann!, 'chess', 'Look, @[ben] and @[ann]!');
  t.same(await inbox(ann!), [], 'not of what one says oneself');
  const [mention] = await inbox(ben!);
  t.match(mention, {
    reason: 'mention',
    priority: 'high',
    formId: 'chess',
    threadId: thread,
    actor: { id: 'ann', name: 'ann' },
    text: 'Look, @[ben] and @[ann]!',
    readAt: null,
    archivedAt: null,
    count: 1,
  });
  t.same(unhooked(mention!.channels), ['inbox', 'live']);
  await say(ben!, 'chess', thread, 'I see.');
  t.match(await inbox(ann!), [{ reason: 'reply', priority: 'normal', text: 'I see.' }]);
  t.same(await reasons(cid!), []);
  await ann!.patch(`/forms/chess/threads/${thread}`, { assignee: 'cid' });
  t.match(await inbox(cid!), [{ reason: 'assigned', priority: 'high', text: 'Look, @[ben] and @[ann]!' }]);
  await ann!.patch(`/forms/chess/threads/${thread}`, { assignee: 'cid', status: 'resolved' });
  t.same(await reasons(cid!), ['resolved', 'assigned'], 'newest first; the same assignee is told once');
  t.match(await inbox(ben!, '?reason=resolved'), [{ reason: 'resolved', priority: 'low' }]);

  const reply = await say(ben!, 'chess', thread, 'And again');
  await ben!.patch(`/forms/chess/threads/${thread}/comments/${reply.body.id}`, { body: 'And again, @[dee]' });
  t.match(await inbox(dee!), [{ reason: 'mention', text: 'And again, @[dee]' }], 'an edit tells whom it mentions anew');
  await ben!.patch(`/forms/chess/threads/${thread}/comments/${reply.body.id}`, { body: 'And again, dear @[dee]' });
  t.equal((await inbox(dee!)).length, 1);

  t.same(await reasons(cid!, '?priority=high'), ['assigned']);
  t.same(await reasons(cid!, '?reason=mention'), []);
  t.equal((await cid!.get('/notifications?reason=birthday')).status, 422);
  t.equal((await cid!.get('/notifications?priority=huge')).status, 422);
  t.equal((await cid!.get('/notifications?unread=perhaps')).status, 422);
  t.equal((await anybody.get('/notifications')).status, 401);
});

void t.test('they are read, archived and listed page after page, by their owner alone', async (t) => {
  await newForm('pages');
  const [eva, fay] = [await as('eva'), await as('fay')];
  const thread = await start(eva, 'pages', 'Begin');
  for (let i = 0; i < 5; i++) await say(fay, 'pages', thread, `reply ${i}`);
  const all = await inbox(eva);
  t.same(
    all.map(({ text }) => text),
    ['reply 4', 'reply 3', 'reply 2', 'reply 1', 'reply 0'],
  );
  const seen: string[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: Answer = await eva.get(`/notifications?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
    seen.push(...page.body.data.map(({ id }: Shown) => id));
    cursor = page.body.nextCursor as string | null;
  }
  t.same(
    seen,
    all.map(({ id }) => id),
  );

  const [first, second] = all;
  t.same((await fay.post('/notifications/read', { ids: [first!.id] })).body, { read: 0 }, 'not those of others');
  t.same((await eva.post('/notifications/read', { ids: [first!.id, first!.id] })).body, { read: 1 });
  t.equal((await inbox(eva, '?unread=true')).length, 4);
  t.same(
    (await inbox(eva, '?unread=false')).map(({ id }) => id),
    [first!.id],
  );
  t.equal((await fay.delete(`/notifications/${second!.id}`)).body.code, 'notification_not_found');
  t.equal((await eva.delete(`/notifications/${second!.id}`)).status, 204);
  t.equal((await eva.delete(`/notifications/${second!.id}`)).status, 204, 'twice is once');
  t.equal((await inbox(eva)).length, 4);
  t.same(
    (await inbox(eva, '?archived=true')).map(({ id }) => id),
    [second!.id],
  );
  t.equal((await eva.post('/notifications/read', { all: true })).body.read, 4);
  t.same(await inbox(eva, '?unread=true'), []);

  const unknown = '01234567-89ab-7def-8123-456789abcdef';
  t.equal((await eva.delete(`/notifications/${unknown}`)).status, 404);
  t.equal((await eva.delete('/notifications/nonsense')).status, 422);
  for (const body of [{}, { ids: [] }, { ids: ['x'] }, { all: false }, { all: true, ids: [unknown] }]) {
    t.equal((await eva.post('/notifications/read', body)).status, 422, JSON.stringify(body));
  }
  t.equal(
    (await eva.post('/notifications/read', '{', { headers: { 'content-type': 'application/json' } })).status,
    400,
  );
  const xml = { headers: { 'content-type': 'application/xml' } };
  t.equal((await eva.post('/notifications/read', '<a/>', xml)).status, 415);
  t.equal((await anybody.post('/notifications/read', { all: true })).status, 401);
  t.equal((await anybody.delete(`/notifications/${unknown}`)).status, 401);
});

void t.test('what belongs together is one group', async (t) => {
  await newForm('groups');
  const [gil, hal] = [await as('gil'), await as('hal')];
  const threads = [await start(gil, 'groups', 'One'), await start(gil, 'groups', 'Two')];
  for (const text of ['a', 'b', 'c']) await say(hal, 'groups', threads[0]!, text);
  await say(hal, 'groups', threads[1]!, 'd');
  await say(hal, 'groups', threads[0]!, 'e');
  const grouped = await inbox(gil, '?grouped=true');
  t.same(
    grouped.map(({ text, count }) => [text, count]),
    [
      ['e', 4],
      ['d', 1],
    ],
  );
  const first = await gil.get('/notifications?grouped=true&limit=1');
  const second = await gil.get(`/notifications?grouped=true&limit=1&cursor=${first.body.nextCursor}`);
  t.same([first.body.data[0].text, second.body.data[0].text, second.body.nextCursor], ['e', 'd', null]);
});

void t.test('settings: per reason and channel; in quiet hours the inbox alone', async (t) => {
  await newForm('quiet');
  const [ida, jon] = [await as('ida'), await as('jon')];
  const initial = await ida.get('/notifications/settings');
  t.match(initial.body, { reasons: { mention: { inbox: true, live: true, webhook: true } }, quietHours: null });
  const thread = await start(ida, 'quiet', 'Begin');
  const put = (body: unknown): Promise<Answer> => ida.put('/notifications/settings', body);

  const muted = await put({ reasons: { reply: { inbox: false, live: false, webhook: false } } });
  t.equal(muted.status, 200, muted.text);
  t.same((await ida.get('/notifications/settings')).body, muted.body);
  t.equal(muted.body.reasons.mention.inbox, true, 'what is left out is on');
  await say(jon, 'quiet', thread, 'unheard');
  t.same(await inbox(ida), []);

  // From a time until the same time is the whole day.
  await put({ quietHours: { from: '00:00', to: '00:00', timeZone: 'Europe/Paris' } });
  await say(jon, 'quiet', thread, 'in the night');
  const newest = async (): Promise<unknown[]> => {
    const [{ text, channels } = { text: '', channels: [] }] = await inbox(ida);
    return [text, unhooked(channels)];
  };
  t.same(await newest(), ['in the night', ['inbox']]);
  await put({ reasons: { reply: { live: false } } });
  await say(jon, 'quiet', thread, 'not live');
  t.same(await newest(), ['not live', ['inbox']]);
  await put({});
  await say(jon, 'quiet', thread, 'by day');
  t.same(await newest(), ['by day', ['inbox', 'live']]);

  for (const [wrong, at] of [
    [{ quietHours: { from: '25:00', to: '07:00' } }, 'quietHours.from'],
    [{ quietHours: { from: '22:00', to: '07:00', timeZone: 'Mars/Olympus' } }, 'quietHours.timeZone'],
    [{ reasons: { reply: { pigeon: true } } }, 'reasons.reply'],
    [{ reasons: { gossip: {} } }, 'reasons'],
  ] as const) {
    const answer = await put(wrong);
    t.equal(answer.status, 422, JSON.stringify(wrong));
    t.equal(answer.body.errors[0].path, at);
  }
  t.equal((await anybody.get('/notifications/settings')).status, 401);
  t.equal((await anybody.put('/notifications/settings', {})).status, 401);
  const form = { headers: { 'content-type': 'application/x-www-form-urlencoded' } };
  t.equal((await ida.put('/notifications/settings', 'a=1', form)).status, 415);
});

void t.test('a form or a thread is followed or muted; the thread counts before its form', async (t) => {
  await newForm('subs');
  const [kim, leo] = [await as('kim'), await as('leo')];
  const form = '/forms/subs/subscription';
  t.same((await kim.get(form)).body, { formId: 'subs', threadId: null, mode: null });
  t.same((await kim.put(form, { mode: 'follow' })).body, { formId: 'subs', threadId: null, mode: 'follow' });
  const one = await start(leo, 'subs', 'First');
  t.match(await inbox(kim), [{ reason: 'reply', text: 'First' }], 'who follows a form is told of new threads');
  await admin.post('/forms/subs/publish');
  t.match((await inbox(kim))[0], { reason: 'published', text: 'Version 1 was published.', threadId: null });
  await admin.post('/forms/subs/publish?dryRun=true');
  t.equal((await inbox(kim)).length, 2, 'and not of dry runs');

  const ofThread = `/forms/subs/threads/${one}/subscription`;
  t.equal((await kim.put(ofThread, { mode: 'mute' })).body.threadId, one);
  await say(leo, 'subs', one, 'muted, @[kim]');
  t.equal((await inbox(kim)).length, 2, 'a muted thread is silent, mentions too');
  const two = await start(leo, 'subs', 'Second');
  t.equal((await inbox(kim)).length, 3, 'other threads are not');

  await kim.put(form, { mode: 'mute' });
  await kim.put(ofThread, { mode: 'follow' });
  await say(leo, 'subs', two, 'muted with the form');
  await say(leo, 'subs', one, 'followed all the same');
  t.match((await inbox(kim))[0], { text: 'followed all the same' });
  t.equal((await inbox(kim)).length, 4);

  t.equal((await kim.delete(ofThread)).status, 204);
  t.equal((await kim.delete(ofThread)).status, 204, 'twice is once');
  t.equal((await kim.delete(form)).status, 204);
  t.equal((await kim.get(form)).body.mode, null);
  await say(leo, 'subs', two, 'of no concern');
  t.equal((await inbox(kim)).length, 4);
});

void t.test('who lost the right, or never had it, reads nothing of what was said', async (t) => {
  await newForm('shut');
  const may = await as('moe');
  const mayNot = await as('moe', 'commenter', 'form/elsewhere');
  const respondent = await as('moe', 'respondent');
  await start(await as('nan'), 'shut', 'For @[moe]');
  t.same(await inbox(mayNot), []);
  t.same(await inbox(respondent), []);
  t.same((await mayNot.post('/notifications/read', { all: true })).body, { read: 0 });
  t.equal((await inbox(may, '?unread=true')).length, 1);
});

void t.test('with a comment, a thread or a form go the notifications that hold its words', async (t) => {
  for (const id of ['gone', 'kept']) await newForm(id);
  const [pam, quin] = [await as('pam'), await as('quin', 'owner')];
  const texts = async (): Promise<string[]> => (await inbox(pam)).map(({ text }) => text).sort();
  const one = await start(quin, 'gone', 'One @[pam]');
  const two = await start(quin, 'gone', 'Two @[pam]');
  const reply = await say(quin, 'gone', one, 'Reply @[pam]');
  await start(quin, 'kept', 'Kept @[pam]');
  await quin.patch(`/forms/gone/threads/${two}`, { assignee: 'pam' });
  t.same(await texts(), ['Kept @[pam]', 'One @[pam]', 'Reply @[pam]', 'Two @[pam]', 'Two @[pam]']);
  const id = (await inbox(pam)).find(({ text }) => text === 'Reply @[pam]')!.id;

  await quin.delete(`/forms/gone/threads/${one}/comments/${reply.body.id}`);
  t.same(await texts(), ['Kept @[pam]', 'One @[pam]', 'Two @[pam]', 'Two @[pam]']);
  t.equal((await pam.delete(`/notifications/${id}`)).status, 404);
  const opening = (await quin.get(`/forms/gone/threads/${two}`)).body.comments[0].id as string;
  await quin.delete(`/forms/gone/threads/${two}/comments/${opening}`);
  t.same(await texts(), ['', 'Kept @[pam]', 'One @[pam]'], 'the thread is hers still');
  const [assigned] = await inbox(pam, '?reason=assigned');
  t.match(assigned, { threadId: two, commentId: null, text: '' });
  t.same((await pam.post('/notifications/read', { ids: [assigned!.id] })).body, { read: 1 });
  await quin.delete(`/forms/gone/threads/${two}`);
  t.same(await texts(), ['Kept @[pam]', 'One @[pam]']);

  await pam.put('/forms/gone/subscription', { mode: 'follow' });
  const erased = await quin.delete('/forms/gone');
  t.equal(erased.status, 200, erased.text);
  t.same(
    erased.body.documents.map(({ document }: { document: string }) => document),
    ['form/gone', 'form/gone/comments'],
  );
  t.same(await texts(), ['Kept @[pam]']);
  for (const path of ['/threads', `/threads/${one}`, '/subscription', '/presence']) {
    t.equal((await quin.get(`/forms/gone${path}`)).body.code, 'form_not_found', path);
  }
  const late = await say(quin, 'gone', one, 'Too late, @[pam]');
  t.equal(late.body.code, 'form_not_found');
  t.equal((await admin.get('/documents/form%2Fgone%2Fcomments')).status, 404);
});

void t.test('a form erased while people comment leaves no word of them', async (t) => {
  await newForm('race');
  const [rob, sue] = [await as('rob'), await as('sue')];
  const thread = await start(rob, 'race', 'Begin @[sue]');
  const talking = Promise.all(
    Array.from({ length: 40 }, (_, i) => say(rob, 'race', thread, `word ${i} @[sue]`).then(({ status }) => status)),
  );
  const erased = admin.delete('/forms/race');
  const statuses = await talking;
  t.equal((await erased).status, 200);
  t.ok(
    statuses.every((status) => status === 201 || status === 404),
    statuses.join(' '),
  );
  t.same(await inbox(sue), []);
  t.equal((await admin.get('/documents/form%2Frace%2Fcomments')).status, 404);
});

void t.test('OpenAPI names every endpoint of comments and notifications', async (t) => {
  const { paths, tags } = (await anybody.get('/openapi.json')).body;
  const thread = '/forms/{formId}/threads/{threadId}';
  const comment = `${thread}/comments/{commentId}`;
  const expected: Record<string, string[]> = {
    '/forms/{formId}/threads': ['get', 'post'],
    [thread]: ['get', 'patch', 'delete'],
    [`${thread}/comments`]: ['post'],
    [comment]: ['get', 'patch', 'delete'],
    [`${comment}/reactions/{reaction}`]: ['put', 'delete'],
    [`${thread}/subscription`]: ['get', 'put', 'delete'],
    '/forms/{formId}/subscription': ['get', 'put', 'delete'],
    '/forms/{formId}/activity': ['post'],
    '/notifications': ['get'],
    '/notifications/read': ['post'],
    '/notifications/{id}': ['delete'],
    '/notifications/settings': ['get', 'put'],
  };
  const known = new Set(tags.map(({ name }: { name: string }) => name));
  for (const [path, methods] of Object.entries(expected)) {
    for (const method of methods) {
      const operation = paths[`/api/v1${path}`]?.[method];
      t.ok(operation?.summary, `${method} ${path}`);
      t.ok(known.has(operation?.tags?.[0]), `${method} ${path} has a tag that is described`);
      t.ok(operation?.operationId);
    }
  }
});
