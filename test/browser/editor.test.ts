/** The editor in a real Chromium, against the whole server: people who work on one form at once. */
import { readFile } from 'node:fs/promises';
import t from 'tap';
import type { FieldJson, FormJson } from '../../crdt/form/form-json.js';
import { fitsTheWidth, isClean, openApp, picture, shellIsKept, shows, visitForm, type App } from '../harness/app.js';
import type { Visitor } from '../harness/browser.js';
import { until } from '../harness/until.js';

const PHONE = { width: 390, height: 844 };
const WIDE = { width: 1440, height: 900 };

let app: App;

t.before(async () => {
  app = await openApp();
  t.teardown(() => app.close());
});

const formOf = async (id: string, version?: number): Promise<FormJson> =>
  (await app.rest.get(`/forms/${id}${version === undefined ? '' : `?version=${version}`}`)).body as FormJson;
const fieldIds = async (id: string, page = 0): Promise<string[]> =>
  ((await formOf(id)).pages[page]?.fields ?? []).map((field) => field.id);
const firstOf = async (id: string, page = 0): Promise<FieldJson | undefined> =>
  (await formOf(id)).pages[page]?.fields[0];
const NAME = '[data-target="fields/name/title"]';
const RICH = '[data-target="fields/name/description"]';

t.test(
  'two people write one title and one rich text at once: both see all of it, and each other’s carets',
  async (t) => {
    const formId = await visitForm(app.rest);
    const [ada, ben] = await Promise.all([
      app.visit(t, `/app/forms/${formId}`, { name: 'Ada Obi', size: WIDE }),
      app.visit(t, `/app/forms/${formId}`, { name: 'Ben Roy', colours: 'dark' }),
    ]);
    await Promise.all([ada.page.waitForSelector(NAME), ben.page.waitForSelector(NAME)]);
    await ada.page.focus(NAME);
    await ben.page.getByText('Here: Ada Obi').waitFor();
    await ada.page.keyboard.press('End');
    await ben.page.focus(NAME);
    await ben.page.keyboard.press('Home');
    // Both are within the same text while the other's letters arrive.
    await Promise.all([
      ada.page.keyboard.type(' in full', { delay: 5 }),
      ben.page.keyboard.type('Please: ', { delay: 5 }),
    ]);
    const both = 'Please: Your name in full';
    await shows(ada, NAME, both);
    await shows(ben, NAME, both);
    t.equal((await firstOf(formId))?.title['en'], both, 'the server has both edits');
    await ben.page.locator('[data-caret="Ada Obi"]').waitFor();
    await ada.page.locator('[data-caret="Ben Roy"]').getByText('Ben Roy').waitFor();
    t.equal(
      await ben.page.evaluate(`document.querySelector('${NAME}').selectionStart`),
      'Please: '.length,
      'the caret stays behind the word that its owner wrote',
    );
    // Letters that came slowly are taken back in several steps.
    await until(async () => {
      await ada.page.keyboard.press('Control+z');
      return (await ben.page.inputValue(NAME)) === 'Please: Your name';
    });
    t.pass("undo takes back one's own edit alone");

    await Promise.all([ada.page.focus(RICH), ben.page.focus(RICH)]);
    await Promise.all([
      ada.page.locator(`.ProseMirror${RICH}`).waitFor(),
      ben.page.locator(`.ProseMirror${RICH}`).waitFor(),
    ]);
    await ada.page.keyboard.type('As in your ');
    await ada.page.keyboard.press('Control+b');
    await ada.page.keyboard.type('passport', { delay: 5 });
    await ben.page.locator(`${RICH} strong`, { hasText: 'passport' }).waitFor();
    await ben.page.keyboard.press('Control+Home');
    await Promise.all([
      ada.page.keyboard.type(' today', { delay: 5 }),
      ben.page.keyboard.type('Write it ', { delay: 5 }),
    ]);
    const description = async (): Promise<string | undefined> => (await firstOf(formId))?.description['en'];
    await until(async () => (await description()) === 'Write it As in your **passport today**');
    for (const [who, other] of [
      [ada, 'Ben Roy'],
      [ben, 'Ada Obi'],
    ] as const) {
      await who.page.locator(`${RICH} [data-caret="${other}"] .caret-name`, { hasText: other }).waitFor();
      await until(async () => (await textOf(who)).replaceAll(other, '') === 'Write it As in your passport today');
    }
    await picture(ada, 'editor-light');
    await picture(ben, 'editor-dark');
    await isClean(t, ada, 'the editor');
    await isClean(t, ben, 'the dark editor');
  },
);

