/** A sheet that two people fill in, through a loss of the network, and what the analytics page makes of it. */
import { mkdirSync } from 'node:fs';
import t from 'tap';
import { axeViolations, openBrowser, visitor, type Visitor, type VisitorOptions } from '../harness/browser.js';
import { composeServer } from '../harness/composed-server.js';
import { restClient } from '../harness/rest-client.js';
import { until } from '../harness/until.js';

const PHONE = { width: 390, height: 844 };
const FORM = {
  title: { en: 'Visit a lab' },
  description: {},
  languages: ['en'],
  settings: {},
  pages: [
    {
      id: 'p1',
      title: { en: 'About you' },
      description: {},
      fields: [
        { id: 'name', type: 'text', title: { en: 'Your name' }, required: true },
        {
          id: 'part',
          type: 'choice',
          title: { en: 'What do you want to see?' },
          options: [
            { id: 'optics', label: { en: 'Optics' } },
            { id: 'robots', label: { en: 'Robots' } },
          ],
        },
      ],
    },
  ],
};
const pictures = new URL('screenshots/', import.meta.url).pathname;

t.test('what respondents do together, also offline, is on the analytics page at once', async (t) => {
  const server = await composeServer();
  t.teardown(() => server.cleanup());
  const browser = await openBrowser();
  t.teardown(() => browser.close());
  mkdirSync(pictures, { recursive: true });
  const rest = restClient(server.http);
  const formId = (await rest.post('/forms', FORM)).body.form.id as string;
  await rest.post(`/forms/${formId}/publish`);
  const visit = async (path: string, options: VisitorOptions): Promise<Visitor> => {
    const somebody = await visitor(browser, server.http, options);
    t.teardown(() => somebody.close());
    await somebody.page.goto(`${server.http}${path}`);
    return somebody;
  };
  const ada = await visit(`/app/forms/${formId}/analytics`, { name: 'Ada Obi' });
  const shown = async (name: string): Promise<string> =>
    ada.page
      .locator('.facts > div', { has: ada.page.getByText(name, { exact: true }) })
      .locator('dd')
      .first()
      .innerText();
  await ada.page.getByRole('heading', { name: 'Where people get to' }).waitFor();
  t.equal(await shown('Submissions'), '0');

  const cleo = await visit(`/app/r/${formId}`, { name: 'Cleo', size: PHONE });
  await cleo.page.getByLabel('Your name').fill('Cleo');
  const { pathname, hash } = new URL(cleo.page.url());
  const dan = await visit(`${pathname}${hash}`, { name: 'Dan' });
  await until(async () => (await dan.page.getByLabel('Your name').inputValue()) === 'Cleo', {
    what: 'the second one on the sheet sees what the first one wrote',
  });
  await dan.page.getByText('Here now: Cleo').waitFor();
  await dan.page.getByLabel('Your name').fill('Cleo and Dan');
  await until(async () => (await cleo.page.getByLabel('Your name').inputValue()) === 'Cleo and Dan');
  await cleo.page.screenshot({ path: `${pictures}respond-together.png` });
  t.same(await axeViolations(cleo.page), [], 'axe finds nothing wrong with a sheet in company');

  await cleo.context.setOffline(true);
  await cleo.page.getByText('You are offline.').waitFor();
  await cleo.page.getByLabel('Robots').check();
  await cleo.page.locator('[role=status][data-state=offline]').waitFor();
  await cleo.context.setOffline(false);
  await dan.page.locator('input[type=radio]:checked').waitFor();
  await cleo.page.getByRole('button', { name: 'Submit' }).click();
  await cleo.page.getByRole('heading', { name: 'Thank you' }).waitFor();

  await until(async () => (await shown('Submissions')) === '1' && (await shown('Views')) !== '0', {
    what: 'the analytics page shows the submission and the views without being loaded again',
  });
  t.equal(await shown('Completion'), '100 %');
  await ada.page.getByLabel('Question').selectOption('part');
  await ada.page.getByText('1 · 100 %').waitFor();
  const slider = ada.page.getByRole('slider');
  await slider.press('Home');
  t.equal(await slider.getAttribute('aria-valuenow'), '0', 'the arrow keys go through the chart');
  await ada.page.screenshot({ path: `${pictures}analytics.png`, fullPage: true });
  t.same(await axeViolations(ada.page), [], 'axe finds nothing wrong with the analytics page');
  t.same([...ada.faults, ...cleo.faults, ...dan.faults], [], 'the pages break no policy and ask nobody else');
  const csv = await ada.page.getByRole('link', { name: 'Funnel' }).getAttribute('href');
  t.match(await (await fetch(csv ?? '')).text(), /name/, 'the link gives the figures as CSV');
});
