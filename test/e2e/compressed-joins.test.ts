/** A state that is compressed once, for all who take it so, among clients that do not. */
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { composeServer, type ComposedServer } from '../harness/composed-server.js';
import { restClient } from '../harness/rest-client.js';
import { stockClient, type StockClient, type StockOptions } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

const WORDS = ['question', 'answer', 'required', 'page', 'rating', 'comment', 'logic', 'choice'];
/** Sentences that no two are the same, from a small vocabulary: about what people type. */
const prose = (sentences: number): string =>
  Array.from({ length: sentences }, (_, i) => `${WORDS[i % 8]} ${WORDS[(i * 5) % 7]} ${i * 7919}. `).join('');

let server: ComposedServer;
t.before(async () => {
  server = await composeServer({ env: { COMPRESS_JOINS: 'true', MAX_FRAME_BYTES: '4 MiB' } });
});
t.teardown(() => server.cleanup());

function join(t: Test, document: string, options: StockOptions = {}): StockClient {
  const client = stockClient(server.ws, document, options);
  t.teardown(() => client.destroy());
  return client;
}

const textOf = ({ doc }: StockClient): string => doc.getText('t').toJSON();

/** Bytes that the server has sent to each connection of a document, in the order in which they opened. */
async function bytesOut(document: string): Promise<number[]> {
  const { body } = await restClient(server.http).get(`/connections?document=${encodeURIComponent(document)}`);
  return (body.data as { since: string; bytesOut: number }[])
    .toSorted((a, b) => a.since.localeCompare(b.since))
    .map((each) => each.bytesOut);
}

for (const [size, sentences] of [
  ['one frame', 4_000],
  ['several frames, compressed in the background', 60_000],
] as const) {
  void t.test(`${size}: who offers compression gets the same state in fewer bytes`, async (t) => {
    const document = `opaque/${sentences}`;
    const author = join(t, document);
    await author.synced();
    author.doc.getText('t').insert(0, prose(sentences));
    await author.saved();
    const bytes = Buffer.byteLength(textOf(author));

    const plain = join(t, document, { perMessageDeflate: false });
    await plain.synced();
    t.equal(textOf(plain), textOf(author));
    // In the background, the first who asks sets it off; sooner or later somebody gets it compressed.
    let sent = Infinity;
    await until(async () => {
      const compressed = join(t, document);
      await compressed.synced();
      t.equal(textOf(compressed), textOf(author));
      sent = (await bytesOut(document)).at(-1) ?? Infinity;
      return sent < bytes / 2;
    });
    t.ok(sent < bytes / 2, `${sent} of ${bytes} bytes`);
    t.ok(((await bytesOut(document))[1] ?? 0) > bytes, 'the plain one is sent all of it');
  });
}

void t.test('what is typed after the state was compressed reaches old and new clients of either kind', async (t) => {
  const document = 'opaque/typed-after';
  const author = join(t, document);
  await author.synced();
  author.doc.getText('t').insert(0, prose(4_000));
  await author.saved();
  const others = [join(t, document), join(t, document, { perMessageDeflate: false })];
  await Promise.all(others.map((other) => other.synced()));
  author.doc.getText('t').insert(0, 'typed after: ');
  await author.saved();
  others.push(join(t, document), join(t, document, { perMessageDeflate: false }));
  await Promise.all(others.map((other) => other.synced()));
  // Large enough for the client's side to compress it as well.
  others[0]?.doc.getText('t').insert(0, prose(200));
  await until(() => [author, ...others].every((each) => textOf(each).length === textOf(others[0] ?? each).length));
  for (const each of [author, ...others]) t.equal(textOf(each), textOf(others[0] ?? each));
  t.strictSame(
    [author, ...others].flatMap(({ closes }) => closes),
    [],
  );
});

void t.test('who has too small a window for a shared frame gets it plain', async (t) => {
  const document = 'opaque/small-window';
  const author = join(t, document);
  await author.synced();
  author.doc.getText('t').insert(0, prose(1_000));
  await author.saved();
  const small = join(t, document, { perMessageDeflate: { serverMaxWindowBits: 9 } });
  await small.synced();
  t.equal(textOf(small), textOf(author));
  t.ok(((await bytesOut(document)).at(-1) ?? 0) > Buffer.byteLength(textOf(author)), 'plain');
});

void t.test('a frame that inflates to more than a frame may hold closes its connection alone', async (t) => {
  const neighbour = join(t, 'opaque/bomb');
  await neighbour.synced();
  const bomber = new WebSocket(`${server.ws}/opaque/bomb`);
  await once(bomber, 'open');
  t.ok(bomber.extensions.includes('permessage-deflate'));
  bomber.send(new Uint8Array(64 * 1024 * 1024));
  const [code] = (await once(bomber, 'close')) as [number];
  t.equal(code, 4413);
  neighbour.doc.getText('t').insert(0, 'unharmed');
  await neighbour.saved();
  t.strictSame(neighbour.closes, []);
});
