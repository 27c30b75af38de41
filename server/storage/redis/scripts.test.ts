import { createHash } from 'node:crypto';
import { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import { loadScript, type Script } from './connection/script.js';
import { decodeWakeUp } from './documents/wake-up.js';
import { Keys } from './keys.js';
import { RedisTestServer } from './testing/redis-test-server.js';
import { eventually } from '../testing/store-under-test.js';

const CARRY = 1_000;
const { log, snapshot, meta, wake } = new Keys().document('form/f');

interface Append {
  readonly writer?: string;
  readonly batch: string;
  readonly epoch?: string;
  readonly position?: string;
  readonly ifAbsent?: boolean;
  readonly entries: readonly string[];
}

async function connect(t: Test): Promise<Redis> {
  const server = await RedisTestServer.start();
  const client = new Redis(server.url, { protocol: 2 });
  t.teardown(async () => {
    client.disconnect();
    await server.stop();
  });
  return client;
}

function run(client: Redis, script: Script, keys: string[], ...args: (string | number)[]): Promise<unknown> {
  return client.eval(script.lua, script.keyCount, ...keys, ...args.map(String));
}

async function append(client: Redis, batch: Append): Promise<string[]> {
  const { writer = 'w', epoch = '', position = '', ifAbsent = false, entries } = batch;
  const args = [writer, batch.batch, epoch, position, 'epoch-1', ifAbsent ? '1' : '0', CARRY, ...entries];
  return (await run(client, loadScript('append-3'), [log, meta, wake], ...args)) as string[];
}

function compact(client: Redis, position: string, state: string, id: string): Promise<unknown> {
  return run(client, loadScript('compact-3'), [log, snapshot, meta], position, state, id);
}

void t.test('a script is named after the number of its keys, complete, and hashed as Redis does', async (t) => {
  const client = await connect(t);
  for (const name of [
    ...['append-3', 'compact-3', 'erase-3', 'append-events-2', 'put-record-3'],
    ...['delete-record-3', 'acquire-lease-2', 'renew-lease-1', 'copy-events-1', 'exchange-events-2'],
  ]) {
    const script = loadScript(name);
    t.match(script, { keyCount: Number(name.at(-1)), sha: createHash('sha1').update(script.lua).digest('hex') });
    t.notMatch(script.lua, /@include/, `${name} includes what it asks for`);
    t.equal(await client.script('LOAD', script.lua), script.sha, `Redis can read ${name}`);
  }
});

void t.test('append-3 makes a document, numbers its entries and answers their ids', async (t) => {
  const client = await connect(t);
  const [code, epoch, isCreated, ...ids] = await append(client, { batch: '1', entries: ['a', 'bb'] });
  t.strictSame([code, epoch, isCreated, ids.length], ['ok', 'epoch-1', '1', 2]);
  const [, , isCreatedAgain] = await append(client, { batch: '2', entries: ['c'] });
  t.equal(isCreatedAgain, '0');
  const entries = await client.xrange(log, '-', '+');
  t.strictSame(
    entries.map(([, fields]) => fields),
    [
      ['e', 'a', 'n', '1', 'b', '1'],
      ['e', 'bb', 'n', '2', 'b', '3'],
      ['e', 'c', 'n', '3', 'b', '4'],
    ],
  );
  t.match(await client.hgetall(meta), { epoch: 'epoch-1', n: '3', b: '4', last: entries[2]![0], created: /^\d{13}$/ });
});

void t.test('append-3 appends a batch once and answers the same ids again', async (t) => {
  const client = await connect(t);
  const first = await append(client, { batch: '1', entries: ['a', 'b'] });
  await append(client, { writer: 'other', batch: '1', entries: ['c'] });
  const again = await append(client, { batch: '1', entries: ['a', 'b'] });
  t.strictSame(again.slice(3), first.slice(3));
  t.equal(await client.xlen(log), 3);
  await compact(client, first[4]!, 'state', 'x');
  const compacted = await append(client, { batch: '1', entries: ['a', 'b'] });
  t.equal(compacted.at(-1), first.at(-1), 'also when the entries were folded meanwhile');
});

void t.test('append-3 remembers the last writers only', async (t) => {
  const client = await connect(t);
  for (let i = 0; i < 100; i++) await append(client, { writer: `writer-${i}`, batch: '1', entries: ['a'] });
  const recent = (await client.hget(meta, 'recent'))!;
  t.equal(recent.split(';').length - 1, 16);
  t.match(recent, /writer-99,1,\d+-\d+;$/);
});

void t.test('append-3 refuses what must not be written, and writes nothing of it', async (t) => {
  const client = await connect(t);
  t.strictSame(await append(client, { batch: '1', epoch: 'gone', entries: ['a'] }), ['lost'], 'no log any more');
  t.equal(await client.exists(log, meta), 0);
  const [, epoch, , id] = await append(client, { batch: '2', entries: ['a'] });
  t.strictSame(await append(client, { batch: '3', ifAbsent: true, entries: ['b'] }), ['exists']);
  t.strictSame(await append(client, { batch: '4', epoch: 'gone', entries: ['b'] }), ['lost'], 'another life');
  const [ms] = id!.split('-');
  for (const later of [`${ms!}-999`, `${Number(ms) + 1}-0`]) {
    t.strictSame(await append(client, { batch: '5', epoch: epoch!, position: later, entries: ['b'] }), ['lost'], later);
  }
  t.equal(await client.xlen(log), 1);
  await run(client, loadScript('erase-3'), [log, snapshot, meta]);
  t.strictSame(await append(client, { batch: '6', entries: ['b'] }), ['erased']);
});

void t.test(
  'append-3 publishes entries with the position before them, large ones only by their position',
  async (t) => {
    const client = await connect(t);
    const subscriber = client.duplicate();
    t.teardown(() => subscriber.disconnect());
    const messages: Buffer[] = [];
    await subscriber.ssubscribe(wake);
    subscriber.on('smessageBuffer', (_: Buffer, message: Buffer) => messages.push(message));
    const [, , , first] = await append(client, { batch: '1', entries: ['a'] });
    const [, , , second, third] = await append(client, { batch: '2', entries: ['b', 'c'] });
    const [, , , fourth] = await append(client, { batch: '3', entries: ['x'.repeat(CARRY + 1)] });
    await eventually('three messages have arrived', () => messages.length === 3);
    const wakeUps = messages.map((message) => decodeWakeUp(message));
    t.match(wakeUps, [
      { epoch: 'epoch-1', previous: '', last: first, entries: [{ position: first }] },
      { previous: first, last: third, entries: [{ position: second }, { position: third }] },
      { previous: third, last: fourth },
    ]);
    t.equal(wakeUps[1]!.entries[1]!.bytes.toString(), 'c');
    t.strictSame(wakeUps[2]!.entries, []);
  },
);

void t.test('compact-3 folds a log up to a position, once, and only one that is still there', async (t) => {
  const client = await connect(t);
  const [, , , a, b, c] = await append(client, { batch: '1', entries: ['a', 'bb', 'ccc'] });
  t.equal(await compact(client, b!, 'state', 'one'), 'done');
  t.strictSame(
    (await client.xrange(log, '-', '+')).map(([id]) => id),
    [c],
  );
  t.match(await client.hgetall(meta), { snapAt: b, snapN: '2', snapB: '3', snapBytes: '5' });
  t.equal(await compact(client, b!, 'state', 'one'), 'done', 'sent again');
  for (const position of [a!, b!, '1-1']) {
    t.equal(await compact(client, position, 'older', 'two'), 'lost the race', position);
  }
  t.equal(await client.get(snapshot), 'state');
  t.equal(await compact(client, c!, 'newer', 'three'), 'done');
  t.equal(await client.xlen(log), 0);
  const [, , , d] = await append(client, { batch: '2', entries: ['d'] });
  t.ok(d! > c!, 'an emptied log goes on where it was');
});

void t.test('erase-3 leaves a tombstone and answers the same however often', async (t) => {
  const client = await connect(t);
  const [, , , a] = await append(client, { batch: '1', entries: ['a', 'bb'] });
  await compact(client, a!, 'state', 'one');
  const erase = (): Promise<unknown> => run(client, loadScript('erase-3'), [log, snapshot, meta]);
  const receipt = (await erase()) as string[];
  t.strictSame(receipt.slice(1), ['2', '7'], 'two updates; 5 bytes of state and 2 of log');
  t.strictSame(await erase(), receipt);
  t.equal(await client.exists(log, snapshot), 0);
  t.strictSame(Object.keys(await client.hgetall(meta)), ['erased', 'updates', 'bytes']);
  t.equal(await compact(client, a!, 'state', 'two'), 'erased');
});

void t.test('put-record-3 forgets records that have expired', async (t) => {
  const client = await connect(t);
  const keys = new Keys();
  const put = (key: string, expiry: string): Promise<unknown> =>
    run(
      client,
      loadScript('put-record-3'),
      [keys.record(0, [key]), keys.recordIndex(0), keys.recordExpiries(0)],
      ...['value', `version of ${key}`, key, expiry, 'any', ''],
    );
  for (let i = 0; i < 15; i++) await put(`old ${i}`, String(Date.now() - 1_000));
  await put('kept', '');
  t.strictSame(await client.zrange(keys.recordIndex(0), 0, '-1'), ['kept']);
  t.equal(await client.zcard(keys.recordExpiries(0)), 0);
});

void t.test(
  'copy-events-1 and exchange-events-2 rewrite a stream that is appended to, trimmed or erased',
  async (t) => {
    const client = await connect(t);
    const { log: stream } = new Keys().events('audit');
    const rewritten = new Keys().rewrittenEvents('audit', 'one');
    const copy = (...events: string[]): Promise<unknown> =>
      run(client, loadScript('copy-events-1'), [rewritten], 60, ...events);
    const exchange = (last: string): Promise<unknown> =>
      run(client, loadScript('exchange-events-2'), [stream, rewritten], last);
    for (const id of ['1-0', '2-0', '10-0']) await client.xadd(stream, id, 'd', 'old');
    await copy('1-0', 'new', '2-0', 'new');
    await copy('2-0', 'sent again', '10-0', 'new');
    t.ok((await client.ttl(rewritten)) > 0, 'what is given up goes by itself');
    await client.xadd(stream, '11-0', 'd', 'later');
    await client.xtrim(stream, 'MINID', '2-0');
    t.equal(await exchange('10-0'), 'done');
    const found = (await client.xrange(stream, '-', '+')).map(([id, fields]) => [id, fields[1]]);
    t.strictSame(found, [['2-0', 'new'], ['10-0', 'new'], ['11-0', 'later']]); // prettier-ignore
    t.equal(await client.ttl(stream), -1, 'it stays');
    t.equal(await exchange('10-0'), 'gone', 'sent again');
    t.equal(await client.xlen(stream), 3);

    await copy('2-0', 'newer');
    await client.unlink(stream);
    t.equal(await exchange('2-0'), 'gone');
    t.equal(await client.exists(stream, rewritten), 0, 'what was erased stays so');
  },
);
