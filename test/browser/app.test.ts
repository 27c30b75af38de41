/** The web app in a real Chromium, against the whole server: forms, answering, operations. */
import { readFile } from 'node:fs/promises';
import t from 'tap';
import { isClean, openApp, picture, shellIsKept, shows, visitForm, type App } from '../harness/app.js';
import { dropFile } from '../harness/browser.js';
import { until } from '../harness/until.js';

const PHONE = { width: 390, height: 844 };

let app: App;

t.before(async () => {
  app = await openApp();
  t.teardown(() => app.close());
});

t.test('a form of GC Forms is imported by dropping its file', async (t) => {
  const ada = await app.visit(t, '/app/', { name: 'Ada Obi' });
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
  const formId = await visitForm(app.rest);
  await app.rest.post(`/forms/${formId}/publish`);
  const cleo = await app.visit(t, '/app/', { name: 'Cleo', size: PHONE, colours: 'dark' });
  const { page, context } = cleo;
  await page.evaluate(`caches.open('formloom-app-earlier')`);
  await page.goto(`${app.http}/app/r/${formId}`);
  await page.getByLabel('Your name').fill('Cleo Baptiste');
  await page.getByLabel('Email').fill('not an address');
  await page.getByLabel('Yes').check();
  await page.getByText('Enter an address such as name@example.org.').waitFor();
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

  await shellIsKept(cleo, 'respond-page');
  const kept = await page.evaluate<string[]>(`(async () => {
    const names = await caches.keys();
    const caches_ = await Promise.all(names.map((name) => caches.open(name)));
    return [...names, ...(await Promise.all(caches_.map((cache) => cache.keys()))).flat().map(({ url }) => url)];
  })()`);
  t.notOk(kept.includes('formloom-app-earlier'), 'a new version of the app takes the place of the earlier one');
  t.same(
    kept.filter((what) => !what.startsWith('formloom-app-') && !/\/app\/(assets\/[^?#]+)?$/.test(what)),
    [],
    'the shell is kept, and nothing of what people wrote or of who they are',
  );
  await context.setOffline(true);
  await page.getByText('You are offline.').waitFor();
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByLabel('Optics').check();
  await page.locator('[role=status][data-state=offline]').waitFor();
  await picture(cleo, 'respond-phone');
  await isClean(t, cleo, 'a later page');
  const submissions = async (): Promise<{ answers: Record<string, unknown>; status: string }> => {
    const { body } = await app.rest.get(`/forms/${formId}/submissions`);
    return (await app.rest.get(`/forms/${formId}/submissions/${String(body.data[0].id)}`)).body;
  };
  t.equal('part' in (await submissions()).answers, false, 'what was answered offline is not on the server yet');
  page.on('dialog', (dialog) => void dialog.accept());
  await page.reload();
  await page.getByRole('heading', { name: 'The visit' }).waitFor();
  t.ok(await page.getByLabel('Optics').isChecked(), 'a reload without a network opens the sheet as it was left');
  await isClean(t, cleo, 'the sheet without a network');
  await context.setOffline(false);
  await page.locator('[role=status][data-state=saved]').waitFor();

  await page.reload();
  await page.getByRole('heading', { name: 'The visit' }).waitFor();
  t.ok(await page.getByLabel('Optics').isChecked(), 'the link leads back to the page that was open, with its answers');
  await page.getByRole('button', { name: 'Submit' }).click();
  await page.getByRole('heading', { name: 'Thank you' }).waitFor();
  await isClean(t, cleo, 'the thanks');
  t.notMatch(
    await page.evaluate<string>('JSON.stringify(localStorage)'),
    'formloom.sheet',
    'what was handed in is kept no longer',
  );
  t.match(await submissions(), {
    status: 'submitted',
    answers: { name: 'Cleo Baptiste', mail: 'cleo@example.org', group: true, count: 3, part: ['optics'] },
  });
});

t.test(
  'what is typed stays as it is typed, also while a file is sent and where the browser keeps nothing',
  async (t) => {
    const { body } = await app.rest.post('/forms', {
      title: { en: 'Trip' },
      pages: [
        {
          id: 'p1',
          fields: [
            { id: 'km', type: 'number', title: { en: 'Distance' } },
            {
              id: 'bills',
              type: 'group',
              title: { en: 'Bills' },
              repeat: { max: 3 },
              fields: [
                { id: 'scan', type: 'file', title: { en: 'Scan' } },
                { id: 'note', type: 'text', title: { en: 'Note' } },
              ],
            },
          ],
        },
      ],
    });
    const formId = String(body.form.id);
    await app.rest.post(`/forms/${formId}/publish`);
    const dan = await app.visit(t, '/app/', { name: 'Dan' });
    const { page } = dan;
    // A part of the app that does not load: the page is not left empty, and can be tried again.
    await page.route('**/assets/operate-page*.js', (route) => route.abort());
    await page.goto(`${app.http}/app/operate`);
    await page.getByRole('heading', { name: 'The page cannot be shown' }).waitFor();
    await page.unroute('**/assets/operate-page*.js');
    await page.getByRole('button', { name: 'Load it again' }).click();
    await page.getByRole('heading', { name: 'Operations' }).waitFor();

    // As in a frame of another site: asking for storage throws.
    await page.addInitScript(`for (const name of ['localStorage', 'sessionStorage', 'indexedDB'])
    Object.defineProperty(window, name, { get() { throw new DOMException('denied', 'SecurityError'); } });`);
    await page.goto(`${app.http}/app/r/${formId}`);
    const distance = page.getByLabel('Distance');
    await distance.pressSequentially('1.05');
    t.equal(await distance.inputValue(), '1.05');
    await distance.fill('');
    await distance.pressSequentially('-0.5');
    t.equal(await distance.inputValue(), '-0.5');

    await page.getByRole('button', { name: 'Add' }).click();
    let pass = (): void => undefined;
    const gate = new Promise<void>((resolve) => (pass = resolve));
    await page.route('**/files', async (route) => {
      await gate;
      await route.continue();
    });
    await page
      .getByLabel('Scan')
      .setInputFiles({ name: 'bill.txt', mimeType: 'text/plain', buffer: Buffer.from('12') });
    await page.getByLabel('Note').fill('a taxi');
    pass();
    await page.getByText('bill.txt').waitFor();
    t.equal(await page.getByLabel('Note').inputValue(), 'a taxi');
    t.same(dan.faults, []);
    await page.locator('[role=status][data-state=saved]').waitFor();

    // A sheet that the server does not open.
    await page.routeWebSocket('**/submission/**', (socket) => socket.close({ code: 4403, reason: 'not for you' }));
    await page.reload();
    await page.getByText('not for you').waitFor();
  },
);

t.test('a respondent is offered a newer version, and takes answers along when a backup was restored', async (t) => {
  const formId = await visitForm(app.rest);
  await app.rest.post(`/forms/${formId}/publish`);
  // The copy in the browser may know of no life before the first one here.
  const cleo = await app.visit(t, '/app/', { name: 'Cleo', language: 'fr' });
  const { page } = cleo;
  // From the second connection on, the sheet is of another life, as after a restore.
  let life = 0;
  let cut = (): void => undefined;
  await page.routeWebSocket(/submission/, (socket) => {
    const server = socket.connectToServer();
    cut = () => void socket.close({ code: 1012, reason: 'restart' });
    const epoch = `"epoch":"another life ${String((life += 1)).padStart(23, '0')}"`;
    server.onMessage((message) => {
      const text = Buffer.from(message).toString('latin1');
      socket.send(Buffer.from(text.replace(/"epoch":"[^"]{36}"/, epoch), 'latin1'));
    });
  });
  await page.goto(`${app.http}/app/r/${formId}`);
  await page.getByLabel('Votre nom').fill('Cleo Baptiste');
  await page.locator('[role=status][data-state=saved]').waitFor();
  const form = (await app.rest.get(`/forms/${formId}`)).body;
  form.pages[0].fields = [
    ...form.pages[0].fields.slice(0, 1),
    { id: 'shoe', type: 'number', title: { fr: 'Pointure' } },
  ];
  t.equal((await app.rest.put(`/forms/${formId}`, form)).status, 200);
  t.equal((await app.rest.post(`/forms/${formId}/publish`)).body.version, 2);
  const notice = page.locator('.notice', { hasText: 'nouvelle version' });
  await notice.waitFor();
  await isClean(t, cleo, 'the offer of a newer version');
  await notice.getByRole('button').click();
  await page.getByLabel('Pointure').fill('39');
  t.equal(await page.getByLabel('Votre nom').inputValue(), 'Cleo Baptiste');
  await notice.waitFor({ state: 'detached' });
  await page.locator('[role=status][data-state=saved]').waitFor();

  cut();
  const restored = page.locator('.notice', { hasText: 'restauré' });
  await restored.waitFor();
  await page.getByLabel('Pointure').fill('40');
  await isClean(t, cleo, 'a sheet after a restore');
  await restored.getByRole('button').click();
  await page.locator('[role=status][data-state=saved]').waitFor();
  t.equal(await page.getByLabel('Pointure').inputValue(), '40');
  const { body } = await app.rest.get(`/forms/${formId}/submissions`);
  const answers = async (): Promise<unknown> =>
    (await app.rest.get(`/forms/${formId}/submissions/${String(body.data[0].id)}`)).body.answers;
  await until(async () => JSON.stringify(await answers()) === '{"name":"Cleo Baptiste","shoe":40}');
});

t.test('an operator restores a snapshot while an editor watches', async (t) => {
  const formId = await visitForm(app.rest);
  await app.rest.post(`/documents/${encodeURIComponent(`form/${formId}`)}/snapshots`, { label: 'Before the rush' });
  await app.rest.patch(`/forms/${formId}`, {
    operations: [
      { op: 'setTitle', language: 'en', value: 'Spoiled' },
      { op: 'removeField', fieldId: 'mail' },
    ],
  });
  const [ada, omar] = await Promise.all([
    app.visit(t, `/app/forms/${formId}`, { name: 'Ada Obi', language: 'fr' }),
    app.visit(t, '/app/operate', { name: 'Omar' }),
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
    (await app.rest.get('/audit')).body.data.some((entry: { action: string }) => entry.action === 'snapshot.restored'),
  );
  await omar.page.getByText('snapshot.restored').waitFor();
});
