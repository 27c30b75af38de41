/** S4: a class opens the form. Every join is compared, byte for byte. */
import { crc32 } from 'node:zlib';
import * as Y from 'yjs';
import { largeDocument, type LargeDocument } from '../../load/rooms/large-document.js';
import { LatencyHistogram } from '../../load/measuring/latency-histogram.js';
import { Meter, untilQuiet } from '../../load/measuring/meter.js';
import { SyncClient } from '../../load/clients/sync-client.js';
import { textOf } from '../../load/rooms/typing.js';
import { syncMessage, UPDATE } from '../../load/clients/wire.js';
import { perUnitUs, type Content, type Outcome, type RunContext, type Scenario } from './scenario.js';

const DOCUMENT = 'bench-room';
const AT_ONCE = 50;
const WARM_UP_ROUNDS = 3;
const FULL_ROUNDS = 20;
const QUICK_ROUNDS = 6;

async function run({ start, network, isQuick }: RunContext): Promise<Outcome> {
  const server = await start();
  const document = largeDocument();
  const join = (listener = {}): Promise<SyncClient> => SyncClient.join(network, server, DOCUMENT, listener);
  // Stays, so that the document stays in memory.
  const author = await join();
  author.write(author.frame(syncMessage(UPDATE, document.state)));
  await author.drained();
  await untilQuiet(server.usage);

  const states = new JoinedStates();
  const joined = new LatencyHistogram();
  const rounds = async (count: number): Promise<void> => {
    for (let round = 0; round < count; round++) await joinAndLeave(join, states, joined);
  };
  await rounds(WARM_UP_ROUNDS);
  await untilQuiet(server.usage);
  joined.reset();
  const meter = new Meter(server.usage);
  const measured = isQuick ? QUICK_ROUNDS : FULL_ROUNDS;
  await rounds(measured);
  meter.loadEnded();
  const usage = await meter.stop();
  const [p50Ms, p99Ms] = [joined.quantile(0.5), joined.quantile(0.99)];
  // A young process still compiles a good part of the time; one that has served for long does not.
  const laterMeter = new Meter(server.usage);
  await rounds(measured);
  laterMeter.loadEnded();
  const later = await laterMeter.stop();
  return {
    figures: {
      cpuUs: perUnitUs(usage.serverCpuSeconds, measured * AT_ONCE),
      laterUs: perUnitUs(later.serverCpuSeconds, measured * AT_ONCE),
      p50Ms,
      p99Ms,
      stateKb: document.state.length / 1_000,
      seconds: usage.wallSeconds,
      clientShare: usage.clientShare * 100,
    },
    content: contentOf(states, document, (WARM_UP_ROUNDS + 2 * measured) * AT_ONCE),
    usage,
  };
}

/** Opens the connections at once, waits for all, and closes them. */
async function joinAndLeave(
  join: (listener: Parameters<typeof SyncClient.join>[3]) => Promise<SyncClient>,
  states: JoinedStates,
  joined: LatencyHistogram,
): Promise<void> {
  const startedAt = performance.now();
  const clients = await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      const client = await join({
        update: (bytes: Buffer, start: number, end: number) => states.add(bytes, start, end),
      });
      joined.record(performance.now() - startedAt);
      return client;
    }),
  );
  await Promise.all(clients.map((client) => client.close()));
}

/** Keeps one copy of each state that was served, by its checksum. */
class JoinedStates {
  readonly #states = new Map<number, { readonly bytes: Buffer; count: number }>();

  add(bytes: Buffer, start: number, end: number): void {
    const state = bytes.subarray(start, end);
    const checksum = crc32(state);
    const known = this.#states.get(checksum);
    if (known === undefined) this.#states.set(checksum, { bytes: Buffer.from(state), count: 1 });
    else known.count += 1;
  }

  *[Symbol.iterator](): Iterator<{ readonly bytes: Buffer; readonly count: number }> {
    yield* this.#states.values();
  }
}

function contentOf(states: JoinedStates, document: LargeDocument, expected: number): Content {
  const content: Content = { expected, delivered: 0, duplicates: 0, problems: [] };
  for (const { bytes, count } of states) {
    const doc = new Y.Doc();
    Y.applyUpdate(doc, bytes);
    const isSame = textOf(doc) === document.text && doc.getMap('elements').size === document.fields;
    doc.destroy();
    if (isSame) content.delivered += count;
    else content.problems.push(`${count} joins got a state of ${bytes.length} bytes that is not the document`);
  }
  if (content.delivered < expected) content.problems.push(`${content.delivered} of ${expected} joins got the document`);
  return content;
}

export const JOINS: Scenario = {
  id: 's4',
  title: `S4 join of a 223 kB document, ${AT_ONCE} at once`,
  description:
    'The document has some 10,000 Yjs structs. A join is the upgrade, the first sync with an empty state vector, and the close.',
  group: 'standard',
  servers: ['formloom', 'yws', 'yws-leveldb', 'hocuspocus', 'relay', 'relay-batched'],
  figures: [
    { id: 'cpuUs', label: 'server CPU per join', unit: 'µs' },
    { id: 'laterUs', label: `of the next ${FULL_ROUNDS * AT_ONCE} joins`, unit: 'µs' },
    { id: 'p50Ms', label: 'joined p50', unit: 'ms' },
    { id: 'p99Ms', label: 'joined p99', unit: 'ms' },
    { id: 'stateKb', label: 'state', unit: 'kB' },
    { id: 'seconds', label: 'wall time', unit: 's' },
    { id: 'clientShare', label: 'load client, share of its core', unit: '%' },
  ],
  run,
};
