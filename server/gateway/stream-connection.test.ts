import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { factsOfEditor } from '../../test/harness/connection-facts.js';
import { until } from '../../test/harness/until.js';
import { frame } from '../protocol/frame.js';
import { OpenConnections } from './open-connections.js';
import { StreamConnection, type Post } from './stream-connection.js';

const IDLE_MS = 30_000;

interface Stream {
  readonly connection: StreamConnection;
  /** What the reader got so far. */
  readonly read: (until: RegExp) => Promise<string>;
  /** Resolves when the reader's end of the stream is over. */
  readonly over: Promise<void>;
  readonly post: (messages: string, sequence?: number) => Promise<string>;
}

/** A real stream over a real server. */
async function streamOn(t: Test, idleTimeoutMs = IDLE_MS): Promise<Stream> {
  let answered: (response: ServerResponse) => void = () => undefined;
  const response = new Promise<ServerResponse>((resolve) => (answered = resolve));
  const server = createServer((_request, answer) => {
    answer.writeHead(200, { 'content-type': 'text/event-stream' });
    answered(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const request = fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const answer = await response;
  const connection = new StreamConnection(answer, answer.socket!, factsOfEditor(idleTimeoutMs));
  const reader = (await request).body!.getReader();
  let text = '';
  let wake: () => void = () => undefined;
  const over = (async () => {
    try {
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        text += Buffer.from(next.value).toString();
        wake();
      }
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // the server has cut the line
    }
  })();
  const read = async (pattern: RegExp): Promise<string> => {
    while (!pattern.test(text)) await new Promise<void>((resolve) => (wake = resolve));
    return text;
  };
  const { secret } = JSON.parse(/data: (.*)\n/.exec(await read(/open.*\n.*\n\n/))![1]!) as { secret: string };
  const base: Omit<Post, 'messages' | 'sequence'> = { secret, document: 'room', principal: 'ada' };
  return {
    connection,
    read,
    over,
    post: (messages, sequence) => connection.post({ ...base, sequence, messages: Buffer.from(messages) }),
  };
}

void t.test('each frame is one event, however long its header', async (t) => {
  const { connection, read } = await streamOn(t);
  const payloads = [3, 125, 126, 65_535, 65_536].map((length) => Buffer.alloc(length, length));
  connection.write(Buffer.concat(payloads.map((payload) => frame(payload))));
  connection.close(1012, 'the end – “quoted”');
  const events = (await read(/event: close\n.*\n\n/)).split('\n\n').slice(1, -1);
  t.strictSame(
    events.slice(0, -1),
    payloads.map((payload) => `data: ${payload.toString('base64')}`),
  );
  t.equal(events.at(-1), 'event: close\ndata: {"code":1012,"reason":"the end – “quoted”"}');
});

void t.test('who does not answer pings is gone after the idle timeout', async (t) => {
  const { connection, read, over, post } = await streamOn(t);
  connection.checkLife(performance.now() + IDLE_MS - 1_000, 10_000);
  await read(/event: ping\n/);
  await post('');
  connection.checkLife(performance.now() + IDLE_MS - 1_000, IDLE_MS);
  t.equal(connection.isOpen, true, 'an empty post is a sign of life');
  connection.checkLife(performance.now() + IDLE_MS + 1_000, IDLE_MS);
  t.equal(connection.isOpen, false);
  await over;
});

void t.test('nobody is gone because this process stood still', async (t) => {
  const { connection, read } = await streamOn(t, 2_500);
  const connections = new OpenConnections({ onRevoked: () => () => undefined });
  t.teardown(() => connections.close());
  connections.add(connection);
  await read(/event: ping\n/);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3_000);
  await read(/event: ping\n[^]*event: ping\n/);
  t.equal(connection.isOpen, true, 'it is asked first');
  await until(() => !connection.isOpen, { what: 'it has not answered that either' });
  connections.remove(connection);
});

void t.test('who took bytes long ago and hangs now is gone after the idle timeout', async (t) => {
  const { connection, read } = await streamOn(t);
  const start = performance.now();
  connection.write(frame(Buffer.alloc(10)));
  await read(/data: .*\n\n/);
  connection.write(frame(Buffer.alloc(64_000_000)));
  t.ok(connection.lagBytes() > 0, 'not all of it fits into the socket');
  connection.checkLife(start + IDLE_MS / 3 + 1_000, 10_000);
  // The same again a second later, and nothing was taken meanwhile: all of this is one turn of the loop.
  connection.checkLife(start + IDLE_MS / 3 + 2_000, 10_000);
  connection.checkLife(start + IDLE_MS + 1_000, 10_000);
  t.equal(connection.isOpen, false, 'what it took before the checks is no sign of life');
});

void t.test('posts wait, in order, while the document is loaded, and only so many', async (t) => {
  const { connection, post } = await streamOn(t);
  const taken: string[] = [];
  connection.onMessages((messages) => taken.push(Buffer.from(messages).toString()));
  connection.pause();
  const waiting = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => post(`m${n}`, n));
  t.equal(await post('m9', 9), 'too many at once');
  t.equal(await post('m3', 3), 'taken', 'what waits is known already');
  t.strictSame(taken, []);
  connection.resume();
  t.strictSame(new Set(await Promise.all(waiting)), new Set(['taken']));
  t.equal(await post('m9', 9), 'taken');
  t.strictSame(taken, ['m1', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7', 'm8', 'm9']);
});

void t.test('what waits when it is closed is not handled', async (t) => {
  const { connection, post } = await streamOn(t);
  const taken: Uint8Array[] = [];
  connection.onMessages((messages) => taken.push(messages));
  connection.pause();
  const waiting = post('late');
  connection.close(4404, 'the document was deleted');
  t.equal(await waiting, 'unknown connection');
  t.strictSame(taken, []);
});
