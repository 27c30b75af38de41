/** A reader stops reading while 150 MB go through its document, then reads on. */
import * as Y from 'yjs';
import type { LoadNetwork } from '../../load/clients/load-socket.js';
import { settled } from '../../load/measuring/pacing.js';
import { SyncClient } from '../../load/clients/sync-client.js';
import { syncMessage, UPDATE } from '../../load/clients/wire.js';
import { MEBIBYTE, type Outcome, type Scenario, type StressContext } from '../scenario.js';
import type { StressServer } from '../stress-server.js';

const MEGABYTES = 150;
const DOCUMENT = 'busy';

async function run({ network, scaled, start, say }: StressContext): Promise<Outcome> {
  const server = await start({ isInspected: true });
  const writer = await BlobWriter.join(network, server);
  const copy = new Y.Doc();
  const reader = await SyncClient.join(network, server.endpoint, DOCUMENT, {
    update: (bytes, from, to) => Y.applyUpdate(copy, Uint8Array.from(bytes.subarray(from, to))),
  });
  const lastOf = (doc: Y.Doc): number | undefined => (doc.getMap('values').get('value') as Uint8Array | undefined)?.[0];
  const count = scaled(MEGABYTES);
  // The same traffic with everybody reading: what the writer and the store take is not the reader's doing.
  await writer.write(count);
  await server.liveHeapBytes();
  const before = server.rssBytes;
  const memory = server.watchMemory();
  reader.stall();
  await writer.write(count);
  const highest = memory.stop();
  await server.liveHeapBytes();
  const held = server.rssBytes;
  say('the reader reads again');
  reader.resume();
  const isEqual = await settled(
    () => lastOf(copy) === writer.last,
    () => reader.bytesReceived,
  );
  return {
    figures: [
      { label: 'a stalled reader costs', value: (held - before) / MEBIBYTE, unit: `MiB of ${count} MB`, below: 40 },
      { label: 'at its highest, with garbage', value: (highest - before) / MEBIBYTE, unit: 'MiB' },
      { label: 'sent to catch up', value: reader.bytesReceived / MEBIBYTE - count, unit: 'MiB' },
    ],
    problems: [
      ...(isEqual ? [] : ['the reader has not caught up']),
      ...(reader.isGone ? ['the reader was closed'] : []),
    ],
  };
}

/** Replaces one value of a megabyte again and again: much traffic, a small document. */
class BlobWriter {
  last = 0;
  readonly #doc = new Y.Doc();
  #written = 0;
  #echoed = 0;

  #client: SyncClient | undefined;

  static async join(network: LoadNetwork, server: StressServer): Promise<BlobWriter> {
    const writer = new BlobWriter();
    const client = await SyncClient.join(network, server.endpoint, DOCUMENT, {
      update: (bytes, from, to) => writer.#heard(Uint8Array.from(bytes.subarray(from, to))),
    });
    writer.#client = client;
    writer.#doc.on('update', (update: Uint8Array) => client.write(client.frame(syncMessage(UPDATE, update))));
    return writer;
  }

  #heard(update: Uint8Array): void {
    this.#echoed = Math.max(this.#echoed, Y.parseUpdateMeta(update).to.get(this.#doc.clientID) ?? 0);
  }

  /** Each one when the one before is saved. @throws Error when one is not */
  async write(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.last = (this.last + 1) % 251;
      this.#doc.getMap('values').set('value', new Uint8Array(MEBIBYTE).fill(this.last));
      this.#written = Y.getState(this.#doc.store, this.#doc.clientID);
      const isSaved = await settled(
        () => this.#echoed >= this.#written || this.#client?.isGone === true,
        () => this.#echoed,
      );
      if (!isSaved || this.#client?.isGone === true) throw new Error(`value ${i} was not saved`);
    }
  }
}

export const stalledReader: Scenario = { id: 'stalled-reader', title: 'A reader that stalls for 150 MB', run };
