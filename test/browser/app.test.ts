/** The web app in a real Chromium, against the whole server. */
import { readFile } from 'node:fs/promises';
import t, { type Test } from 'tap';
import type { Browser } from 'playwright-core';
import {
  axeViolations,
  dropFile,
  openBrowser,
  visitor,
  type Visitor,
  type VisitorOptions,
} from '../harness/browser.js';
import { composeServer, type ComposedServer } from '../harness/composed-server.js';
import { restClient, type RestClient } from '../harness/rest-client.js';
import { until } from '../harness/until.js';

const PHONE = { width: 390, height: 844 };
/** Set to a folder, the tour's pictures are taken anew. */
const pictures = process.env['TOUR_PICTURES'];

let server: ComposedServer;
let browser: Browser;
let rest: RestClient;

t.before(async () => {
  server = await composeServer();
  t.teardown(() => server.cleanup());
  browser = await openBrowser();
  t.teardown(() => browser.close());
  rest = restClient(server.http);
});

async function visit(test: Test, path: string, options: VisitorOptions): Promise<Visitor> {
  const somebody = await visitor(browser, server.http, options);
  test.teardown(() => somebody.close());
  await somebody.page.goto(`${server.http}${path}`);
  return somebody;
}

/** The policy of the page refuses Playwright's `waitForFunction`, which evaluates inside it. */
async function shows({ page }: Visitor, selector: string, value: string): Promise<void> {
  const read = (): Promise<string> => page.inputValue(selector);
  await until(async () => (await read()) === value, { what: `${selector} shows "${value}"`, limitMs: 10_000 });
}

async function picture({ page }: Visitor, name: string): Promise<void> {
  if (pictures !== undefined) await page.screenshot({ path: `${pictures}/${name}.png` });
}

async function isClean(test: Test, somebody: Visitor, page: string): Promise<void> {
  test.same(await axeViolations(somebody.page), [], `axe finds nothing wrong with ${page}`);
  test.same(somebody.faults, [], `${page} breaks no policy and asks nobody else`);
}

async function visitForm(): Promise<string> {
  const { body } = await rest.post('/forms', {
    title: { en: 'Visit a lab', fr: 'Visiter un laboratoire' },
    description: { en: 'Tell us when you come.', fr: 'Dites-nous quand vous venez.' },
    languages: ['en', 'fr'],
    settings: {},
    pages: [
      {
        id: 'p1',
        title: { en: 'About you', fr: 'À propos de vous' },
        description: {},
        fields: [
          { id: 'name', type: 'text', title: { en: 'Your name', fr: 'Votre nom' }, required: true },
          { id: 'mail', type: 'email', title: { en: 'Email', fr: 'Courriel' } },
          { id: 'group', type: 'boolean', title: { en: 'Do you come as a group?', fr: 'Venez-vous en groupe?' } },
          {
            id: 'count',
            type: 'number',
            title: { en: 'How many are you?', fr: 'Combien êtes-vous?' },
            required: true,
            validation: { min: 2 },
            visibleIf: { var: 'group' },
          },
        ],
      },
      {
        id: 'p2',
        title: { en: 'The visit', fr: 'La visite' },
        description: {},
        fields: [
          {
            id: 'part',
            type: 'choices',
            title: { en: 'What do you want to see?', fr: 'Que voulez-vous voir?' },
            required: true,
            options: [
              { id: 'optics', label: { en: 'Optics', fr: 'Optique' } },
              { id: 'robots', label: { en: 'Robots', fr: 'Robots' } },
            ],
          },
          { id: 'wish', type: 'paragraph', title: { en: 'Anything else?', fr: 'Autre chose?' } },
        ],
      },
    ],
  });
  return body.form.id as string;
}