const textOf = async ({ page }: Visitor): Promise<string> => (await page.locator(RICH).textContent()) ?? '';

t.test('edits without a network outlive a reload, and reach the server afterwards', async (t) => {
  const formId = await visitForm(app.rest);
  const ada = await app.visit(t, `/app/forms/${formId}`, { name: 'Ada Obi' });
  await ada.page.waitForSelector(NAME);
  await ada.page.locator('[role=status][data-state=saved]').waitFor();
  await shellIsKept(ada, 'editor-page');
  await ada.context.setOffline(true);
  await ada.page.locator('[role=status][data-state=offline]').waitFor();
  await ada.page.fill(NAME, 'Written on a train');
  await ada.page.getByText('Offline – kept here').waitFor();
  t.equal((await firstOf(formId))?.title['en'], 'Your name');
  ada.page.on('dialog', (dialog) => void dialog.accept());
  await ada.page.reload();
  await shows(ada, NAME, 'Written on a train');
  await ada.page.focus(NAME);
  await ada.page.locator(RICH).click();
  await ada.page.locator(`.ProseMirror${RICH}`).waitFor();
  t.pass('also what the editor loads later is there without a network');
  await ada.context.setOffline(false);
  await ada.page.locator('[role=status][data-state=saved]').waitFor();
  await until(async () => (await firstOf(formId))?.title['en'] === 'Written on a train');
  t.same(ada.faults, []);
});

t.test('what a browser had before a backup was restored is set aside, and offered as a file', async (t) => {
  const formId = await visitForm(app.rest);
  const ada = await app.visit(t, `/app/forms/${formId}`, { name: 'Ada Obi' });
  await ada.page.waitForSelector(NAME);
  await ada.page.locator('[role=status][data-state=saved]').waitFor();
  await ada.page.evaluate(`window.dispatchEvent(new Event('offline'))`);
  await ada.page.locator('[role=status][data-state=offline]').waitFor();
  await ada.page.fill(NAME, 'Never saved');
  await ada.page.getByText('Offline – kept here').waitFor();
  // As after a restore: the copy is of another life of the form than the server's.
  await ada.page.evaluate(`new Promise((resolve) => {
    const opening = indexedDB.open('formloom/Ada Obi', 1);
    opening.onsuccess = () => {
      const copies = opening.result.transaction('copies', 'readwrite').objectStore('copies');
      copies.put('another life', 'form/${formId}').onsuccess = resolve;
    };
  })`);
  ada.page.on('dialog', (dialog) => void dialog.accept());
  await ada.page.reload();
  const notice = ada.page.locator('.notice', { hasText: 'edits that were never saved' });
  await notice.waitFor();
  await shows(ada, NAME, 'Your name');
  const [file] = await Promise.all([ada.page.waitForEvent('download'), notice.getByText('Download it').click()]);
  t.match(await readFile(await file.path(), 'utf8'), 'Never saved');
  await isClean(t, ada, 'the editor with a copy set aside');
  await notice.getByText('Discard it').click();
  await ada.page.reload();
  await ada.page.locator('[role=status][data-state=saved]').waitFor();
  t.equal(await notice.count(), 0);
  t.equal((await firstOf(formId))?.title['en'], 'Your name', 'nothing of it was merged');
});

