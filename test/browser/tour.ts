/**
 * `npm run tour`: the walk of somebody who has never seen Formloom, in a real Chromium against the whole server, as a film
 * strip in docs/tour/. Each step waits for what it shows; the walk fails where the app no longer does what docs/tour.md says.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { dropFile, openBrowser, visitor, type Visitor } from '../harness/browser.js';
import { composeServer } from '../harness/composed-server.js';
import { restClient } from '../harness/rest-client.js';
import { until } from '../harness/until.js';

const FOLDER = fileURLToPath(new URL('../../docs/tour/', import.meta.url));
const FORM = new URL('../data/forms/gcforms-tsbContactTestForm.json', import.meta.url);
const PHONE = { width: 390, height: 844 };
const WIDE = { width: 1440, height: 900 };

const server = await composeServer();
const browser = await openBrowser();
const rest = restClient(server.http);
const begun = Date.now();
try {
  const ada = await open('Ada Obi', '/app/');
  const id = await dropAForm(ada);
  const ben = await writeTogether(ada, id);
  await talk(ada, ben);
  await publish(ada);
  await respond(id);
  await lookAtAnswers(ada, id);
  await operate(ada, id);
  process.stdout.write(`The walk took ${Math.round((Date.now() - begun) / 1_000)} s.\n`);
} finally {
  await browser.close();
  await server.cleanup();
}

async function open(
  name: string,
  path: string,
  options: { size?: typeof PHONE; colours?: 'dark' } = {},
): Promise<Visitor> {
  const somebody = await visitor(browser, server.http, { name, size: WIDE, ...options });
  await somebody.page.goto(`${server.http}${path}`);
  return somebody;
}

async function frame({ page }: Visitor, name: string): Promise<void> {
  await page.screenshot({ path: `${FOLDER}${name}.png` });
}

async function dropAForm(ada: Visitor): Promise<string> {
  const { page } = ada;
  await page.getByRole('heading', { name: 'Forms' }).waitFor();
  await dropFile(page, '.drop', { name: 'contact.json', content: await readFile(FORM, 'utf8') });
  await page.getByText('Imported from GC Forms:').waitFor();
  await frame(ada, '1-drop');
  await page.getByRole('status').getByRole('link').click();
  await page.locator('[data-field]').first().waitFor();
  return new URL(page.url()).pathname.split('/').pop() ?? '';
}

async function writeTogether(ada: Visitor, id: string): Promise<Visitor> {
  const ben = await open('Ben Roy', `/app/forms/${id}`, { colours: 'dark' });
  const description = '[data-target="form/description"]';
  for (const { page } of [ada, ben]) await page.locator(description).click();
  await ada.page.locator(`.ProseMirror${description}`).waitFor();
  await ada.page.keyboard.type('Write to us about ');
  await ada.page.keyboard.press('Control+b');
  await ada.page.keyboard.type('transportation safety');
  await ben.page.locator(`${description} strong`).waitFor();
  await ben.page.keyboard.press('Control+Home');
  await ben.page.keyboard.type('Hello! ');
  await ada.page.locator(`${description} [data-caret="Ben Roy"]`).waitFor();
  await frame(ada, '2-together');
  await frame(ben, '2-together-dark');
  return ben;
}

async function talk(ada: Visitor, ben: Visitor): Promise<void> {
  const question = '[data-field] .question >> nth=1';
  await ada.page.locator(question).focus();
  await ada.page.getByLabel(/^Comment on: Full name/).focus();
  await ada.page.keyboard.type('Do we need this? @Ben');
  await ada.page.getByRole('option', { name: 'Ben Roy' }).waitFor();
  await ada.page.keyboard.press('Enter');
  await ada.page.getByRole('button', { name: 'Comment', exact: true }).click();
  const thread = ben.page.getByRole('article', { name: 'Thread on: Full name' });
  await thread.getByRole('button', { name: 'Add a reaction' }).click();
  await thread.getByRole('button', { name: 'Like 0' }).click();
  await thread.getByLabel(/^Reply about/).fill('Yes: we answer by name.');
  await thread.getByRole('button', { name: 'Reply' }).click();
  await ada.page.getByText('Yes: we answer by name.').waitFor();
  await frame(ada, '3-comment');
}

async function publish(ada: Visitor): Promise<void> {
  await ada.page.getByRole('button', { name: 'Publish', exact: true }).click();
  await ada.page.getByText('This becomes version 1').waitFor();
  await frame(ada, '4-publish');
  await ada.page.getByRole('button', { name: 'Publish now' }).click();
  await ada.page.getByText('Published, version 1').waitFor();
  await ada.page.getByRole('button', { name: 'Close' }).click();
}

async function respond(id: string): Promise<void> {
  const cleo = await open('Cleo', `/app/r/${id}`, { size: PHONE });
  const { page } = cleo;
  await page.getByLabel(/^Full name/).fill('Cleo Baptiste');
  await page.getByLabel(/^Email/).fill('cleo@example.org');
  await page.getByRole('checkbox').first().check();
  for (const text of await page.locator('textarea').all()) await text.fill('When does the report come out?');
  await page.locator('[role=status][data-state=saved]').waitFor();
  await frame(cleo, '5-phone');
  await page.getByRole('button', { name: /^(Submit|Next)$/ }).click();
  await page.getByRole('heading', { name: 'Thank you' }).waitFor();
  await frame(cleo, '6-thanks');
  await until(async () => {
    const { submissions, views } = (await rest.get(`/analytics/forms/${id}`)).body;
    return submissions >= 1 && views >= 1;
  });
}

/** The figures, and the comment beside the form that they are about. */
async function lookAtAnswers(ada: Visitor, id: string): Promise<void> {
  await ada.page.goto(`${server.http}/app/forms/${id}/analytics`);
  await ada.page.getByRole('heading', { level: 1 }).waitFor();
  await ada.page.waitForLoadState('networkidle');
  await frame(ada, '7-analytics');
  await ada.page.goto(`${server.http}/app/forms/${id}`);
  await ada.page.getByText('Yes: we answer by name.').waitFor();
  await ada.page.getByRole('button', { name: 'History' }).click();
  await ada.page.locator('.side .changes li').first().waitFor();
  await ada.page.getByRole('slider', { name: 'Travel back' }).press('ArrowLeft');
  await ada.page.getByRole('button', { name: 'Back to now' }).waitFor();
  await frame(ada, '8-history');
}

/** Load and health; then a form is spoiled, and what restoring its last version would change is looked at. */
async function operate(ada: Visitor, id: string): Promise<void> {
  const { page } = ada;
  await page.goto(`${server.http}/app/operate`);
  await page.locator('.uplot').nth(5).waitFor();
  await page.mouse.move(0, 0);
  await frame(ada, 'operate');
  const operations = [{ op: 'setTitle', language: 'en', value: 'Spoiled' }];
  await rest.patch(`/forms/${id}`, { operations });
  await page.getByRole('button', { name: `form/${id}`, exact: true }).click();
  await page.getByRole('button', { name: 'Compare and restore' }).last().click();
  await page.locator('dialog .changes li').first().waitFor();
  await frame(ada, 'restore');
}
