/** Traces as a collector gets them, over OTLP/HTTP with JSON, from a server that runs as an operator starts it. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import t from 'tap';
import { OtlpExporter, Tracing } from '../../server/observability/index.js';
import { restClient } from '../harness/rest-client.js';
import { startServer } from '../harness/server-process.js';
import { stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

interface Attribute {
  readonly key: string;
  readonly value: Record<string, unknown>;
}
interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
}

const spans: ReceivedSpan[] = [];
const seen: { url: string | undefined; headers: IncomingHttpHeaders; resource: readonly Attribute[] }[] = [];
const collector = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString()) as {
      resourceSpans: { resource: { attributes: Attribute[] }; scopeSpans: { spans: ReceivedSpan[] }[] }[];
    };
    for (const { resource, scopeSpans } of resourceSpans) {
      seen.push({ url: request.url, headers: request.headers, resource: resource.attributes });
      spans.push(...scopeSpans.flatMap((scope) => scope.spans));
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
});
await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
t.teardown(() => collector.close());
const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
const ENV = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_HEADERS: 'api-key=k%201' };

const STEPS = ['gateway.receive', 'room.tick', 'peers.deliver', 'log.append'];
const childrenOf = (parent: ReceivedSpan): ReceivedSpan[] =>
  spans.filter(({ traceId, parentSpanId }) => traceId === parent.traceId && parentSpanId === parent.spanId);
const attributesOf = ({ attributes }: ReceivedSpan): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

void t.test('an edit, from the gateway to the log and the peers', async (t) => {
  const server = await startServer({ env: { ...ENV, OTEL_TRACES_SAMPLER_ARG: '1', OTEL_SERVICE_NAME: 'forms' } });
  t.teardown(() => server.cleanup());
  const writer = stockClient(server.ws, 'traced');
  t.teardown(() => writer.destroy());
  await writer.synced();
  writer.doc.getText('text').insert(0, 'hello');
  await writer.saved();
  const find = (): ReceivedSpan | undefined =>
    spans.find((span) => span.name === 'edit' && childrenOf(span).length === STEPS.length);
  await until(() => find() !== undefined, { what: 'the edit reaches the collector' });
  const edit = find()!;
  t.equal(edit.parentSpanId, undefined);
  t.match(edit.traceId, /^[0-9a-f]{32}$/);
  t.match(attributesOf(edit), { document: 'traced' });
  const steps = childrenOf(edit);
  t.strictSame(new Set(steps.map(({ name }) => name)), new Set(STEPS));
  for (const { name, startTimeUnixNano: start, endTimeUnixNano: end } of steps) {
    t.ok(BigInt(start) >= BigInt(edit.startTimeUnixNano) && BigInt(end) <= BigInt(edit.endTimeUnixNano), name);
    t.ok(BigInt(end) >= BigInt(start), name);
  }
  t.equal(seen[0]?.url, '/v1/traces');
  t.equal(seen[0]?.headers['api-key'], 'k 1');
  t.match(seen[0]?.resource, [{ key: 'service.name', value: { stringValue: 'forms' } }]);
});

void t.test('a request goes on with the trace of its caller, which decides on sampling', async (t) => {
  const server = await startServer({ env: { ...ENV, OTEL_TRACES_SAMPLER_ARG: '0' } });
  t.teardown(() => server.cleanup());
  const api = restClient(server.http);
  const [traceId, parent] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];
  const from = (flags: string, id = traceId): { headers: Record<string, string> } => ({
    headers: { traceparent: `00-${id}-${parent}-${flags}` },
  });
  t.equal((await api.post('/forms', { id: 'unsampled' }, from('00', 'f'.repeat(32)))).status, 201);
  t.equal((await api.post('/forms', { id: 'untraced' })).status, 201);
  t.equal((await api.post('/forms', { id: 'zeros' }, from('01', '0'.repeat(32)))).status, 201);
  t.equal((await api.post('/forms', { id: 'sampled' }, from('01'))).status, 201);
  const find = (): ReceivedSpan | undefined =>
    spans.find((span) => span.traceId === traceId && span.kind === 2 && childrenOf(span).length > 0);
  await until(() => find() !== undefined, { what: 'the request reaches the collector' });
  const request = find()!;
  t.equal(request.parentSpanId, parent);
  t.equal(request.name, 'POST /api/v1/forms');
  t.match(attributesOf(request), { 'http.route': '/api/v1/forms', 'http.response.status_code': '201' });
  const edit = childrenOf(request).find(({ name }) => name === 'edit')!;
  t.match(attributesOf(edit), { document: 'form/sampled' });
  t.ok(childrenOf(edit).some(({ name }) => name === 'log.append'));
  t.ok(spans.every((span) => !['f'.repeat(32), '0'.repeat(32)].includes(span.traceId)));
  t.notOk(JSON.stringify(spans).includes('untraced'));
  t.notOk(JSON.stringify(spans).includes('zeros'), 'no valid traceparent: sampled by the share');
});

void t.test('a collector that is away is said once, and costs nobody an edit', async (t) => {
  const server = await startServer({
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_TRACES_SAMPLER_ARG: '1' },
  });
  t.teardown(() => server.cleanup());
  const writer = stockClient(server.ws, 'doc');
  t.teardown(() => writer.destroy());
  await writer.synced();
  const said = (): number => server.output().split('traces do not reach their collector').length - 1;
  await until(async () => {
    writer.doc.getText('text').insert(0, 'x');
    await writer.saved();
    return said() > 0;
  });
  t.equal(said(), 1);
  t.equal(await server.terminate(), 0);
});

void t.test('a collector that says nothing does not hold up the end', { timeout: 9_000 }, async (t) => {
  let requests = 0;
  const mute = createServer(() => (requests += 1));
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    mute.closeAllConnections();
    mute.close();
  });
  const exporter = new OtlpExporter({
    ...{ endpoint: `http://127.0.0.1:${(mute.address() as AddressInfo).port}`, headers: {}, serviceName: 'x' },
    ...{ version: '1', node: 'one', logger: pino({ level: 'silent' }) },
  });
  const tracing = new Tracing(exporter, 1);
  tracing.start({ name: 'first' })?.end();
  void exporter.flush();
  await until(() => requests === 1);
  tracing.start({ name: 'second' })?.end();
  await tracing.close();
  t.equal(requests, 1, 'the rest is not tried');
});
