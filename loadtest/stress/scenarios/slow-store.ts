/** Every flush to disk takes 15 s, while people type and documents become due for compaction. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { EditRoom } from '../../load/rooms/edit-room.js';
import { LatencyHistogram } from '../../load/measuring/latency-histogram.js';
import { paced, settled } from '../../load/measuring/pacing.js';
import { SyncClient } from '../../load/clients/sync-client.js';
import { typingScript } from '../../load/rooms/typing.js';
import { syncMessage, UPDATE } from '../../load/clients/wire.js';
import { MEBIBYTE, type Outcome, type Scenario, type StressContext } from '../scenario.js';
import { blobUpdates } from '../../load/rooms/blobs.js';

const LATENCY_MS = 15_000;
const ROOMS = 20;
const EDITS_PER_SECOND = 100;
const SECONDS = 45;
/** Documents that are replaced until their logs are due, and what is written to each of them. */
const DUE = 5;
const DUE_BYTES = 4 * MEBIBYTE;
const SHIM = fileURLToPath(new URL('../../../test/faults/stall-fsync.c', import.meta.url));

async function run({ network, isQuick, start, say }: StressContext): Promise<Outcome> {
  const folder = mkdtempSync(path.join(tmpdir(), 'formloom-slow-store-'));
  try {
    const [library, delayFile] = [path.join(folder, 'stall-fsync.so'), path.join(folder, 'delay')];
    execFileSync('gcc', ['-shared', '-fPIC', '-o', library, SHIM, '-ldl']);
    const server = await start({ env: { LD_PRELOAD: library, FSYNC_DELAY_FILE: delayFile } });
    const recorder = { delivery: new LatencyHistogram(), echo: new LatencyHistogram() };
    const rooms = Array.from(
      { length: ROOMS },
      (_, i) => new EditRoom(`slow-${i}`, network, server.endpoint, recorder),
    );
    const latencyMs = isQuick ? LATENCY_MS / 10 : LATENCY_MS;
    const edits = isQuick ? EDITS_PER_SECOND * 4 : EDITS_PER_SECOND * SECONDS;
    for (const room of rooms) await room.addWriter(typingScript(0, Math.ceil(edits / ROOMS)));
    for (const room of rooms) await room.addReader();
    const due: SyncClient[] = [];
    for (let i = 0; i < DUE; i++) due.push(await SyncClient.join(network, server.endpoint, `due-${i}`));
    const before = server.rssBytes;
    const memory = server.watchMemory();
    const compactions = server.watchMetric('formloom_compactions_in_flight');
    const pending = server.watchMetric('formloom_storage_pending_bytes');
    writeFileSync(delayFile, String(latencyMs));
    for (const client of due) {
      for (const update of blobUpdates(DUE_BYTES, MEBIBYTE / 2))
        client.write(client.frame(syncMessage(UPDATE, update)));
    }
    await paced(edits, EDITS_PER_SECOND, (n) => rooms[n % ROOMS]?.writers[0]?.type(1));
    say('all is typed, the store lags behind');
    const echoes = (): number => recorder.echo.count;
    const isSaved = await settled(() => rooms.every((room) => room.isComplete(true)), echoes, 4 * LATENCY_MS);
    const compacted = await settledCompactions(server, isQuick);
    const highest = memory.stop();
    const [most, mostPending] = [await compactions.stop(), await pending.stop()];
    rmSync(delayFile);
    const early = recorder.echo.counts([latencyMs * 0.9])[0] ?? 0;
    return {
      figures: [
        { label: 'compactions in flight', value: most, unit: `at most, ${compacted} done`, below: 1.5 },
        { label: 'memory grew by', value: (highest - before) / MEBIBYTE, unit: 'MiB', below: 256 },
        { label: 'waited for the store', value: mostPending / MEBIBYTE, unit: 'MiB at most' },
        { label: 'echoed before they were saved', value: early, unit: `of ${edits} edits`, below: 1 },
        { label: 'delivery to others p95', value: recorder.delivery.quantile(0.95), unit: 'ms', below: 1_000 },
      ],
      problems: [
        ...(isSaved ? [] : ['edits were not saved in the end']),
        ...(compacted > 0 ? [] : ['no document became due']),
        ...rooms.flatMap((room) => room.problems(true)),
      ],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Waits until some document was folded: that takes several flushes. */
async function settledCompactions(
  server: { metric(line: string): Promise<number> },
  isQuick: boolean,
): Promise<number> {
  let done = 0;
  let asked = 0;
  await settled(
    () => {
      void server.metric('formloom_compactions_total').then((total) => (done = total));
      asked += 1;
      return done > 0;
    },
    () => Math.floor(asked / 200),
    isQuick ? 10_000 : 4 * LATENCY_MS,
  );
  return done;
}

export const slowStore: Scenario = { id: 'slow-store', title: 'A store with 15 s latency', run };