t.test('two people edit one title at once: both see both edits, and each other', async (t) => {
  const formId = await visitForm();
  const [ada, ben] = await Promise.all([
    visit(t, `/app/forms/${formId}`, { name: 'Ada Obi' }),
    visit(t, `/app/forms/${formId}`, { name: 'Ben Roy' }),
  ]);
  const title = '[data-target="fields/name/title"]';
  await Promise.all([ada.page.waitForSelector(title), ben.page.waitForSelector(title)]);
  await ada.page.focus(title);
  await ben.page.getByText('Here: Ada Obi').waitFor();
  await ada.page.keyboard.press('End');
  await ben.page.focus(title);
  await ben.page.keyboard.press('Home');
  // Both are within the same text while the other's letters arrive.
  await Promise.all([
    ada.page.keyboard.type(' in full', { delay: 5 }),
    ben.page.keyboard.type('Please: ', { delay: 5 }),
  ]);
  const both = 'Please: Your name in full';
  await shows(ada, title, both);
  await shows(ben, title, both);
  t.equal((await rest.get(`/forms/${formId}`)).body.pages[0].fields[0].title.en, both, 'the server has both edits');
  await ada.page.locator('[role=status][data-state=saved]').waitFor();
  await ada.page.getByRole('list', { name: 'Others here: 1' }).getByLabel('Ben Roy').waitFor();
  t.equal(
    await ben.page.evaluate(`document.querySelector('${title}').selectionStart`),
    'Please: '.length,
    'the caret stays behind the word that its owner wrote',
  );

  await ada.page.keyboard.press('Control+z');
  await shows(ben, title, 'Please: Your name');
  t.pass("undo takes back one's own edit alone");

  await ada.page.getByLabel('Comment on: Please: Your name').fill('Should this ask for the first name too?');
  await ada.page.getByRole('button', { name: 'Comment', exact: true }).click();
  await ben.page.getByText('Should this ask for the first name too?').waitFor();
  await ben.page.getByRole('button', { name: 'like 0' }).click();
  await ada.page.getByRole('button', { name: 'like 1' }).waitFor();
  await ben.page.getByLabel(/^Reply about/).fill('One name is enough.');
  await ben.page.getByRole('button', { name: 'Reply' }).click();
  await ada.page.getByText('One name is enough.').waitFor();
  await picture(ada, 'editor');
  await isClean(t, ada, 'the editor');
  await ben.page.getByRole('button', { name: 'Resolve' }).click();
  await ada.page.getByText('No open comments.').waitFor();
  await ada.page.getByRole('button', { name: 'History' }).click();
  await ada.page.locator('.side .changes li').first().waitFor();
  await isClean(t, ada, 'the history');
});

t.test('by keyboard alone a form is made, edited and published', async (t) => {
  const ada = await visit(t, '/app/', { name: 'Ada Obi' });
  const { page } = ada;
  await page.getByRole('button', { name: 'New form' }).press('Enter');
  await page.getByLabel('Title of the form').fill('Lunch');
  await page.getByLabel('Type of the new field').selectOption('choice');
  await page.getByRole('button', { name: 'Add field' }).press('Enter');
  await page.keyboard.type('Soup or salad?');
  await page.getByRole('textbox', { name: 'Option 1' }).fill('Soup');
  await page.getByRole('textbox', { name: 'Option 2' }).fill('Salad');
  await page.getByRole('button', { name: 'Move up: Salad' }).press('Enter');
  await page.getByRole('checkbox', { name: 'Required' }).press('Space');
  await page.getByRole('button', { name: 'Publish' }).press('Enter');
  await page.getByText('This becomes version 1').waitFor();
  await isClean(t, ada, 'the dialog for publishing');
  await page.getByRole('button', { name: 'Publish now' }).press('Enter');
  await page.getByText('Published, version 1').waitFor();
  const formId = new URL(page.url()).pathname.split('/').pop() ?? '';
  const published = (await rest.get(`/forms/${formId}?version=1`)).body;
  t.equal(published.title.en, 'Lunch');
  t.match(published.pages[0].fields[0], { type: 'choice', title: { en: 'Soup or salad?' }, required: true });
  t.same(
    published.pages[0].fields[0].options.map((option: { label: { en: string } }) => option.label.en),
    ['Salad', 'Soup'],
  );
});

t.test('a form of GC Forms is imported by dropping its file', async (t) => {
  const ada = await visit(t, '/app/', { name: 'Ada Obi' });
  const name = 'gcforms-tsbContactTestForm.json';
  const content = await readFile(new URL(`../data/forms/${name}`, import.meta.url), 'utf8');
  await dropFile(ada.page, '.drop', { name, content });
  await ada.page.getByText('Imported from GC Forms:').waitFor();
  await ada.page.locator('.drop summary').click();
  await ada.page.locator('.losses li').first().waitFor();
  await picture(ada, 'forms');
  await isClean(t, ada, 'the list of forms');
  await dropFile(ada.page, '.drop', { name: 'notes.json', content: '{"notes": []}' });
  await ada.page.getByText('“notes.json” is no form that can be read here.').waitFor();
  await dropFile(ada.page, '.drop', { name, content });
  await ada.page.getByRole('status').getByRole('link').click();
  await ada.page.locator('[data-field]').first().waitFor();
  const title = await ada.page.getByLabel('Title of the form').inputValue();
  t.equal(title, 'Transportation Safety Board of Canada general enquiries');
});