t.test('fields are moved by pointer and by keyboard, and new ones dragged onto a page', async (t) => {
  const formId = await visitForm(app.rest);
  const ada = await app.visit(t, `/app/forms/${formId}`, { name: 'Ada Obi', size: WIDE });
  const { page } = ada;
  const drag = async (from: string, to: string, below: boolean): Promise<void> => {
    await page.locator(to).scrollIntoViewIfNeeded();
    // What was moved before may still be on its way on the page: until it stands still, and below the pointer.
    let start = { x: NaN, y: NaN };
    await until(
      async () => {
        await page.locator(from).hover();
        const before = start;
        start = (await page.locator(from).boundingBox()) ?? start;
        return start.x === before.x && start.y === before.y && (await page.locator(`${from}:hover`).count()) > 0;
      },
      { what: `${from} stands below the pointer` },
    );
    await page.mouse.down();
    await page.mouse.move(start.x + 20, start.y + 20);
    // What is lifted makes room, and the page scrolls near its edges: one aims until the target stands still under the
    // pointer, and the mark is there.
    let aimed = '';
    await until(
      async () => {
        const end = await page.locator(to).boundingBox();
        if (end === null) throw new Error('There is nowhere to drag to.');
        await page.mouse.move(end.x + end.width / 2, end.y + (below ? end.height - 3 : 3), { steps: 4 });
        const before = aimed;
        aimed = JSON.stringify(await page.locator(to).boundingBox());
        return aimed === before && (await page.locator('.drag-mark').count()) > 0;
      },
      { what: `${from} is above ${to}, and a mark shows where it would go` },
    );
    await page.mouse.up();
  };
  // The page has all its parts when it is connected; before, they push each other about.
  await page.locator('[role=status][data-state=saved]').waitFor();
  await drag('[data-field=name] .grip', '[data-field=group]', true);
  await until(async () => (await fieldIds(formId)).join() === 'mail,group,name,count', {
    what: 'a field moved within its page',
  });
  await drag('[data-field=mail] .grip', '[data-field=wish]', false);
  await until(async () => (await fieldIds(formId, 1)).join() === 'part,mail,wish');
  await drag('.palette [data-type=rating]', '[data-field=part]', false);
  await until(async () => (await firstOf(formId, 1))?.type === 'rating');
  const rating = (await firstOf(formId, 1))?.id ?? '';
  t.equal(
    await page.evaluate('document.activeElement.dataset.target'),
    `fields/${rating}/title`,
    'the caret is in the title of what is new before anybody else can see it',
  );
  await page.keyboard.type('How was it?');
  await until(async () => (await firstOf(formId, 1))?.title['en'] === 'How was it?', {
    what: 'the new field has the title that was typed',
  });

  const grip = page.locator('[data-field=count] .grip');
  await grip.focus();
  await page.keyboard.press('Space');
  await page.getByText('How many are you? is lifted, place 3 of 3 on page 1.').waitFor({ state: 'attached' });
  await page.keyboard.press('ArrowDown');
  await page.getByText('How many are you?: place 1 of 5 on page 2').waitFor({ state: 'attached' });
  await page.keyboard.press('ArrowDown');
  await page.getByText('How many are you?: place 2 of 5 on page 2').waitFor({ state: 'attached' });
  await page.keyboard.press('Space');
  await until(async () => (await fieldIds(formId, 1)).slice(1).join() === 'count,part,mail,wish');
  t.equal(
    await page.evaluate(`document.activeElement.closest('[data-field]').dataset.field`),
    'count',
    'the focus goes along',
  );
  await page.keyboard.press('Space');
  await page.keyboard.press('ArrowUp');
  await until(async () => (await fieldIds(formId, 1))[0] === 'count');
  await page.keyboard.press('Escape');
  await until(async () => (await fieldIds(formId, 1)).indexOf('count') === 1);
  await page.getByText('How many are you? is back where it was.').waitFor({ state: 'attached' });
  await isClean(t, ada, 'a form whose fields were moved');

  const phone = await app.visit(t, `/app/forms/${formId}`, { name: 'Ben Roy', size: PHONE, language: 'fr' });
  await phone.page.locator('[data-field=part] .question').focus();
  await fitsTheWidth(t, phone, 'the editor on a phone');
  await picture(phone, 'editor-phone');
  await phone.page.getByRole('button', { name: 'Discussion, historique' }).click();
  await phone.page.getByLabel(/^Commenter/).waitFor();
  await fitsTheWidth(t, phone, 'the panels on a phone');
  await isClean(t, phone, 'the editor on a phone, in French');
});

