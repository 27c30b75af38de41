/** The app where the server asks for tokens. */
import t from 'tap';
import { axeViolations, openBrowser, visitor } from '../harness/browser.js';
import { composeServer } from '../harness/composed-server.js';
import { restClient } from '../harness/rest-client.js';
import { until } from '../harness/until.js';

const ADMIN = 'administration-token';

t.test('a token is taken from the address once; without one the app says what is missing', async (t) => {
  const env = { AUTH: 'jwt', JWT_SECRET: 'a-secret-of-at-least-32-characters!!', ADMIN_TOKEN: ADMIN };
  const server = await composeServer({ env });
  t.teardown(() => server.cleanup());
  const browser = await openBrowser();
  t.teardown(() => browser.close());
  const admin = restClient(server.http, ADMIN);
  await admin.post('/forms', {
    id: 'lunch',
    title: { en: 'Lunch' },
    description: {},
    languages: ['en'],
    settings: {},
    pages: [{ id: 'p1', title: {}, description: {}, fields: [{ id: 'what', type: 'text', title: { en: 'What?' } }] }],
  });
  await admin.post('/forms/lunch/publish');
  const tokenFor = async (role: string): Promise<string> => {
    const grants = [{ document: 'form/lunch', role }];
    const { body } = await admin.post('/tokens', { sub: `a-${role}`, name: `A ${role}`, grants, ttlSeconds: 600 });
    return body.token as string;
  };

  const editor = await visitor(browser, server.http, { name: 'ignored' });
  await editor.page.goto(`${server.http}/app/forms/lunch?token=${await tokenFor('editor')}`);
  await editor.page.locator('[data-field=what]').waitFor();
  t.notMatch(editor.page.url(), 'token', 'the address can be shared');
  const second = await visitor(browser, server.http, { name: 'ignored' });
  await second.page.goto(`${server.http}/app/forms/lunch?token=${await tokenFor('owner')}`);
  await second.page.getByLabel('A editor').waitFor();
  await editor.page.reload();
  await editor.page.getByLabel('A owner').waitFor();

  const viewer = await visitor(browser, server.http, { name: 'ignored' });
  await viewer.page.goto(`${server.http}/app/forms/lunch?token=${await tokenFor('viewer')}`);
  await viewer.page.getByText('You may read this form, but not change it.').waitFor();
  await viewer.page.locator('[data-field=what] .question').focus();
  await viewer.page.keyboard.type('Spoiled');
  t.equal(await viewer.page.inputValue('[data-field=what] .question'), 'What?', 'what is typed changes nothing');
  const offered = viewer.page.locator('main').getByRole('button', { name: /^(Add|Move|Remove|\+)/ });
  t.equal(await offered.count(), 0, 'nothing is offered that the server would refuse');
  for (const name of ['Publish', 'Undo', 'Comment'])
    t.equal(await viewer.page.getByRole('button', { name, exact: true }).count(), 0, `nobody offers "${name}"`);
  await second.page.fill('[data-field=what] .question', 'What shall it be?');
  await until(async () => (await viewer.page.inputValue('[data-field=what] .question')) === 'What shall it be?', {
    what: 'a viewer sees what others write',
  });
  await second.page.fill('[data-field=what] .question', 'What?');
  t.same(await axeViolations(viewer.page), [], 'axe finds nothing wrong with a form that may only be read');

  const respondent = await visitor(browser, server.http, { name: 'ignored' });
  await respondent.page.goto(`${server.http}/app/r/lunch?token=${await tokenFor('respondent')}`);
  await respondent.page.getByLabel('What?').fill('Soup');
  await respondent.page.locator('[data-state=saved]').waitFor();
  const elsewhere = await visitor(browser, server.http, { name: 'ignored' });
  await elsewhere.page.goto(respondent.page.url());
  await elsewhere.page.getByLabel('What?').waitFor();
  t.equal(await elsewhere.page.getByLabel('What?').inputValue(), 'Soup', 'the link opens the sheet without a token');

  const nobody = await visitor(browser, server.http, { name: 'ignored' });
  await nobody.page.goto(`${server.http}/app/`);
  await nobody.page.getByRole('alert').first().waitFor();
  for (const { faults } of [editor, second, viewer, respondent, elsewhere]) t.same(faults, []);
});
