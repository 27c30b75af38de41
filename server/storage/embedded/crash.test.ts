import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { newDataFolder, openFolder } from '../testing/embedded-folder.js';
import { textOf, textsOf } from '../testing/store-under-test.js';

const WRITER = fileURLToPath(new URL('./testing/crashing-writer.ts', import.meta.url));
/** Each one starts a process; FORMLOOM_TEST_RESTARTS=100 for a long run. */
const ROUNDS = Number(process.env['FORMLOOM_TEST_RESTARTS'] ?? 10);
/** The kill comes so long after the first acknowledgement, at most. */
const MAX_LIFE_MS = 150;
/** Numbers of a round begin at its multiple. */
const ROUND = 1_000_000;

interface Acknowledged {
  readonly document: string;
  readonly number: number;
  readonly position: string;
}

/** Runs the writer, kills it within `lifeMs` of its first acknowledgement, and answers all that it acknowledged. */
async function writeUntilKilled(folder: string, first: number, lifeMs: number): Promise<Acknowledged[]> {
  const child = spawn(process.execPath, ['--import=tsx', WRITER, folder, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const acknowledged: Acknowledged[] = [];
  const lines = createInterface({ input: child.stdout });
  let killing: Promise<void> | undefined;
  lines.on('line', (line) => {
    const [, document, number, position] = /^(.+) (\d+) (\d+)$/.exec(line) ?? [];
    // The last line may be cut off by the kill: then nobody was told.
    if (document === undefined || number === undefined || position === undefined) return;
    acknowledged.push({ document, number: Number(number), position });
    killing ??= sleep(lifeMs).then(() => void child.kill('SIGKILL'));
  });
  await Promise.all([once(child, 'exit'), once(lines, 'close')]);
  await killing;
  return acknowledged;
}

void t.test('kill -9 at any moment loses no acknowledged append, repeats none and tears none', async (t) => {
  const folder = await newDataFolder(t);
  const seed = Math.floor(Math.random() * 2 ** 31);
  t.comment(`seed ${seed}`);
  const random = randomFrom(seed);
  /** What each document must hold, in order: numbers that were acknowledged, or found after an earlier crash. */
  const known = new Map<string, number[]>();
  for (let round = 1; round <= ROUNDS; round++) {
    const lifeMs = Math.floor(random() * MAX_LIFE_MS);
    const acknowledged = await writeUntilKilled(folder, round * ROUND, lifeMs);
    t.ok(acknowledged.length > 0, `round ${round}, ${lifeMs} ms: ${acknowledged.length} appends`);
    const storage = await openFolder(t, folder);
    t.same(storage.health(), { state: 'ok' });
    for (const document of new Set([...known.keys(), ...acknowledged.map((each) => each.document)])) {
      const mine = acknowledged.filter((each) => each.document === document);
      const { snapshot, updates, position } = await storage.documents.load(document);
      const text = textOf(snapshot) + textsOf(updates).join('');
      const found = text.split(',').slice(0, -1).map(Number);
      const before = known.get(document) ?? [];
      // The append that was on its way at the kill may have reached the disk, as the next in order.
      const next = (mine.at(-1)?.number ?? round * ROUND - 1) + 1;
      const expected = [...before, ...mine.map(({ number }) => number)];
      if (found.at(-1) === next) expected.push(next);
      t.strictSame(found, expected, `${document} in round ${round}`);
      t.ok(Number(position) >= Number(mine.at(-1)?.position ?? 0));
      t.match(await storage.documents.info(document), { updates: found.length });
      known.set(document, found);
    }
    await storage.close();
  }
});

/** mulberry32: seeded, so that a failure's moments can be tried again. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
