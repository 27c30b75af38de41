/**
 * `npm run bench:typing`: how long a letter takes from the key to the screen, in the editor of a form in a real Chromium,
 * while others write in the same form with carets of their own. Times nothing in `npm test`.
 *
 *   --peers N   others who write (10)      --keys N    letters in each kind of text (200)
 *   --fields N  questions of the form (60) --json      one line of JSON
 */
import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';
import * as Y from 'yjs';
import { connect, openForm, type FormHandle, type WebSocketClass } from '../../client/index.js';
import { openBrowser, visitor, type Visitor } from '../harness/browser.js';
import { composeServer } from '../harness/composed-server.js';
import { restClient } from '../harness/rest-client.js';

/** About as fast as somebody who types well. */
const PEER_PAUSE_MS = 200;
const KEY_PAUSE_MS = 60;

const { values } = parseArgs({
  options: {
    peers: { type: 'string', default: '10' },
    keys: { type: 'string', default: '200' },
    fields: { type: 'string', default: '60' },
    json: { type: 'boolean', default: false },
  },
});
const [peers, keys, fields] = [Number(values.peers), Number(values.keys), Number(values.fields)];

const server = await composeServer();
const browser = await openBrowser();
const connections: FormHandle[] = [];
const timers: ReturnType<typeof setInterval>[] = [];
try {
  const formId = await longForm(restClient(server.http));
  for (let peer = 0; peer < peers; peer += 1) await write(formId, peer);
  const typist = await visitor(browser, server.http, { name: 'Typist' });
  await typist.page.goto(`${server.http}/app/forms/${formId}`);
  const title = await type(typist, '[data-target="fields/f0/title"]');
  const rich = await type(typist, '[data-target="fields/f0/description"]');
  const report = { peers, fields, keys, title, richText: rich };
  const line = (name: string, { p50, p95, p99, cpu }: Measured): string =>
    `${name.padEnd(10)} p50 ${p50} ms   p95 ${p95} ms   p99 ${p99} ms   main thread ${cpu} ms a letter\n`;
  process.stdout.write(
    values.json
      ? `${JSON.stringify(report)}\n`
      : `From key to screen, ${peers} others writing, ${fields} questions, ${keys} letters each:\n${line('title', title)}${line('rich text', rich)}`,
  );
} finally {
  for (const timer of timers) clearInterval(timer);
  for (const handle of connections) handle.close();
  await browser.close();
  await server.cleanup();
}

async function longForm(rest: ReturnType<typeof restClient>): Promise<string> {
  const questions = Array.from({ length: fields }, (_, index) => ({
    id: `f${index}`,
    type: index % 3 === 0 ? 'text' : 'choice',
    title: { en: `Question ${index + 1}: what do you think of this?`, fr: `Question ${index + 1}` },
    description: { en: 'Tell us in **your own** words.' },
    ...(index % 3 === 0 ? {} : { options: ['a', 'b', 'c'].map((id) => ({ id, label: { en: `Option ${id}` } })) }),
  }));
  const form = { title: { en: 'A long form' }, languages: ['en', 'fr'], pages: [{ id: 'p1', fields: questions }] };
  const { body } = await rest.post('/forms', form);
  return body.form.id as string;
}

/** Somebody who writes in another question all the time, and shows where. */
async function write(formId: string, peer: number): Promise<void> {
  const options = { url: server.http, user: `Peer ${peer}`, WebSocket: WebSocket as unknown as WebSocketClass };
  const handle = openForm(connect(options), formId);
  connections.push(handle);
  await handle.connection.synced();
  const field = `f${1 + (peer % (fields - 1))}`;
  const text = handle.text(`fields/${field}`, 'title', 'en');
  timers.push(
    setInterval(() => {
      handle.doc.transact(() => text.insert(text.length, 'x'), handle);
      const at: unknown = Y.relativePositionToJSON(Y.createRelativePositionFromTypeIndex(text, text.length));
      handle.presence?.show({ activity: 'typing', field, cursor: { anchor: at, head: at } });
    }, PEER_PAUSE_MS),
  );
}

interface Measured {
  /** Milliseconds of the page's main thread for each letter, with what others write meanwhile. */
  readonly cpu: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** From the time stamp of the key to the task after the frame in which its letter is painted. */
async function type({ page, context }: Visitor, selector: string): Promise<Measured> {
  await page.locator(selector).first().click();
  await page.locator(`${selector}:focus`).waitFor();
  await page.evaluate(`
    window.keyTimes = [];
    window.onKeyOfBench ??= addEventListener('keydown', (event) => {
      requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => window.keyTimes.push(performance.now() - event.timeStamp);
        channel.port2.postMessage(null);
      });
    }, true) ?? true;
  `);
  const session = await context.newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const spent = async (): Promise<number> =>
    (await session.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration')?.value ?? NaN;
  const before = await spent();
  await page.keyboard.type('lorem ipsum '.repeat(Math.ceil(keys / 12)).slice(0, keys), { delay: KEY_PAUSE_MS });
  const cpu = Math.round((((await spent()) - before) * 10_000) / keys) / 10;
  await page.waitForTimeout(300);
  const times = (await page.evaluate<number[]>('window.keyTimes')).sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round((times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? NaN) * 10) / 10;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), cpu };
}
