/**
 * Threats by what is sent: see the threat model in docs/security.md. The server runs in this process, so that what it
 * would do to the prototypes of its own objects is seen.
 */
import { readdir } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { WebSocket } from 'ws';
import * as Y from 'yjs';
import { composeServer } from '../harness/composed-server.js';
import {
  awarenessMessage,
  message,
  rawClient,
  syncStep1,
  updateMessage,
  upgradeStatus,
} from '../harness/raw-client.js';
import { restClient } from '../harness/rest-client.js';
import { until } from '../harness/until.js';

const server = await composeServer();
t.teardown(() => server.cleanup());
const api = restClient(server.http);
const JSON_TYPE = { 'content-type': 'application/json' };
const isAlive = async (): Promise<boolean> => (await api.get('/health/ready')).status === 200;

void t.test('T8: names of prototypes change no prototype, whichever door they take', async (t) => {
  const names = ['__proto__', 'constructor', 'prototype'];
  const poison = (name: string): string => `"${name}": {"polluted": true, "prototype": {"polluted": true}}`;
  await api.post('/forms', { id: 'proto', pages: [{ id: 'p1', fields: [{ id: 'f1', type: 'text' }] }] });
  await api.post('/forms/proto/publish');
  const sheet = (await api.post('/forms/proto/submissions', {})).body.id as string;
  const send = (method: 'post' | 'put' | 'patch', path: string, body: string): Promise<{ status: number }> =>
    api[method](path, body, { headers: JSON_TYPE });
  for (const name of names) {
    const bad = poison(name);
    const sent = await Promise.all([
      send('post', '/forms', `{"id": "x-${name.replaceAll('_', '')}", ${bad}}`),
      send('post', '/forms', `{"settings": {${bad}}}`),
      send('put', '/forms/proto', `{"id": "proto", "title": {${bad}}, "pages": []}`),
      send('post', '/forms', `{"import": {"format": "surveyjs", "source": {"pages": [], ${bad}}}}`),
      send('post', '/forms', `{"import": {"format": "gcforms", "source": {"elements": [], ${bad}}}}`),
      send('patch', `/forms/proto/submissions/${sheet}/answers`, `{"answers": {"f1": {${bad}}, ${bad}}}`),
      send('put', '/forms/proto/policy', `{"default": "merge", "fields": {${bad}}}`),
      send('post', '/events', `{"type": "custom", "data": {${bad}}}`),
      send('post', '/alerts/silences', `{"labels": {${bad}}, "until": "2030-01-01T00:00:00Z"}`),
      send(
        'patch',
        '/forms/proto',
        `{"operations": [{"op": "setProperty", "target": "form", "path": "${name}.polluted", "value": true}]}`,
      ),
      send(
        'patch',
        '/forms/proto',
        `{"operations": [{"op": "setProperty", "target": "fields/${name}", "path": "required", "value": true}]}`,
      ),
      send(
        'patch',
        '/forms/proto',
        `{"operations": [{"op": "setProperty", "target": "fields/f1", "path": "validation.${name}.polluted", "value": 1}]}`,
      ),
    ]);
    t.ok(
      sent.every(({ status }) => status < 500),
      `${name}: ${sent.map(({ status }) => status).join(' ')}`,
    );
  }
  // And by an editor, who may write any Yjs there is.
  const doc = new Y.Doc();
  for (const name of names) {
    doc.getMap('meta').set(name, { polluted: true });
    doc.getMap('fields').set(name, new Y.Map([['type', 'text']]));
  }
  const editor = await rawClient(`${server.ws}/form/proto?sdk=1`);
  editor.send(syncStep1());
  editor.send(updateMessage(Y.encodeStateAsUpdate(doc)));
  editor.send(
    awarenessMessage(7, 1, JSON.parse('{"__proto__": {"polluted": true}, "user": {"__proto__": {"polluted": true}}}')),
  );
  await until(() => editor.frames.some((frame) => frame[0] === 0 && frame[1] === 2));
  t.equal((await api.get('/forms/proto')).status, 200);
  t.equal((await api.get('/forms/proto/presence')).status, 200);
  editor.destroy();
  t.notOk('polluted' in {}, 'Object.prototype');
  t.notOk('polluted' in Object, 'Object');
  t.notOk('polluted' in (() => undefined), 'Function.prototype');
});

