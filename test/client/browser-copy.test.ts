/** The local copy in a real Chromium, whose IndexedDB, storage and network are those of people. */
import t from 'tap';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import { openBrowser } from '../harness/browser.js';
import { composeServer } from '../harness/composed-server.js';
import { restClient } from '../harness/rest-client.js';
import { stockClient } from '../harness/stock-client.js';
import { freePort } from '../harness/free-port.js';
import { until } from '../harness/until.js';

/** What an application does with a copy, and what the test looks at. */
const APPLICATION = `
  import { connect, openLocalCopy } from './client/index.js';
  const copy = await openLocalCopy('notes');
  const url = new URLSearchParams(location.search).get('server');
  const connection = connect({ url }).open('notes', { doc: copy.doc, copy });
  copy.follow(connection);
  const text = copy.doc.getText('x');
  window.notes = {
    write: (words) => text.insert(text.length, words),
    written: () => copy.written(),
    aside: async () => (await copy.setAside()).length,
    look: () => ({ text: text.toString(), save: connection.saveState, state: connection.state, epoch: connection.epoch }),
  };
`;

interface Notes {
  write(words: string): void;
  written(): Promise<void>;
  aside(): Promise<number>;
  look(): { text: string; save: string; state: { status: string; code?: number }; epoch?: string };
}

const { outputFiles } = await build({
  stdin: { contents: APPLICATION, resolveDir: process.cwd(), loader: 'ts' },
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2023',
  write: false,
});
const script = outputFiles[0]!.text;
/** The page comes from elsewhere, so that it can be loaded while the server is away. */
const pages = createServer((request, answer) => {
  const isScript = request.url === '/app.js';
  answer.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
  answer.end(isScript ? script : '<!doctype html><title>notes</title><script type="module" src="/app.js"></script>');
});
await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve));
const home = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
const browser = await openBrowser();
t.teardown(async () => {
  await browser.close();
  pages.closeAllConnections();
  pages.close();
});

async function looksLike(page: Page, what: (seen: ReturnType<Notes['look']>) => boolean): Promise<void> {
  let seen: ReturnType<Notes['look']> | undefined;
  await until(
    async () => {
      seen = await page.evaluate(() => (globalThis as unknown as { notes?: Notes }).notes?.look());
      return seen !== undefined && what(seen);
    },
    { what: () => `${what.toString()}, not ${JSON.stringify(seen)}` },
  );
}

void t.test(
  'row 31: edit offline, reload, reconnect: kept; another life of the document: not merged; deleted: gone',
  async (t) => {
    const env = { PORT: String(await freePort()), CORS_ORIGINS: home };
    const first = await composeServer({ env });
    const page = await (await browser.newContext()).newPage();
    const url = `${home}/?server=${encodeURIComponent(first.http)}`;
    await page.goto(url);
    await looksLike(page, ({ state }) => state.status === 'synced');
    await page.evaluate(`notes.write('with a network')`);
    await looksLike(page, ({ save }) => save === 'saved');

    await first.close();
    await page.evaluate(`notes.write(', and without'); notes.written()`);
    await looksLike(page, ({ save }) => save === 'offline');
    await page.reload();
    await looksLike(page, ({ text, save }) => text === 'with a network, and without' && save === 'offline');

    const second = await composeServer({ dataDir: first.dataDir, env });
    await looksLike(page, ({ save, state }) => save === 'saved' && state.status === 'synced');
    const reader = stockClient(second.ws, 'notes');
    t.teardown(() => reader.destroy());
    await until(() => reader.doc.getText('x').toString() === 'with a network, and without');
    await page.evaluate('notes.written()');
    const before = await page.evaluate(`notes.look().epoch`);
    t.type(before, 'string');

    // Nobody has it open while the data are lost and the document is made anew.
    await page.goto('about:blank');
    reader.destroy();
    await second.cleanup();
    const third = await composeServer({ env });
    t.teardown(() => third.cleanup());
    const writer = stockClient(third.ws, 'notes');
    t.teardown(() => writer.destroy());
    await writer.synced();
    writer.doc.getText('x').insert(0, 'another life');
    const rest = restClient(third.http);
    await until(async () => (await rest.get('/documents/notes')).status === 200);
    await page.goto(url);
    await looksLike(page, ({ state }) => state.status === 'closed' && state.code === 4499);
    t.equal(await page.evaluate('notes.aside()'), 1, 'what was written is not thrown away');
    t.equal(writer.doc.getText('x').toString(), 'another life');
    await page.reload();
    await looksLike(page, ({ text, save }) => text === 'another life' && save === 'saved');

    // Deleted while nobody looks.
    await page.goto('about:blank');
    t.equal((await rest.delete('/documents/notes')).status, 200);
    await page.goto(url);
    await looksLike(page, ({ state }) => state.status === 'closed' && state.code === 4404);
    await page.evaluate('notes.written()');
    await page.reload();
    await looksLike(page, ({ text }) => text === '');
  },
);
