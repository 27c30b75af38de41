/** The operations page: what an operator turns there is turned. */
import { mkdirSync } from 'node:fs';
import t from 'tap';
import { axeViolations, openBrowser, visitor } from '../harness/browser.js';
import { composeServer } from '../harness/composed-server.js';
import { restClient } from '../harness/rest-client.js';
import { until } from '../harness/until.js';

const pictures = new URL('screenshots/', import.meta.url).pathname;

t.test('an operator watches, and turns pools, queues, the tuner, policies and backups', async (t) => {
  const server = await composeServer();
  t.teardown(() => server.cleanup());
  const browser = await openBrowser();
  t.teardown(() => browser.close());
  mkdirSync(pictures, { recursive: true });
  const rest = restClient(server.http);
  await rest.post('/forms', { title: { en: 'Visit' }, description: {}, languages: ['en'], settings: {}, pages: [] });
  const omar = await visitor(browser, server.http, { name: 'Omar', colours: 'dark' });
  t.teardown(() => omar.close());
  const { page } = omar;
  await page.goto(`${server.http}/app/operate`);
  await page.locator('.uplot').nth(5).waitFor();
  t.equal(await page.locator('.chart .uplot canvas').count(), 6, 'each chart is drawn');

  await page.getByLabel('Places: default').fill('1234');
  await page.getByRole('button', { name: 'Save: default' }).press('Enter');
  await page.getByText('0 / 1234').waitFor();
  const pools = (await rest.get('/optimization/pools')).body.data;
  t.equal(pools.find(({ name }: { name: string }) => name === 'default').size, 1_234);

  await page.getByLabel('Rate a second: notification').fill('50');
  await page.getByRole('button', { name: 'Save: notification' }).press('Enter');
  const rate = async (): Promise<number> =>
    (await rest.get('/optimization/queues')).body.data.find(({ name }: { name: string }) => name === 'notification')
      .ratePerSecond;
  await until(async () => (await rate()) === 50, { what: 'the queue has its rate' });

  await page.getByRole('button', { name: 'Off', exact: true }).press('Enter');
  await until(async () => (await rest.get('/optimization/tuner')).body.mode === 'off', { what: 'the tuner is off' });

  await page.getByLabel('After so many updates').fill('77');
  await page.locator('.policy button').press('Enter');
  await until(async () => (await rest.get('/snapshots/policy')).body.every.updates === 77, {
    what: 'the policy for snapshots is set',
  });

  await page.getByRole('button', { name: 'Back up now' }).press('Enter');
  await page.getByRole('button', { name: 'Verify' }).press('Enter');
  await page.getByText('whole', { exact: true }).waitFor();
  await page.screenshot({ path: `${pictures}operate-dark.png`, fullPage: true });
  t.same(await axeViolations(page), [], 'axe finds nothing wrong with operations, dark');
  await page.setViewportSize({ width: 390, height: 844 });
  t.equal(
    await page.evaluate('document.documentElement.scrollWidth <= innerWidth'),
    true,
    'nothing is wider than a phone',
  );
  t.same(omar.faults, [], 'the page breaks no policy and asks nobody else');
});
