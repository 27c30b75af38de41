/** The web app in a real Chromium, against the whole server: forms, answering, operations. */
import { readFile } from 'node:fs/promises';
import t from 'tap';
import { fitsTheWidth, isClean, openApp, picture, shellIsKept, shows, visitForm, type App } from '../harness/app.js';
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
  await fitsTheWidth(t, cleo, 'a page with wrong answers');
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

/** In three languages, one of which runs from the right. */
const CITY = {
  title: { en: 'Your city', ar: 'مدينتك', fr: 'Votre ville' },
  languages: ['en', 'ar', 'fr'],
  pages: [
    {
      id: 'p1',
      fields: [
        {
          id: 'name',
          type: 'text',
          title: { en: 'Full name', ar: 'الاسم الكامل', fr: 'Nom complet' },
          description: { en: 'As in your passport.', ar: 'كما في جواز السفر.', fr: 'Comme dans votre passeport.' },
          required: true,
        },
        { id: 'mail', type: 'email', title: { en: 'Email', ar: 'البريد', fr: 'Courriel' } },
        {
          id: 'way',
          type: 'choice',
          title: { en: 'How do you travel?', ar: 'كيف تتنقل؟', fr: 'Comment voyagez-vous?' },
          // Not translated yet.
          description: { en: 'Most often, please.' },
          options: [
            { id: 'bus', label: { en: 'By bus', ar: 'بالحافلة', fr: 'En bus' } },
            { id: 'foot', label: { en: 'On foot?' } },
          ],
        },
      ],
    },
  ],
};

t.test('a respondent reads the form in the language that suits, and chooses another', async (t) => {
  const formId = String((await app.rest.post('/forms', CITY)).body.form.id);
  await app.rest.post(`/forms/${formId}/publish`);
  const cleo = await app.visit(t, `/app/r/${formId}`, { name: 'Cleo', language: 'fr', size: PHONE });
  const { page } = cleo;
  await page.getByLabel('Nom complet').waitFor();
  t.pass('“fr-CA” of the browser is met by “fr”');

  await page.goto(`${app.http}/app/r/${formId}?lang=ar`);
  const name = page.getByLabel('الاسم الكامل');
  await name.fill('Cleo Baptiste');
  await page.getByRole('button', { name: 'Envoyer' }).waitFor();
  const sheet = page.locator('.sheet');
  t.equal(await sheet.getAttribute('lang'), 'ar', 'what the link says goes first');
  t.equal(await sheet.getAttribute('dir'), 'rtl');
  t.match(await page.title(), 'مدينتك');
  t.equal(await page.getByLabel('البريد').getAttribute('dir'), 'ltr', 'addresses run from the left');
  t.equal(await page.locator('[data-question=way] .description').getAttribute('lang'), 'en', 'what is not translated');
  await page.locator('bdi[lang=en][dir=ltr]', { hasText: 'On foot?' }).waitFor();
  const option = page.locator('.choice').first();
  const [mark, words] = await Promise.all(['input', 'span'].map((part) => option.locator(part).boundingBox()));
  t.ok((mark?.x ?? 0) > (words?.x ?? Infinity), 'the mark of an option stands before it, on its right');
  await page.getByLabel('البريد').fill('no address');
  await page.locator('h1').click();
  await page.locator('.issue bdi[lang=fr][dir=ltr]').waitFor();
  await fitsTheWidth(t, cleo, 'a form from the right');
  await picture(cleo, 'respond-arabic');
  await isClean(t, cleo, 'a form from the right');
  await page.locator('[role=status][data-state=saved]').waitFor();

  const choice = page.getByLabel('Langue du formulaire');
  t.same(await choice.locator('option').allTextContents(), ['English', 'العربية', 'Français']);
  await choice.focus();
  await choice.selectOption('en');
  t.equal(await page.getByLabel('Full name').inputValue(), 'Cleo Baptiste', 'the answers stay');
  t.equal(await sheet.getAttribute('dir'), 'ltr');
  t.equal(await page.evaluate('document.activeElement.tagName'), 'SELECT', 'so does the focus');
  await page.getByRole('button', { name: 'Envoyer' }).waitFor();
  await page.reload();
  await page.getByLabel('Full name').waitFor();
  t.equal(await page.getByLabel('Full name').inputValue(), 'Cleo Baptiste');
  await page.goto(`${app.http}/app/r/${formId}`);
  await page.getByLabel('Full name').waitFor();
  t.pass('what was chosen is remembered for the form');
  await page.getByRole('button', { name: 'EN', exact: true }).click();
  await page.getByRole('button', { name: 'FR', exact: true }).click();
  await page.getByLabel('Nom complet').waitFor();
  t.pass('who turns the page to a language has the form in it, too');
});

