/** The operations page: what an operator turns there is turned. */
import { mkdirSync } from 'node:fs';
import t from 'tap';
import { alertsOf, fired, hasten } from '../harness/alerts.js';
import { axeViolations, openBrowser, visitor } from '../harness/browser.js';
import { composeServer } from '../harness/composed-server.js';
import { restClient } from '../harness/rest-client.js';
import { until } from '../harness/until.js';
import { webhookReceiver } from '../harness/webhook-receiver.js';

/** Deliveries are given up after two tries, so that there are letters as soon as there is a breaker. */
const server = await composeServer({
  env: { WEBHOOK_PRIVATE_TARGETS: 'true' },
  webhookSchedule: { firstMs: 5, maxMs: 10, maxTries: 2 },
  alertsEveryMs: 50,
});
t.teardown(() => server.cleanup());
const browser = await openBrowser();
t.teardown(() => browser.close());
const rest = restClient(server.http);
const pictures = new URL('screenshots/', import.meta.url).pathname;

t.test('an operator watches, and turns pools, queues, the tuner, policies and backups', async (t) => {
  mkdirSync(pictures, { recursive: true });
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

  // Whether the backup is done cannot be asked for: that is said, and no progress is shown for ever.
  await page.route('**/api/v1/operations/*', (route) => route.abort(), { times: 1 });
  await page.getByRole('button', { name: 'Back up now' }).press('Enter');
  await page.getByRole('alert').filter({ hasText: 'Failed to fetch' }).waitFor();
  await page.getByRole('progressbar', { name: 'Back up now' }).waitFor({ state: 'hidden' });
  await page.getByRole('button', { name: 'Back up now' }).press('Enter');
  await page.getByRole('button', { name: 'Verify' }).first().press('Enter');
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

t.test('an operator answers an alert, resets the breaker behind it, and replays what was given up', async (t) => {
  const receiver = await webhookReceiver();
  t.teardown(() => receiver.goDown());
  receiver.answer = () => ({ status: 500 });
  await hasten(rest, 'breaker-open');
  const hook = (await rest.post('/webhooks', { url: receiver.url, types: ['activity.*'] })).body.id as string;
  await rest.post('/events', { events: Array.from({ length: 8 }, () => ({ type: 'login' })) });
  const { id } = await fired(rest, 'breaker-open');
  const olga = await visitor(browser, server.http, { name: 'Olga' });
  t.teardown(() => olga.close());
  const { page } = olga;
  await page.goto(`${server.http}/app/operate`);

  const alerts = page.getByRole('region', { name: 'Now and lately' });
  // Others may fire too.
  const alert = alerts
    .getByRole('row')
    .filter({ hasText: `webhook:${hook}` })
    .first();
  const dialog = page.getByRole('dialog');
  await alert.getByText('firing').waitFor();
  await alert.getByRole('button', { name: 'Acknowledge' }).press('Enter');
  await dialog.getByLabel('Note').fill('I am at it.');
  await dialog.getByRole('button', { name: 'Acknowledge' }).press('Enter');
  await alert.getByText('acknowledged').waitFor();
  t.match(await alertsOf(rest, 'breaker-open'), [{ id, state: 'acknowledged' }]);
  await alert.getByRole('button', { name: 'Silence' }).press('Enter');
  t.same(await axeViolations(page), [], 'axe finds nothing wrong with the dialog of an alert');
  await dialog.getByRole('button', { name: 'Silence' }).press('Enter');
  const silences = page.getByRole('region', { name: 'Silences' });
  await silences.getByText('breaker-open').waitFor();
  t.match((await rest.get('/alerts/silences')).body.data, [{ labels: { rule: 'breaker-open' } }]);
  await silences.getByRole('button', { name: 'End' }).press('Enter');
  await until(async () => (await rest.get('/alerts/silences')).body.data.length === 0, { what: 'the silence ends' });
  await alert.getByRole('button', { name: 'Resolve' }).press('Enter');
  await dialog.getByRole('button', { name: 'Resolve' }).press('Enter');
  await until(async () => (await alertsOf(rest, 'breaker-open', 'resolved')).some((one) => one.id === id), {
    what: 'the alert is resolved',
  });

  receiver.answer = () => ({ status: 204 });
  await page.getByRole('button', { name: `Reset: webhook:${hook}` }).click();
  const breaker = async (): Promise<{ state: string }> =>
    (await rest.get('/optimization/breakers')).body.data.find(
      ({ name }: { name: string }) => name === `webhook:${hook}`,
    );
  await until(async () => (await breaker()).state === 'closed', { what: 'the breaker lets deliveries pass' });

  const letters = async (): Promise<{ id: string }[]> => (await rest.get('/optimization/dead-letters')).body.data;
  const given = (await letters()).length;
  t.ok(given > 1, 'deliveries were given up');
  const letter = page.getByRole('region', { name: 'Dead letters' }).getByRole('row').nth(1);
  await letter.getByRole('button', { name: 'Inspect' }).press('Enter');
  await dialog.getByText('"delivery"').waitFor();
  await dialog.getByRole('button', { name: 'Close' }).press('Enter');
  const before = receiver.accepted.length;
  await letter.getByRole('button', { name: 'Replay' }).click();
  await until(async () => (await letters()).length === given - 1, { what: 'one letter is replayed' });
  await until(() => receiver.accepted.length > before, { what: 'it has arrived' });
  await page.getByRole('button', { name: 'Replay all' }).click();
  await page.getByText('Everything could be delivered.').waitFor();
  t.same(await letters(), []);
  t.same(await axeViolations(page), [], 'axe finds nothing wrong with operations, light');

  await page.getByRole('button', { name: 'Auto', exact: true }).click();
  await until(async () => (await rest.get('/optimization/tuner')).body.mode === 'auto', { what: 'the tuner may turn' });
  await until(
    async () => {
      await page.getByRole('button', { name: 'One round now' }).click();
      return (await rest.get('/optimization/tuner/history')).body.data.length > 0;
    },
    { what: 'the tuner has turned a knob and judged it' },
  );
  await page
    .getByRole('region', { name: 'What the tuner did' })
    .getByText(/^(kept|taken back)$/)
    .first()
    .waitFor();
  t.same(olga.faults, [], 'the page breaks no policy and asks nobody else');
});
