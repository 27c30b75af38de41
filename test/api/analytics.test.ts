import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import { composeServer } from '../harness/composed-server.js';
import { readStream } from '../harness/feed-reader.js';
import { restClient, type Answer, type RestClient } from '../harness/rest-client.js';
import { startServer, type ServerProcess } from '../harness/server-process.js';
import { stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

const ADMIN = 'an-administrators-token-for-tests';
const ENV = { AUTH: 'jwt', JWT_SECRET: 'a-secret-that-signs-tokens-in-tests!', ADMIN_TOKEN: ADMIN };
const server = await composeServer({ env: ENV });
t.teardown(() => server.cleanup());
const admin = restClient(server.http, ADMIN);

const as = async (sub: string, ...grants: { document: string; role: string }[]): Promise<RestClient> => {
  const minted = await admin.post('/tokens', { sub, grants });
  return restClient(server.http, minted.body.token as string);
};

const PAGES = [
  {
    id: 'p1',
    fields: [
      { id: 'name', type: 'text', required: true, validation: { minLength: 2 } },
      { id: 'colour', type: 'choice', options: ['red', 'blue'].map((id) => ({ id, label: { en: id } })) },
    ],
  },
  { id: 'p2', fields: [{ id: 'age', type: 'number', validation: { min: 0 } }] },
];

async function publishedForm(id: string, by = admin): Promise<void> {
  t.equal((await by.post('/forms', { id, settings: { collectDevice: true }, pages: PAGES })).status, 201);
  t.equal((await by.post(`/forms/${id}/publish`)).status, 201);
}

/** Between two questions: a server that is asked all the time counts the slower for it. */
const POLL_MS = 50;

/** The answer as soon as it is `wanted`: figures follow what happens within about a second. */
async function settled(ask: () => Promise<Answer>, wanted: (answer: Answer) => boolean): Promise<Answer> {
  let answer = await ask();
  await until(
    async () => {
      if (wanted(answer)) return true;
      await pause(POLL_MS);
      answer = await ask();
      return wanted(answer);
    },
    { what: () => `the figures are there: ${answer.text}` },
  );
  return answer;
}

interface Sheet {
  readonly id: string;
  readonly path: string;
  readonly me: RestClient;
}

async function started(formId: string, by: string): Promise<Sheet> {
  const respondent = await as(by, { document: `form/${formId}`, role: 'respondent' });
  const { body } = await respondent.post(`/forms/${formId}/submissions`, undefined, {
    headers: { 'user-agent': 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Safari/604.1' },
  });
  const { id, token } = body as { id: string; token: string };
  return { id, path: `/forms/${formId}/submissions/${id}`, me: restClient(server.http, token) };
}

void t.test('a scripted scenario is counted to the last figure', async (t) => {
  const ada = await as('ada', { document: 'form/*', role: 'owner' });
  await publishedForm('scenario', ada);
  const feed = await readStream(server.http, '?formId=scenario&types=analytics.updated', {
    authorization: `Bearer ${ADMIN}`,
  });
  t.teardown(() => feed.close());
  const patched = await ada.patch('/forms/scenario', {
    operations: [{ op: 'setTitle', target: 'form', language: 'en', value: 'Colours' }],
  });
  t.equal(patched.status, 200, patched.text);

  // Three people look, one of them twice; one leaves from the first page without having begun.
  const viewer = await as('vic', { document: 'form/scenario', role: 'viewer' });
  const told = await viewer.post('/analytics/events', {
    events: [
      { type: 'view', formId: 'scenario', session: 's1', page: 'p1' },
      { type: 'view', formId: 'scenario', session: 's2', page: 'p1' },
      { type: 'view', formId: 'scenario', session: 's2', page: 'p1' },
      { type: 'view', formId: 'scenario', session: 's3', page: 'p1' },
      { type: 'leave', formId: 'scenario', session: 's3', page: 'p1', seconds: 4 },
    ],
  });
  t.equal(told.status, 202, told.text);
  t.same(told.body, { accepted: 5 });

  // Three begin. Rita corrects her name and a wrong age; Sam hands in at once; Tom stays where he is.
  const [rita, sam, tom] = [
    await started('scenario', 'rita'),
    await started('scenario', 'sam'),
    await started('scenario', 'tom'),
  ];
  const stayed = await rita.me.post('/analytics/events', {
    events: [
      { type: 'focus', formId: 'scenario', submissionId: rita.id, page: 'p1', field: 'name' },
      { type: 'leave', formId: 'scenario', submissionId: rita.id, page: 'p1', field: 'name', seconds: 6 },
    ],
  });
  t.equal(stayed.status, 202, stayed.text);
  const report = (): Promise<Answer> => admin.get('/analytics/forms/scenario');
  await rita.me.patch(`${rita.path}/answers`, { answers: { name: 'R', colour: 'red' }, page: 'p1' });
  await settled(report, ({ body }) => body.answers === 2 && body.errors === 1);
  await rita.me.patch(`${rita.path}/answers`, { answers: { name: 'Rita', age: 30 }, page: 'p2' });
  await settled(report, ({ body }) => body.answers === 3 && body.corrections === 1);
  t.equal((await rita.me.post(`${rita.path}/submit`)).status, 200);
  await sam.me.patch(`${sam.path}/answers`, { answers: { name: 'Sam', colour: 'blue' } });
  t.equal((await sam.me.post(`${sam.path}/submit`)).status, 200);
  for (const status of ['processing', 'completed']) {
    t.equal((await admin.post(`${sam.path}/status`, { status })).status, 200);
  }
  t.equal((await ada.post('/forms/scenario/threads', { anchor: { type: 'form' }, body: 'Nice' })).status, 201);

  const { body } = await settled(
    report,
    ({ body }) => body.submissions === 2 && body.completed === 1 && body.comments === 1 && body.edits === 2,
  );
  const { medianSeconds, ...figures } = body as { medianSeconds: number };
  t.ok(medianSeconds >= 0 && medianSeconds < 60);
  t.same(figures, {
    ...{ formId: 'scenario', views: 4, visitors: 3, starts: 3, submissions: 2, completed: 1, rejected: 0 },
    ...{ abandoned: 0, inProgress: 1, completionRate: 2 / 3, abandonmentRate: 0, devices: { mobile: 2 } },
    ...{ answers: 5, corrections: 1, errors: 1, edits: 2, authors: 1, comments: 1 },
    ...{ conflicts: { opened: 0, resolved: 0 }, peakEditors: 0, peakRespondents: 0 },
  });

  const funnel = await viewer.get('/analytics/forms/scenario/funnel');
  t.same(funnel.body, {
    ...{ formId: 'scenario', views: 4, starts: 3, submissions: 2 },
    pages: [
      {
        // Three sessions and three sheets.
        ...{ id: 'p1', reached: 6, answered: 2, left: 1 },
        fields: [
          { id: 'name', reached: 2, answered: 2, left: 0 },
          { id: 'colour', reached: 2, answered: 2, left: 0 },
        ],
      },
      { id: 'p2', reached: 1, answered: 1, left: 0, fields: [{ id: 'age', reached: 1, answered: 1, left: 0 }] },
    ],
  });

  const field = await viewer.get('/analytics/forms/scenario/fields/name');
  t.match(field.body, {
    ...{ type: 'text', answered: 2, errors: 1, corrections: 1, errorRate: 0.5, correctionRate: 0.5, meanSeconds: 6 },
    distribution: {
      kind: 'texts',
      answers: 2,
      submissions: 2,
      isComplete: true,
      texts: { meanLength: 3.5, longest: 4 },
    },
  });
  t.notMatch(field.text, /Rita|Sam/, 'nobody reads an answer here');
  const colour = await viewer.get('/analytics/forms/scenario/fields/colour');
  t.same(colour.body.distribution.values, [
    { value: 'red', count: 1 },
    { value: 'blue', count: 1 },
  ]);
  const age = await viewer.get('/analytics/forms/scenario/fields/age');
  t.same(age.body.distribution.numbers, {
    ...{ min: 30, max: 30, mean: 30, median: 30 },
    bins: [{ from: 30, to: 30, count: 1 }],
  });

  const team = await viewer.get('/analytics/forms/scenario/collaboration');
  t.match(team.body, { edits: 2, authors: 1, comments: 1, isComplete: true });
  t.match(team.body.data, [{ userId: 'ada', edits: 2, comments: 1 }]);

  const from = new Date(Date.now() - 2 * 3_600_000).toISOString();
  const series = await viewer.get(`/analytics/forms/scenario/timeseries?metric=views&step=hour&from=${from}`);
  t.equal(series.status, 200, series.text);
  t.equal(series.body.points.length, 3);
  const sum = (points: { value: number }[]): number => points.reduce((all, { value }) => all + value, 0);
  t.equal(sum(series.body.points), 4);
  const minutes = await viewer.get('/analytics/forms/scenario/timeseries?metric=starts&step=minute');
  t.equal(sum(minutes.body.points), 3);

  const me = await as('rita', { document: 'form/scenario', role: 'respondent' });
  const mine = await me.get('/analytics/users/rita');
  t.match(mine.body, {
    userId: 'rita',
    starts: 1,
    submissions: 1,
    edits: 0,
    forms: [{ formId: 'scenario', starts: 1 }],
  });
  t.equal(mine.body.days.length, 1);

  const overview = await admin.get('/analytics/overview');
  t.match(overview.body, { isComplete: true });
  t.match(
    overview.body.busiest.find(({ formId }: { formId: string }) => formId === 'scenario'),
    { views: 4, starts: 3, submissions: 2, edits: 2, comments: 1, activity: 12 },
  );
  t.ok(feed.types().includes('analytics.updated'));

  const csv = await viewer.get('/analytics/forms/scenario/export');
  t.match(csv.headers.get('content-type'), /^text\/csv/);
  t.equal(csv.headers.get('content-disposition'), 'attachment; filename="scenario-summary.csv"');
  t.match(csv.text, /^figure,value\r\nformId,scenario\r\nviews,4\r\n/);
  const funnelCsv = await viewer.get('/analytics/forms/scenario/export?report=funnel');
  t.equal(
    funnelCsv.text,
    'kind,page,id,reached,answered,left\r\npage,p1,p1,6,2,1\r\nfield,p1,name,2,2,0\r\nfield,p1,colour,2,2,0\r\n' +
      'page,p2,p2,1,1,0\r\nfield,p2,age,1,1,0\r\n',
  );
  const fieldCsv = await viewer.get('/analytics/forms/scenario/export?report=field&fieldId=colour');
  t.match(fieldCsv.text, 'value.red,1\r\nvalue.blue,1\r\n');
  const seriesCsv = await viewer.get(`/analytics/forms/scenario/export?report=timeseries&metric=views&from=${from}`);
  t.equal(seriesCsv.text.split('\r\n').length, 5, 'a head, three hours and the end');
  t.match((await viewer.get('/analytics/forms/scenario/export?report=collaboration')).text, '\r\nada,2,');
  t.match((await me.get('/analytics/users/rita?format=csv')).text, /^formId,edits,.*\r\nscenario,0,0,0,\d+,1,1,/);
  const own = await admin.get('/analytics/forms/scenario/export?report=user&userId=rita');
  t.match(own.text, /^figure,value\r\nedits,0\r\n[^]*\nsubmissions,1\r\n/);
  t.equal((await viewer.get('/analytics/forms/scenario/export?report=user&userId=rita')).status, 403);
  t.match(
    (await admin.get('/analytics/overview?format=csv')).text,
    /\r\nlive\.editors,\d+\r\n[^]*busiest\.scenario,12\r\n/,
  );
  for (const [path, report] of [
    ['', ''],
    ['/timeseries?metric=views', 'report=timeseries&metric=views'],
    ['/funnel', 'report=funnel'],
    ['/fields/colour', 'report=field&fieldId=colour'],
    ['/collaboration', 'report=collaboration'],
  ] as const) {
    const direct = await viewer.get(`/analytics/forms/scenario${path}`, { headers: { accept: 'text/csv' } });
    t.match(direct.headers.get('content-type'), /^text\/csv/, path);
    t.equal(direct.text, (await viewer.get(`/analytics/forms/scenario/export?${report}`)).text, path);
  }

  t.equal((await admin.delete(tom.path)).status, 200);
  t.equal((await ada.delete('/forms/scenario')).status, 200);
  t.equal((await report()).status, 404);
  await settled(
    () => admin.get('/analytics/users/rita'),
    ({ body }) => body.forms.length === 0 && body.starts === 0,
  );
  const rest = await settled(
    () => admin.get('/analytics/overview'),
    ({ text }) => !text.includes('scenario'),
  );
  t.equal(rest.status, 200);
});

void t.test('who is connected shows at once, and at its peak later', async (t) => {
  await publishedForm('busy');
  const grants = [{ document: 'form/busy', role: 'editor' }];
  const clients = await Promise.all(
    ['eve', 'eve', 'edo'].map(async (sub) => {
      const { body } = await admin.post('/tokens', { sub, grants });
      const client = stockClient(server.ws, 'form/busy', { params: { token: body.token as string } });
      t.teardown(() => client.destroy());
      await client.synced();
      return client;
    }),
  );
  const live = await admin.get('/analytics/live');
  t.match(
    live.body.data.find(({ formId }: { formId: string }) => formId === 'busy'),
    { editors: 2, respondents: 0, editsPerMinute: 1 },
  );
  const report = await settled(
    () => admin.get('/analytics/forms/busy'),
    ({ body }) => body.peakEditors === 2,
  );
  const head = 'formId,editors,respondents,editsPerMinute\r\n';
  t.equal((await admin.get('/analytics/forms/busy/export?report=live')).text, `${head}busy,2,0,1\r\n`);
  t.match((await admin.get('/analytics/live?format=csv')).text, '\r\nbusy,2,0,1\r\n');
  for (const client of clients) client.disconnect();
  t.equal(report.body.peakEditors, 2);
  const stranger = await as('stranger', { document: 'form/other', role: 'viewer' });
  t.notMatch((await stranger.get('/analytics/live')).text, 'busy');
});

void t.test('rights: figures are for who may see the form, and not for who fills it', async (t) => {
  await publishedForm('closed');
  const nobody = restClient(server.http);
  const [stranger, respondent, viewer] = await Promise.all([
    as('stranger', { document: 'form/other', role: 'owner' }),
    as('rex', { document: 'form/*', role: 'respondent' }),
    as('vera', { document: 'form/closed', role: 'viewer' }),
  ]);
  const ofForm = ['', '/timeseries?metric=views', '/funnel', '/fields/name', '/collaboration', '/export'];
  for (const path of ofForm.map((end) => `/analytics/forms/closed${end}`)) {
    t.equal((await nobody.get(path)).status, 401, path);
    t.equal((await stranger.get(path)).status, 404, path);
    t.equal((await respondent.get(path)).status, 403, path);
    t.equal((await viewer.get(path)).status, 200, path);
    t.equal((await admin.get(path.replace('closed', 'nowhere'))).body.code, 'form_not_found', path);
  }
  t.equal((await nobody.get('/analytics/live')).status, 401);
  t.same((await respondent.get('/analytics/live')).body.data, []);
  t.equal((await nobody.get('/analytics/overview')).status, 401);
  t.equal((await viewer.get('/analytics/overview')).status, 403);
  t.equal((await viewer.get('/analytics/users/rex')).status, 403);
  t.equal((await viewer.get('/analytics/users/vera')).status, 200);
  t.equal((await admin.get('/analytics/users/rex')).status, 200);
  const view = { events: [{ type: 'view', formId: 'closed' }] };
  t.equal((await nobody.post('/analytics/events', view)).status, 401);
  t.equal((await stranger.post('/analytics/events', view)).status, 404);
  t.equal((await respondent.post('/analytics/events', view)).status, 202);
});

void t.test('wrong questions and wrong events are refused, and change nothing', async (t) => {
  await publishedForm('strict');
  const path = '/analytics/forms/strict';
  const wrong = [
    '/timeseries',
    '/timeseries?metric=wishes',
    '/timeseries?metric=views&step=week',
    '/timeseries?metric=views&from=yesterday',
    '/timeseries?metric=views&step=minute&from=2030-01-01T00:00:00Z&to=2030-01-04T11:21:00Z',
    '/timeseries?metric=views&from=2030-01-02T00:00:00Z&to=2030-01-01T00:00:00Z',
    '/export?report=timeseries&step=minute&from=2020-01-01T00:00:00Z',
    '/export?report=field',
    '/export?report=user',
    '/funnel?format=xml',
    '/export?report=everything',
  ];
  for (const end of wrong) {
    const answer = await admin.get(path + end);
    t.equal(answer.status, 422, end);
    t.equal(answer.body.code, 'validation_failed', end);
  }
  const most = await admin.get(
    `${path}/timeseries?metric=views&step=minute&from=2030-01-01T00:00:00Z&to=2030-01-04T11:20:00Z`,
  );
  t.equal(most.body.points.length, 5_000);
  t.equal((await admin.get(`${path}/fields/nothing`)).body.code, 'field_not_found');

  const formId = 'strict';
  const old = new Date(Date.now() - 25 * 3_600_000).toISOString();
  const events: object[][] = [
    [],
    [{ type: 'stare', formId }],
    [{ type: 'view' }],
    [{ type: 'view', formId, page: 'p9' }],
    [
      { type: 'view', formId },
      { type: 'focus', formId, field: 'nothing' },
    ],
    [{ type: 'view', formId, at: old }],
    [{ type: 'view', formId, at: '2090-01-01T00:00:00Z' }],
    [{ type: 'leave', formId, seconds: -1 }],
    Array.from({ length: 201 }, () => ({ type: 'view', formId })),
  ];
  for (const batch of events) t.equal((await admin.post('/analytics/events', { events: batch })).status, 422);
  const unknown = [{ type: 'view', formId, submissionId: 'nobodys' }];
  t.equal((await admin.post('/analytics/events', { events: unknown })).body.code, 'submission_not_found');
  // A late one belongs to the minute in which it happened.
  const minute = Math.floor(Date.now() / 60_000) * 60_000 - 10 * 60_000;
  const at = new Date(minute + 1_000).toISOString();
  t.equal((await admin.post('/analytics/events', { events: [{ type: 'view', formId, at }] })).status, 202);
  const report = await settled(
    () => admin.get(path),
    ({ body }) => body.views > 0,
  );
  t.equal(report.body.views, 1);
  const series = await admin.get(`${path}/timeseries?metric=views&step=minute&from=${at}`);
  t.equal(series.body.points[0].value, 1);
});

/** How often the process is killed, each time at a moment of its own. */
const KILLS = Number(process.env['FORMLOOM_TEST_RESTARTS'] ?? 2);

void t.test('kill -9 at any moment: what is counted afterwards is what has happened', async (t) => {
  let killed: ServerProcess = await startServer({ env: ENV });
  const { dataDir } = killed;
  t.teardown(() => killed.cleanup());
  let rest = restClient(killed.http, ADMIN);
  for (const form of ['k1', 'k2']) {
    t.equal((await rest.post('/forms', { id: form, pages: PAGES })).status, 201);
    t.equal((await rest.post(`/forms/${form}/publish`)).status, 201);
  }
  const fill = async (form: string, i: number): Promise<void> => {
    const { body } = await rest.post(`/forms/${form}/submissions`, { answers: { name: `N${i}`, colour: 'red' } });
    answered += 1;
    const operations = [{ op: 'setTitle', target: 'form', language: 'en', value: `Title ${i}` }];
    await rest.patch(`/forms/${form}`, { operations });
    if (i % 2 === 0) await rest.post(`/forms/${form}/submissions/${body.id as string}/submit`);
  };
  let answered = 0;
  const fillMany = (): Promise<unknown> =>
    Promise.allSettled(Array.from({ length: 30 }, (_, i) => fill(i % 3 === 0 ? 'k2' : 'k1', i)));
  // The process dies while these are answered and counted: some are never done.
  for (let kill = 0; kill < KILLS; kill++) {
    const moment = answered + 1 + Math.floor(Math.random() * 25);
    t.comment(`killed after ${moment} answers`);
    const filling = fillMany();
    await until(() => answered >= moment);
    await killed.kill();
    await filling;
    killed = await startServer({ env: ENV, dataDir });
    rest = restClient(killed.http, ADMIN);
  }
  await fillMany();
  const feed = await readStream(killed.http, '?after=0', { authorization: `Bearer ${ADMIN}` });
  t.teardown(() => feed.close());
  // Everything before this one is heard when it is.
  t.equal((await rest.post('/forms', { id: 'last', pages: PAGES })).status, 201);
  await until(() => feed.events.some(({ type, formId }) => type === 'form.created' && formId === 'last'));
  for (const form of ['k1', 'k2']) {
    const recount = (wanted: string): number =>
      feed.events.filter(({ type, formId }) => type === wanted && formId === form).length;
    const expected = { starts: recount('submission.started'), submissions: recount('submission.submitted') };
    t.ok(expected.starts > 0 && expected.submissions > 0);
    const { body } = await settled(
      () => rest.get(`/analytics/forms/${form}`),
      ({ body }) => body.starts >= expected.starts && body.submissions >= expected.submissions,
    );
    t.match(body, expected, 'each event counts once');
    // Edits are counted in memory first; what a kill takes is found in the log.
    const { updates } = (await rest.get(`/documents/form%2F${form}`)).body as { updates: number };
    const edited = await settled(
      () => rest.get(`/analytics/forms/${form}`),
      ({ body }) => body.edits >= updates,
    );
    t.equal(edited.body.edits, updates, 'each durable update counts once');
    const points = async (metric: string): Promise<number> => {
      const { body: series } = await rest.get(`/analytics/forms/${form}/timeseries?metric=${metric}&step=day`);
      return (series.points as { value: number }[]).reduce((sum, { value }) => sum + value, 0);
    };
    t.same([await points('starts'), await points('submissions')], [expected.starts, expected.submissions]);
    const { body: funnel } = await rest.get(`/analytics/forms/${form}/funnel`);
    t.ok(funnel.pages[0].answered <= expected.starts);
    t.equal(funnel.pages[0].answered, funnel.pages[0].fields[0].answered);
  }
});