t.test('by keyboard alone a form is made, edited and published', async (t) => {
  const ada = await app.visit(t, '/app/', { name: 'Ada Obi' });
  const { page } = ada;
  await page.getByRole('button', { name: 'New form' }).press('Enter');
  await page.getByLabel('Title of the form').fill('Lunch');
  await page.getByLabel('Type of the new field').selectOption('choice');
  await page.getByRole('button', { name: 'Add field' }).press('Enter');
  await page.keyboard.type('Soup or salad?');
  await page.getByRole('textbox', { name: 'Option 1' }).fill('Soup');
  await page.getByRole('textbox', { name: 'Option 2' }).fill('Salad');
  await page.getByRole('button', { name: 'Move: Salad', exact: true }).press('Enter');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Enter');
  await page.getByRole('checkbox', { name: 'Required' }).press('Space');
  await page.getByRole('button', { name: 'Publish', exact: true }).press('Enter');
  await page.getByText('This becomes version 1').waitFor();
  await isClean(t, ada, 'the dialog for publishing');
  await page.getByRole('button', { name: 'Publish now' }).press('Enter');
  await page.getByText('Published, version 1').waitFor();
  const formId = new URL(page.url()).pathname.split('/').pop() ?? '';
  const published = await formOf(formId, 1);
  t.equal(published.title['en'], 'Lunch');
  t.match(published.pages[0]?.fields[0], { type: 'choice', title: { en: 'Soup or salad?' }, required: true });
  t.same(
    published.pages[0]?.fields[0]?.options?.map((option) => option.label['en']),
    ['Salad', 'Soup'],
  );
});

t.test('a conflict is shown with who wrote what, and settled', async (t) => {
  const formId = await visitForm(app.rest);
  const [ada, ben] = await Promise.all([
    app.visit(t, `/app/forms/${formId}`, { name: 'Ada Obi', size: WIDE }),
    app.visit(t, `/app/forms/${formId}`, { name: 'Ben Roy' }),
  ]);
  const least = '[data-field=count] [data-limit=min]';
  for (const { page } of [ada, ben]) {
    await page.locator('[data-field=count] .question').focus();
    await page.getByText('Rules for answers').click();
    await page.locator(least).waitFor();
  }
  await ada.page.getByRole('button', { name: 'Conflicts' }).click();
  await ada.page.getByLabel('Rules for answers').selectOption({ label: 'Ask us' });
  await until(async () => (await app.rest.get(`/forms/${formId}/policy`)).body.fields.count?.validation === 'manual');
  await until(async () => (await ben.page.locator('[data-state=saved]').count()) > 0);
  for (const [{ page }, value] of [
    [ada, '3'],
    [ben, '5'],
  ] as const) {
    await page.evaluate(`window.dispatchEvent(new Event('offline'))`);
    await page.fill(least, value);
    await page.locator(least).press('Enter');
    await page.locator('[role=status][data-state=offline]').waitFor();
  }
  for (const { page } of [ada, ben]) {
    await page.evaluate(`window.dispatchEvent(new Event('online'))`);
    await page.locator('[role=status][data-state=saved]').waitFor();
  }
  const conflict = ada.page.getByRole('article', { name: 'Conflict: How many are you?, Smallest' });
  await conflict.getByText('Ada Obi').first().waitFor();
  await conflict.getByText('Ben Roy').first().waitFor();
  await picture(ada, 'conflicts');
  await isClean(t, ada, 'the conflicts');
  await conflict.getByRole('button', { name: 'Take “5” of Ben Roy' }).click();
  await ada.page.getByText('No conflicts to settle.').waitFor();
  t.equal((await formOf(formId)).pages[0]?.fields[3]?.validation.min, 5);
  t.same((await app.rest.get(`/forms/${formId}/conflicts`)).body.data, []);
});

