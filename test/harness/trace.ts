/** A real editing trace: single keystrokes of a paper. */
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';

export interface Patch {
  readonly position: number;
  readonly deleted: number;
  readonly inserted: string;
}

export async function readTrace(count: number): Promise<{ patches: Patch[]; text: string }> {
  const file = new URL('../data/traces/automerge-paper.json.gz', import.meta.url);
  const trace = JSON.parse(gunzipSync(await readFile(file)).toString()) as {
    startContent: string;
    txns: { patches: [number, number, string][] }[];
  };
  const patches = trace.txns
    .flatMap((txn) => txn.patches)
    .slice(0, count)
    .map(([position, deleted, inserted]) => ({ position, deleted, inserted }));
  let text = trace.startContent;
  for (const { position, deleted, inserted } of patches) {
    text = text.slice(0, position) + inserted + text.slice(position + deleted);
  }
  return { patches, text };
}
