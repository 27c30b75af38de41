/** The app where the server asks for tokens. */
import t from 'tap';
import { openBrowser, visitor } from '../harness/browser.js';
import { composeServer } from '../harness/composed-server.js';
import { restClient } from '../harness/rest-client.js';

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
  for (const { faults } of [editor, second, respondent, elsewhere]) t.same(faults, []);
});