t.test('editors see texts that run from the right as their readers do', async (t) => {
  const formId = String((await app.rest.post('/forms', CITY)).body.form.id);
  await app.rest.post(`/forms/${formId}/publish`);
  const ada = await app.visit(t, `/app/forms/${formId}`, { name: 'Ada Obi' });
  const { page } = ada;
  const dirOf = (selector: string): Promise<string | null> => page.locator(selector).first().getAttribute('dir');
  const title = '[data-target="fields/name/title"]';
  const description = '[data-target="fields/name/description"]';
  await page.getByLabel('Language of the texts').selectOption('ar');
  await shows(ada, title, 'الاسم الكامل');
  t.equal(await dirOf(title), 'rtl');
  t.equal(await dirOf('[data-field=name] .field-brief'), 'rtl');
  await page.focus(title);
  await page.locator(description).click();
  await page.locator(`.ProseMirror${description}[dir=rtl][lang=ar]`).waitFor();
  await isClean(t, ada, 'the editor with texts from the right');
  await page.getByRole('button', { name: 'Versions' }).click();
  await page.getByRole('button', { name: 'Look at: Version 1' }).click();
  await page.locator('[data-past=name] .question[dir=rtl]').waitFor();
  t.equal(await dirOf('[data-past=name] .field-brief'), 'rtl');
  await page.getByRole('button', { name: 'Back to now' }).click();
  await page.getByRole('button', { name: 'Languages' }).click();
  await page.locator(`${title}[lang=ar][dir=rtl]`).waitFor();
  t.equal(await dirOf(`${title}[lang=en]`), 'ltr');
  await page.goto(`${app.http}/app/`);
  t.equal(await dirOf(`a[href="/app/forms/${formId}"]`), 'auto');
});

t.test('no word that somebody typed makes a page wider than the window', async (t) => {
  const word = 'Donaudampfschifffahrtsgesellschaft'.repeat(7);
  const texts = { en: word };
  const items = ['a', 'b', 'c', 'd', 'e'].map((id) => ({ id, label: texts }));
  const { body } = await app.rest.post('/forms', {
    title: texts,
    description: { en: `${word}\n\n- [${word}](https://example.org/${word})` },
    languages: ['en', 'ar'],
    pages: [
      {
        id: 'p1',
        title: texts,
        description: texts,
        fields: [
          { id: 'text', type: 'text', title: texts, description: texts, placeholder: texts, required: true },
          ...(['choice', 'dropdown', 'ranking', 'matrix'] as const).map((type) => ({
            id: type,
            type,
            title: texts,
            options: items,
            ...(type === 'matrix' ? { rows: items } : {}),
          })),
          { id: 'group', type: 'group', title: texts, fields: [{ id: 'note', type: 'paragraph', title: texts }] },
        ],
      },
    ],
  });
  const formId = String(body.form.id);
  const documentId = encodeURIComponent(`form/${formId}`);
  await app.rest.post(`/forms/${formId}/publish`);
  await app.rest.patch(`/forms/${formId}`, {
    operations: [
      { op: 'setTitle', language: 'en', value: `${word}s` },
      {
        op: 'setProperty',
        target: 'fields/text',
        path: 'visibleIf',
        value: { '==': [{ var: 'choice' }, 'a'] },
      },
    ],
  });
  await app.rest.post(`/documents/${documentId}/snapshots`, { label: word.slice(0, 100) });
  const longName = 'Maximiliane'.repeat(9);
  await app.rest.post(`/forms/${formId}/threads`, { anchor: { type: 'field', fieldId: 'text' }, body: word });
  const eve = await app.visit(t, '/app/', { name: longName });
  const { page } = eve;
  const fits = async (what: string): Promise<void> => {
    await page.setViewportSize(PHONE);
    await fitsTheWidth(t, eve, `${what}, on a phone,`);
    await page.setViewportSize({ width: 1280, height: 900 });
    await fitsTheWidth(t, eve, what);
  };
  const excess = (selector: string): Promise<number> =>
    page.evaluate(
      `(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.querySelector('${selector}'))`,
    );
  await page.locator(`a[href="/app/forms/${formId}"]`).waitFor();
  await fits('the list of forms');

  await page.goto(`${app.http}/app/forms/${formId}`);
  await page.focus('[data-target="fields/text/title"]');
  await page.locator('[data-target="fields/text/description"]').click();
  await page.locator('.ProseMirror').waitFor();
  await page.getByText('Rules for answers').click();
  await fits('the editor');
  await page.focus('[data-target="fields/matrix/title"]');
  await fits('options in the editor');
  await page.focus('[data-target="fields/text/title"]');
  for (const [panel, has] of [
    ['Comments', '.thread'],
    ['Conflicts', '.policy legend'],
    ['History', '.side .changes li'],
    ['Versions', '.timeline li'],
  ] as const) {
    await page.getByRole('button', { name: panel, exact: true }).click();
    await page.locator(has).first().waitFor();
    t.equal(await excess('.side'), 0, `nothing in ${panel} is wider than the panel`);
  }
  await page.getByRole('button', { name: 'Look at: Version 1' }).click();
  await page.locator('[data-past=text]').waitFor();
  await fits('the form as it was');
  await page.getByRole('button', { name: 'Back to now' }).click();
  await page.getByRole('button', { name: 'Languages' }).click();
  await page.locator('.pair').first().waitFor();
  await fits('the languages');
  await page.getByRole('button', { name: 'Publish', exact: true }).click();
  await page.locator('dialog .changes li').first().waitFor();
  t.equal(await excess('dialog'), 0, 'nothing is wider than the dialog for publishing');

  await page.goto(`${app.http}/app/r/${formId}`);
  await page.locator('[data-question=matrix]').waitFor();
  await page.getByRole('button', { name: 'Submit' }).click();
  await fits('the respond page');
  await page.goto(`${app.http}/app/forms/${formId}/analytics`);
  await page.locator('.funnel th').nth(8).waitFor();
  await fits('analytics');
  await page.goto(`${app.http}/app/operate`);
  await page.getByRole('button', { name: `form/${formId}`, exact: true }).click();
  await page.locator('.snapshots .timeline li').first().waitFor();
  await fits('operations');
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