t.test('a thread with a mention and a reaction reaches the other browser, and its bell', async (t) => {
  const formId = await visitForm(app.rest);
  const [ada, ben] = await Promise.all([
    app.visit(t, `/app/forms/${formId}`, { name: 'Ada Obi', size: WIDE }),
    app.visit(t, `/app/forms/${formId}`, { name: 'Ben Roy' }),
  ]);
  await ada.page.getByLabel('Ben Roy').first().waitFor();
  await ada.page.focus(NAME);
  const composer = ada.page.getByLabel('Comment on: Your name');
  await composer.focus();
  await ada.page.keyboard.type('Too long, @be');
  await ada.page.getByRole('option', { name: 'Ben Roy' }).waitFor();
  await isClean(t, ada, 'the list of people to mention');
  await ada.page.keyboard.press('Enter');
  await ada.page.keyboard.type('what do you think?');
  await ada.page.getByRole('button', { name: 'Comment', exact: true }).click();
  const thread = ben.page.getByRole('article', { name: 'Thread on: Your name' });
  await thread.getByText('@Ben Roy').waitFor();
  await ben.page.getByRole('button', { name: 'Notifications, unread: 1' }).click();
  await ben.page.getByText('mentioned you').waitFor();
  await picture(ben, 'notifications');
  await isClean(t, ben, 'the notifications');
  await ben.page.getByRole('button', { name: 'Mark all as read' }).click();
  await ben.page.getByRole('button', { name: 'Notifications, unread: 0' }).click();
  await thread.getByRole('button', { name: 'Add a reaction' }).click();
  await thread.getByRole('button', { name: 'Love 0' }).click();
  await ada.page.getByRole('button', { name: 'Love 1' }).waitFor();
  await thread.getByLabel(/^Reply about/).fill('One name is enough.');
  await ada.page.locator('.writers', { hasText: 'Typing: Ben Roy' }).waitFor();
  await thread.getByRole('button', { name: 'Reply' }).click();
  await ada.page.getByText('One name is enough.').waitFor();
  await thread.getByLabel('Assign the thread on: Your name').selectOption({ label: 'Ada Obi' });
  // A reply and an assignment.
  await ada.page.getByRole('button', { name: 'Notifications, unread: 2' }).waitFor();
  await picture(ada, 'comments');
  await isClean(t, ada, 'the comments');
  await thread.getByRole('button', { name: 'Resolve' }).click();
  await ada.page.getByText('No open comments.').waitFor();
});

t.test('history tells who wrote what, and shows the form as it was; languages stand beside each other', async (t) => {
  const formId = await visitForm(app.rest);
  await app.rest.post(`/forms/${formId}/publish`);
  const ada = await app.visit(t, `/app/forms/${formId}`, { name: 'Ada Obi', size: WIDE });
  const { page } = ada;
  await page.waitForSelector(NAME);
  await page.fill(NAME, 'Your full name');
  await page.locator('[data-field=mail] .question').focus();
  await page.getByRole('button', { name: 'Remove: Email' }).click();
  await page.locator('[role=status][data-state=saved]').waitFor();
  await page.getByRole('button', { name: 'History' }).click();
  await page.locator('.side .changes li', { hasText: 'removed' }).waitFor();
  await page.getByRole('slider', { name: 'Travel back' }).press('ArrowLeft');
  await page.getByRole('slider', { name: 'Travel back' }).press('Home');
  await page.locator('[data-past=mail]').waitFor();
  await page.locator('[data-past=name]', { hasText: 'Your name' }).waitFor();
  await page.getByText('Changes since then: 2').waitFor();
  await picture(ada, 'time-travel');
  await isClean(t, ada, 'the form as it was');
  await page.getByRole('button', { name: 'Back to now' }).click();
  await page.focus(NAME);
  await page.getByRole('button', { name: 'Your full name', exact: true }).click();
  await page.getByRole('region', { name: 'Who wrote what stands now' }).getByText('Ada Obi').first().waitFor();
  await isClean(t, ada, 'the history of a field');
  await page.getByRole('button', { name: 'Versions' }).click();
  await page.getByRole('button', { name: 'Look at: Version 1' }).click();
  await page.locator('[data-past=mail]').waitFor();
  await isClean(t, ada, 'a version');
  await page.getByRole('button', { name: 'Back to now' }).click();

  await page.getByRole('button', { name: 'Languages' }).click();
  await page.getByText('Nothing is missing').waitFor();
  await page.locator('input[lang=fr][data-target="fields/part/options/robots/label"]').fill('');
  await page.getByText('Missing texts: 1').waitFor();
  await picture(ada, 'languages');
  await isClean(t, ada, 'the languages');
  await page.locator('input[lang=fr][data-target="fields/part/options/robots/label"]').fill('Les robots');
  await until(async () => (await firstOf(formId, 1))?.options?.[1]?.label['fr'] === 'Les robots');
});
