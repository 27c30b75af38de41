/** The examples as they stand, each started by its command: two windows of one page see what the other does. */
import t from 'tap';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { openBrowser } from '../harness/browser.js';
import { composeServer } from '../harness/composed-server.js';
import { freePort } from '../harness/free-port.js';
import { until } from '../harness/until.js';

const server = await composeServer();
t.teardown(() => server.cleanup());

const run = async (name: string, url: string): Promise<string> =>
  (await promisify(execFile)(process.execPath, ['examples/run.mjs', name, '--server', url])).stdout;

void t.test('the programs do what they say', async (t) => {
  // Nobody listens there yet: the command starts a server.
  t.equal(await run('plain-yjs', `http://127.0.0.1:${await freePort()}`), 'bob reads: hello\n');
  t.equal(await run('sdk-form', server.http), 'saved: Visit asks for "Your name"\n');
});

void t.test('the pages', async (t) => {
  const command = spawn(process.execPath, [
    'examples/run.mjs',
    'tiptap',
    ...['--server', server.http],
    ...['--port', String(await freePort())],
  ]);
  const exited = once(command, 'exit');
  const said: string[] = [];
  command.stderr.on('data', (bytes: Buffer) => said.push(bytes.toString()));
  t.teardown(async () => {
    command.kill();
    await exited;
  });
  const [line] = (await Promise.race([once(createInterface(command.stdout), 'line'), exited])) as unknown[];
  const opened = /^Open (http:\S+?)\/tiptap\/ in two windows/.exec(String(line))?.[1];
  if (opened === undefined) throw new Error(`The pages are not served: ${said.join('')}`);
  const browser = await openBrowser();
  t.teardown(() => browser.close());
  /** Each person has a profile of their own. */
  const open = async (name: string, path: string): Promise<Page> => {
    const page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(20_000);
    await page.goto(new URL(path.replace('?', `?name=${name}`), opened).href);
    return page;
  };
  const windows = (path: string): Promise<[Page, Page]> => Promise.all([open('ada', path), open('bob', path)]);

  for (const [name, selector] of [
    ['tiptap', '.ProseMirror'],
    ['codemirror', '.cm-content'],
  ] as const) {
    await t.test(name, async (t) => {
      const [ada, bob] = await windows(`/${name}/?`);
      await ada.click(selector);
      await ada.keyboard.type('from ada');
      await shows(bob, selector, 'from ada');
      await bob.click(selector);
      await bob.keyboard.press('Control+Home');
      await bob.keyboard.type('and bob, ');
      // The carets of others carry their names, in between.
      await shows(ada, selector, 'and bob, ');
      // Each sees the caret of the other.
      await ada.waitForSelector(name === 'tiptap' ? '.caret[data-name="bob"]' : '.cm-ySelectionCaret');
      await shows(ada, '#state', 'synced, saved');
      t.pass();
    });
  }

  await t.test('surveyjs', async (t) => {
    const ada = await open('ada', '/surveyjs/?');
    await until(() => new URL(ada.url()).hash.length > 1);
    const bob = await open('bob', `/surveyjs/?${new URL(ada.url()).hash}`);
    await ada.fill('input[type=text]', 'Grace');
    await ada.keyboard.press('Tab');
    await until(async () => (await bob.inputValue('input[type=text]')) === 'Grace');
    await bob.getByText('Coffee', { exact: true }).click();
    await until(() => ada.isChecked('input[value=coffee]'));
    await shows(ada, '#state', 'synced, saved');
    await ada.getByRole('button', { name: 'Complete' }).click();
    await ada.waitForSelector('.sd-completedpage');
    t.pass();
  });

  await t.test('react', async (t) => {
    const [ada, bob] = await windows('/react/?');
    await shows(ada, '[role=status]', 'here: you, bob');
    await ada.fill('input', 'Visit');
    await until(async () => (await bob.inputValue('input')) === 'Visit');
    await bob.click('text=Add a question');
    await shows(ada, 'li', 'Question 1');
    await ada.click('text=Remove');
    await bob.waitForSelector('li', { state: 'detached' });
    await shows(bob, '[role=status]', 'synced, saved');
    t.pass();
  });
});

const shows = (page: Page, selector: string, text: string): Promise<void> =>
  page.locator(selector, { hasText: text }).first().waitFor();
