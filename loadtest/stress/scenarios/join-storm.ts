/** Many people open one very large document at the same moment. */
import { crc32 } from 'node:zlib';
import { storeBlobs } from '../../load/rooms/blobs.js';
import { SyncClient } from '../../load/clients/sync-client.js';
import { MEBIBYTE, type Outcome, type Scenario, type StressContext } from '../scenario.js';

const JOINERS = 150;
const DOCUMENT_BYTES = 20 * MEBIBYTE;
const ENCODED = 'formloom_joins_total{state="encoded"}';

async function run({ network, scaled, start, say }: StressContext): Promise<Outcome> {
  const server = await start();
  await storeBlobs(DOCUMENT_BYTES, (update) => server.post('/documents/large/updates', update));
  const join = async (): Promise<{ client: SyncClient; bytes: number; checksum: number }> => {
    let [bytes, checksum] = [0, 0];
    const client = await SyncClient.join(network, server.endpoint, 'large', {
      update: (buffer, from, to) => {
        bytes += to - from;
        checksum = crc32(buffer.subarray(from, to), checksum);
      },
    });
    return { client, bytes, checksum };
  };
  // Storing leaves garbage behind, which is none of the joiners' memory.
  const first = await join();
  first.client.destroy();
  const encodedBefore = await server.metric(ENCODED);
  const before = server.rssBytes;
  say(`the document is there, the server has ${Math.round(before / MEBIBYTE)} MiB`);
  const memory = server.watchMemory();
  const startedAt = performance.now();
  const joiners = await Promise.all(Array.from({ length: scaled(JOINERS) }, join));
  const seconds = (performance.now() - startedAt) / 1_000;
  const grown = (memory.stop() - before) / MEBIBYTE;
  const encodings = (await server.metric(ENCODED)) - encodedBefore;
  const wrong = joiners.filter(({ bytes, checksum }) => bytes !== first.bytes || checksum !== first.checksum).length;
  return {
    figures: [
      { label: 'memory grew by', value: grown, unit: `MiB for ${joiners.length} joiners of 20 MiB`, below: 100 },
      { label: 'encoded', value: encodings, unit: 'times more', below: 1 },
      { label: 'all joined after', value: seconds, unit: 's' },
    ],
    problems: wrong === 0 ? [] : [`${wrong} joiners got something else than the document`],
  };
}

export const joinStorm: Scenario = { id: 'join-storm', title: '150 joiners of a 20 MB document', run };