void t.test('T9: bombs of JSON and of compression blow up nothing', async (t) => {
  const deep = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;
  const rules = `${'{"!": '.repeat(5_000)}true${'}'.repeat(5_000)}`;
  for (const [what, path, body] of [
    ['nested arrays', '/forms', `{"settings": {"a": ${deep(100_000)}}}`],
    [
      'nested rules',
      '/forms',
      `{"pages": [{"id": "p", "fields": [{"id": "f", "type": "text", "visibleIf": ${rules}}]}]}`,
    ],
    ['nested import', '/forms', `{"import": {"format": "surveyjs", "source": ${deep(50_000)}}}`],
    ['a list of half a million', '/analytics/events', `{"events": [${'{},'.repeat(500_000)}{}]}`],
    [
      'as many members',
      '/events',
      `{"type": "custom", "data": {${Array.from({ length: 100_000 }, (_, i) => `"k${i}":1`).join()}}}`,
    ],
  ] as const) {
    const answer = await api.post(path, body, { headers: JSON_TYPE });
    t.ok(answer.status === 400 || answer.status === 422, `${what}: ${answer.status}`);
    t.ok(answer.text.length < 100_000, `${what}: the answer is no bomb either`);
  }
  const tooLarge = await api.post('/forms', `"${'x'.repeat(9 * 1024 ** 2)}"`, { headers: JSON_TYPE });
  t.equal(tooLarge.status, 413);
  // 20 MB in 20 KB: nothing is unpacked.
  const zipped = gzipSync(`{"id": "zipped", "description": {"en": "${'x'.repeat(20 * 1024 ** 2)}"}}`);
  const refused = await fetch(`${server.http}/api/v1/forms`, {
    ...{ method: 'POST', body: new Uint8Array(zipped), headers: { ...JSON_TYPE, 'content-encoding': 'gzip' } },
  });
  t.ok([400, 415].includes(refused.status), `compressed body: ${refused.status}`);
  // permessage-deflate is offered by every browser, and not taken up: there are no compressed frames to unpack.
  const socket = new WebSocket(`${server.ws}/notes/deflate`, { perMessageDeflate: true });
  await new Promise((resolve) => socket.once('open', resolve));
  t.equal(socket.extensions, '');
  const closed = new Promise((resolve) => socket.once('close', resolve));
  // By hand: FIN, RSV1, binary, masked, empty (RFC 7692, 6).
  (socket as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(
    Buffer.from([0xc2, 0x80, 0, 0, 0, 0]),
  );
  t.ok([1002, 1006, 4400].includes((await closed) as number), 'a compressed frame ends its connection');
  // Lengths that promise what is not there: a count of structs, a string, a state vector.
  const liar = await rawClient(`${server.ws}/notes/liar`);
  liar.send(message(0, 2, new Uint8Array([1, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 0, 0])));
  t.equal((await liar.closing()).code, 4400);
  t.ok(await isAlive());
});

void t.test('T10: a pattern from a form does not stop the server', async (t) => {
  const patterns = ['^(a+)+$', '^(a|aa)+$', '^([a-z]+)*[0-9]$', '(.*a){25}$', '^(?=(a+))\\1+b$'];
  const fields = patterns.map((pattern, i) => ({ id: `f${i}`, type: 'text', validation: { pattern } }));
  const made = await api.post('/forms', { id: 'redos', pages: [{ id: 'p1', fields }] });
  t.equal(made.status, 201, made.text);
  await api.post('/forms/redos/publish');
  const answers = Object.fromEntries(fields.map(({ id }) => [id, `${'a'.repeat(5_000)}!`]));
  const started = await api.post('/forms/redos/submissions', { answers });
  t.equal(started.status, 201, started.text);
  const { body } = await api.post(`/forms/redos/submissions/${started.body.id}/validate`);
  t.ok(body.errors.length >= 3, 'they are still judged');
  t.ok(await isAlive());
});

void t.test('T11: no name leads out of the folder of its kind', async (t) => {
  await api.post('/forms', { id: 'files', pages: [{ id: 'p1', fields: [{ id: 'f1', type: 'file' }] }] });
  await api.post('/forms/files/publish');
  const sheet = (await api.post('/forms/files/submissions', {})).body.id as string;
  const names = [
    '../../../escaped.txt',
    '..\\..\\escaped.txt',
    '/etc/escaped.txt',
    'escaped\u0000.txt',
    '....//escaped',
  ];
  for (const name of names) {
    const form = new FormData();
    form.append('f1', new Blob(['content']), name);
    const upload = await fetch(`${server.http}/api/v1/forms/files/submissions/${sheet}/files`, {
      ...{ method: 'POST', body: form },
    });
    t.ok(
      upload.status === 201 || upload.status === 422 || upload.status === 400,
      `${JSON.stringify(name)}: ${upload.status}`,
    );
    if (upload.status !== 201) continue;
    const { id } = (await upload.json()) as { id: string };
    const { headers } = await fetch(`${server.http}/api/v1/forms/files/submissions/${sheet}/files/${id}`);
    t.match(headers.get('content-disposition'), /^attachment; filename\*=UTF-8''[^/\\\r\n]+$/);
  }
  const written = await readdir(server.dataDir, { recursive: true });
  t.same(
    written.filter((name) => name.includes('escaped')),
    [],
    'files are named by their ids',
  );
  for (const path of [
    `/api/v1/forms/files/submissions/${sheet}/files/..%2F..%2F..%2Fstore%2FCURRENT`,
    '/api/v1/backups/..%2F..%2Fstore%2FCURRENT/archive',
    '/app/assets/..%2F..%2F..%2Fpackage.json',
    '/app/assets/%2e%2e/%2e%2e/cli/main.js',
    '/app/..%2F..%2Fpackage.json',
    '/api/v1/docs/static/..%2F..%2F..%2Fpackage.json',
  ]) {
    const answer = await fetch(`${server.http}${path}`);
    const text = await answer.text();
    t.notMatch(text, /MANIFEST-|"name": "|createRequire/, path);
    t.ok(answer.status >= 400 || /<!doctype html>/i.test(text), `${path}: ${answer.status}`);
  }
  for (const name of ['..', '%2e%2e', 'a/../b', 'a%2F..%2Fb', 'a//b', 'a%00b', './a']) {
    // WHATWG URLs fold dots away before they are sent: by hand.
    t.equal(await statusOfRawUpgrade(name), 400, name);
  }
});

void t.test('T12: an export that a spreadsheet opens holds no formula', async (t) => {
  const formulas = ['=HYPERLINK("http://evil","x")', '+1+cmd|calc', '-2+3', '@SUM(A1)', '\t=1', '\r=1', '＝1+1'];
  const fields = formulas.map((_formula, i) => ({ id: `f${i}`, type: 'text', title: { en: formulas[i] } }));
  await api.post('/forms', { id: 'csv', pages: [{ id: 'p1', fields }] });
  await api.post('/forms/csv/publish');
  const answers = Object.fromEntries(formulas.map((formula, i) => [`f${i}`, formula]));
  const started = await api.post('/forms/csv/submissions', { answers }, { headers: { 'x-user': '=cmd' } });
  t.equal(started.status, 201, started.text);
  for (const path of ['/forms/csv/submissions/export?format=csv', '/analytics/forms/csv/export?report=collaboration']) {
    const { text } = await api.get(path);
    const cells = text.split(/,|\r\n(?=[^"]*(?:"[^"]*"[^"]*)*$)/).map((cell) => cell.replace(/^"/, ''));
    t.same(
      cells.filter((cell) => /^[=+@\t\r＝]|^-[^0-9]|^-[0-9.]+[^0-9.]/.test(cell)),
      [],
      path,
    );
  }
});

void t.test('T13: nobody gets by a member of a body what is not theirs to say', async (t) => {
  await api.post('/forms', { id: 'mass', pages: [{ id: 'p1', fields: [{ id: 'f1', type: 'text' }] }] });
  await api.post('/forms/mass/publish');
  const thread = await api.post('/forms/mass/threads', { anchor: { type: 'form' }, body: 'Hello' });
  const { id: threadId, comments } = thread.body;
  const sheet = (await api.post('/forms/mass/submissions', {})).body.id as string;
  const attempts = [
    await api.post('/forms/mass/submissions', { status: 'completed' }),
    await api.post('/forms/mass/submissions', { startedBy: { id: 'root' } }),
    await api.patch(`/forms/mass/submissions/${sheet}/answers`, { answers: {}, status: 'completed' }),
    await api.post(`/forms/mass/submissions/${sheet}/status`, { status: 'completed', by: { id: 'root' } }),
    await api.post('/forms/mass/threads', { anchor: { type: 'form' }, body: 'x', author: { id: 'root' } }),
    await api.patch(`/forms/mass/threads/${threadId}`, { status: 'resolved', comments: [] }),
    await api.patch(`/forms/mass/threads/${threadId}/comments/${comments[0].id}`, { body: 'x', createdAt: 0 }),
    await api.post('/notifications/read', { all: true, userId: 'root' }),
    await api.post('/tokens', { sub: 'x', grants: [{ document: '*', role: 'viewer' }], roles: ['admin'] }),
    await api.post('/webhooks', { url: 'https://example.org', createdBy: 'root' }),
    await api.put('/forms/mass', { id: 'other', pages: [] }),
  ];
  for (const [i, { status, text }] of attempts.entries())
    t.ok(status >= 400 && status < 500, `${i}: ${status} ${text}`);
  const after = await api.get(`/forms/mass/submissions/${sheet}`);
  t.match(after.body, { status: 'in_progress', startedBy: { id: 'anonymous' } });
});

async function statusOfRawUpgrade(name: string): Promise<number> {
  const url = new URL(server.ws);
  if (!/(^|\/)(\.|%2e){1,2}(\/|$)/i.test(name)) return (await upgradeStatus(`${server.ws}/${name}`)).status;
  const { connect } = await import('node:net');
  return new Promise((resolve, reject) => {
    const socket = connect(Number(url.port), url.hostname, () =>
      socket.write(
        `GET /${name} HTTP/1.1\r\nHost: ${url.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n`,
      ),
    );
    socket.once('data', (data) => {
      socket.destroy();
      resolve(Number(data.toString().split(' ')[1]));
    });
    socket.once('error', reject);
  });
}