t.test('a respondent on a phone goes offline, comes back and hands in', async (t) => {
  const formId = await visitForm();
  await rest.post(`/forms/${formId}/publish`);
  const cleo = await visit(t, `/app/r/${formId}`, { name: 'Cleo', size: PHONE, colours: 'dark' });
  const { page, context } = cleo;
  await page.getByLabel('Your name').fill('Cleo Baptiste');
  await page.getByLabel('Email').fill('not an address');
  await page.getByLabel('Yes').check();
  await page.getByText('This does not have the form that is asked for.').waitFor();
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByText('Please answer this.').waitFor();
  t.equal(
    await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth'),
    true,
    'nothing is wider than the phone',
  );
  await isClean(t, cleo, 'a page with wrong answers, dark');
  await page.getByLabel('Email').fill('cleo@example.org');
  await page.getByLabel('How many are you?').fill('3');

  await context.setOffline(true);
  await page.getByText('You are offline.').waitFor();
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByLabel('Optics').check();
  await page.locator('[role=status][data-state=offline]').waitFor();
  await picture(cleo, 'respond-phone');
  const submissions = async (): Promise<{ answers: Record<string, unknown>; status: string }> => {
    const { body } = await rest.get(`/forms/${formId}/submissions`);
    return (await rest.get(`/forms/${formId}/submissions/${String(body.data[0].id)}`)).body;
  };
  t.equal('part' in (await submissions()).answers, false, 'what was answered offline is not on the server yet');
  await context.setOffline(false);
  await page.locator('[role=status][data-state=saved]').waitFor();

  await page.reload();
  await page.getByRole('heading', { name: 'The visit' }).waitFor();
  t.ok(await page.getByLabel('Optics').isChecked(), 'the link leads back to the page that was open, with its answers');
  await page.getByRole('button', { name: 'Submit' }).click();
  await page.getByRole('heading', { name: 'Thank you' }).waitFor();
  await isClean(t, cleo, 'the thanks');
  t.match(await submissions(), {
    status: 'submitted',
    answers: { name: 'Cleo Baptiste', mail: 'cleo@example.org', group: true, count: 3, part: ['optics'] },
  });
});

t.test('an operator restores a snapshot while an editor watches', async (t) => {
  const formId = await visitForm();
  await rest.post(`/documents/${encodeURIComponent(`form/${formId}`)}/snapshots`, { label: 'Before the rush' });
  await rest.patch(`/forms/${formId}`, {
    operations: [
      { op: 'setTitle', language: 'en', value: 'Spoiled' },
      { op: 'removeField', fieldId: 'mail' },
    ],
  });
  const [ada, omar] = await Promise.all([
    visit(t, `/app/forms/${formId}`, { name: 'Ada Obi', language: 'fr' }),
    visit(t, '/app/operate', { name: 'Omar' }),
  ]);
  await ada.page.getByLabel('Langue des textes').selectOption('en');
  await shows(ada, '[data-target="form/title"]', 'Spoiled');
  await omar.page.getByRole('button', { name: `form/${formId}`, exact: true }).click();
  await omar.page.getByText('Before the rush').waitFor();
  await omar.page.getByRole('region', { name: 'Connections' }).getByText('Ada Obi').first().waitFor();
  await picture(omar, 'operate');
  await isClean(t, omar, 'operations');
  await omar.page.getByRole('button', { name: 'Compare and restore' }).click();
  await omar.page.locator('dialog .changes li').first().waitFor();
  await picture(omar, 'restore');
  await isClean(t, omar, 'the dialog for restoring');
  await omar.page.getByRole('button', { name: 'Restore', exact: true }).click();
  await shows(ada, '[data-target="form/title"]', 'Visit a lab');
  await ada.page.locator('[data-field=mail]').waitFor();
  await isClean(t, ada, 'the editor in French');
  await until(async () =>
    (await rest.get('/audit')).body.data.some((entry: { action: string }) => entry.action === 'snapshot.restored'),
  );
  await omar.page.getByText('snapshot.restored').waitFor();
});
