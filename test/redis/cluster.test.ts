/** A Cluster whose slots move to another master while people edit through two nodes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import t from 'tap';
import * as Y from 'yjs';
import { Keys } from '../../server/storage/redis/keys.js';
import { startCluster, type TestCluster } from '../../server/storage/redis/testing/redis-test-server.js';
import { composeServer } from '../harness/composed-server.js';
import { converged, stockClient, type StockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

const MOVED_SLOTS = Number(process.env['FORMLOOM_TEST_SLOTS'] ?? 150);

/** Names of documents that lie in the first slots of the Cluster, which are the ones that are moved. */
async function documentsThatMove({ nodes: [node] }: TestCluster, count: number): Promise<string[]> {
  return node!.with(async (client) => {
    const found: string[] = [];
    for (let i = 0; found.length < count; i++) {
      const name = `doc-${i}`;
      if ((await client.cluster('KEYSLOT', new Keys().document(name).log)) < MOVED_SLOTS) found.push(name);
    }
    return found;
  });
}

/** As an operator does it. */
async function reshard({ nodes: [from, to] }: TestCluster): Promise<void> {
  const ids = await Promise.all([from!, to!].map((node) => node.with((client) => client.cluster('MYID'))));
  const args = [
    '--cluster',
    'reshard',
    from!.address,
    '--cluster-from',
    String(ids[0]),
    '--cluster-to',
    String(ids[1]),
  ];
  const child = spawn('redis-cli', [...args, '--cluster-slots', String(MOVED_SLOTS), '--cluster-yes']);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(output.slice(-2_000));
}

void t.test(
  'row 6 on a Cluster: slots move while people edit through two nodes, and no echoed edit is lost',
  async (t) => {
    const cluster = await startCluster();
    t.teardown(() => cluster.stop());
    const env = { REDIS_CLUSTER: cluster.nodes.map(({ address }) => address).join(',') };
    const nodes = await Promise.all([composeServer({ env }), composeServer({ env })]);
    t.teardown(() => Promise.all(nodes.map((node) => node.cleanup())));
    const documents = [...(await documentsThatMove(cluster, 3)), 'stays'];
    const clients = documents.flatMap((document) =>
      nodes.map((node) => ({ document, on: stockClient(node.ws, document) })),
    );
    t.teardown(() => clients.forEach(({ on }) => on.destroy()));
    await Promise.all(clients.map(({ on }) => on.synced()));

    let isWriting = true;
    let echoed = 0;
    const write = async ({ on }: { on: StockClient }): Promise<void> => {
      for (let i = 0; isWriting; i++) {
        on.doc.getMap('edits').set(`${on.doc.clientID}-${i}`, i);
        await on.saved();
        echoed += 1;
      }
    };
    const writers = clients.map(write);
    await until(() => echoed > 100);
    await reshard(cluster);
    const slots = await cluster.nodes[0]!.with((client) => client.cluster('SLOTS'));
    t.notOk(
      (slots as unknown as [number, number, [string, number]][]).some(
        ([first, , [, port]]) => first === 0 && port === cluster.nodes[0]!.port,
      ),
      'the slots have another master',
    );
    const before = echoed;
    await until(() => echoed > before + 200, { what: 'editing goes on' });
    isWriting = false;
    await Promise.all(writers);
    t.comment(`${echoed} edits were echoed, ${before} of them before the end of the move`);

    const late = await composeServer({ env });
    t.teardown(() => late.cleanup());
    for (const document of documents) {
      const reader = stockClient(late.ws, document);
      t.teardown(() => reader.destroy());
      await reader.synced();
      const peers = clients.filter((client) => client.document === document).map(({ on }) => on);
      await converged([reader, ...peers], (doc) => [...doc.getMap('edits').keys()].sort());
      for (const { doc } of peers) {
        t.equal(
          Y.getState(reader.doc.store, doc.clientID),
          Y.getState(doc.store, doc.clientID),
          `${document}: all of it`,
        );
      }
      const [one, two] = peers;
      one!.provider.awareness.setLocalState({ after: 'the move' });
      await until(() => two!.provider.awareness.getStates().get(one!.doc.clientID)?.['after'] !== undefined, {
        what: 'presence finds its way to the new master',
      });
    }
    for (const { http } of nodes) t.equal((await fetch(`${http}/api/v1/health/ready`)).status, 200);
  },
);
