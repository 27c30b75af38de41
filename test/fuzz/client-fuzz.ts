/** Stock clients and streams that come, edit, stall, vanish and return, in any order; in the end all must agree. */
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import * as Y from 'yjs';
import { rawClient } from '../harness/raw-client.js';
import { stockClient, type StockClient } from '../harness/stock-client.js';
import { streamClient, type StreamClient } from '../harness/stream-client.js';
import { until } from '../harness/until.js';
import { FrameSource } from './frames.js';
import type { FuzzTarget } from './fuzz-target.js';
import { editAtRandom } from './random-edits.js';
import type { RandomSource } from './random-source.js';

// Each stock client listens to the end of the process.
process.setMaxListeners(100);

const ROOMS = 3;
const MAX_EDITORS = 12;
const STEPS_PER_ROUND = 300;
const LARGE_BYTES = 1024 * 1024;

export interface ClientFuzzOptions {
  readonly target: FuzzTarget;
  readonly random: RandomSource;
  /** Asked after each round. */
  readonly isOver: (steps: number) => boolean;
}

/** Answers how many things clients did, and what went wrong. */
export async function fuzzClients({
  target,
  random,
  isOver,
}: ClientFuzzOptions): Promise<{ steps: number; failures: string[] }> {
  let steps = 0;
  for (let round = 0; round === 0 || !isOver(steps); round += 1) {
    const crowd = new Crowd(target, random, round);
    try {
      for (let step = 0; step < STEPS_PER_ROUND; step += 1) {
        if (step === STEPS_PER_ROUND / 2 && random.chance(50)) {
          await target.restart();
          await crowd.reopenStreams();
        }
        await crowd.act();
        steps += 1;
      }
      await crowd.agree();
    } catch (error) {
      return { steps, failures: [`round ${round}: ${target.crash() ?? String(error)}`] };
    } finally {
      crowd.leave();
    }
  }
  return { steps, failures: [] };
}

interface StockEditor {
  readonly room: string;
  readonly stock: StockClient;
}

interface StreamEditor {
  readonly room: string;
  stream: StreamClient;
}

class Crowd {
  readonly #rooms: readonly string[];
  readonly #stocks: StockEditor[] = [];
  readonly #streams: StreamEditor[] = [];
  readonly #stalled = new Set<Socket>();
  /** What was echoed to those who are gone for good: client id to clock, by room. */
  readonly #confirmed = new Map<string, Map<number, number>>();

  constructor(
    private readonly server: FuzzTarget,
    private readonly random: RandomSource,
    round: number,
  ) {
    this.#rooms = Array.from({ length: ROOMS }, (_, i) => `crowd-${round}-${i}`);
  }

  /** One thing that a client, or its network, does. */
  async act(): Promise<void> {
    const { random } = this;
    const stock = this.#stocks.length === 0 ? undefined : random.pick(this.#stocks);
    const stream = this.#streams.length === 0 ? undefined : random.pick(this.#streams);
    switch (random.below(20)) {
      case 0:
        return this.#join();
      case 1:
        stock?.stock.disconnect();
        return;
      case 2:
        stock?.stock.provider.connect();
        return;
      case 3:
        // The line breaks without a word.
        socketOf(stock)?.destroy();
        return;
      case 4:
        this.#stall(socketOf(stock));
        if (stream !== undefined) stream.stream.isReading = false;
        return;
      case 5:
        socketOf(stock)?.resume();
        if (stream !== undefined) stream.stream.isReading = true;
        return;
      case 6:
        return this.#vandalize();
      case 7:
        if (random.chance(30)) this.#part();
        return;
      case 8:
        stream?.stream.cut();
        return this.reopenStreams();
      case 9:
        await new Promise((resolve) => setImmediate(resolve));
        return;
      case 10:
        stock?.stock.provider.awareness.setLocalStateField('cursor', random.below(100));
        return;
      case 11:
        // Much at once, so that who stalls falls behind.
        stock?.stock.doc.getMap('large').set('value', new Uint8Array(LARGE_BYTES).fill(random.below(256)));
        return;
      default:
        if (stock !== undefined) editAtRandom(stock.stock.doc, random);
        if (stream !== undefined && random.chance(50)) editAtRandom(stream.stream.doc, random);
    }
  }

  async #join(): Promise<void> {
    if (this.#stocks.length + this.#streams.length >= MAX_EDITORS) return;
    const room = this.random.pick(this.#rooms);
    if (this.random.chance(30)) this.#streams.push({ room, stream: await streamClient(this.server.http, room) });
    else this.#stocks.push({ room, stock: stockClient(this.server.ws, room) });
  }

  async #vandalize(): Promise<void> {
    const source = new FrameSource(this.random.fork());
    const vandal = await rawClient(`${this.server.ws}/${this.random.pick(this.#rooms)}`).catch(() => undefined);
    for (let count = this.random.below(5); count > 0; count -= 1) vandal?.send(source.next());
    vandal?.ws.close();
  }

  /** Somebody goes for good, with whatever was not saved yet. */
  #part(): void {
    const [gone] = this.#stocks.splice(this.random.below(this.#stocks.length || 1), 1);
    if (gone === undefined) return;
    this.#confirm(gone);
    gone.stock.destroy();
  }

  #confirm({ room, stock }: StockEditor): void {
    const clocks = this.#confirmed.get(room) ?? new Map<number, number>();
    clocks.set(stock.doc.clientID, Math.max(clocks.get(stock.doc.clientID) ?? 0, stock.echoedClock()));
    this.#confirmed.set(room, clocks);
  }

  async reopenStreams(): Promise<void> {
    for (const one of this.#streams) {
      if (!one.stream.isOver) continue;
      const doc = one.stream.doc;
      await until(
        async () => {
          const opened = await streamClient(this.server.http, one.room, { doc }).catch(() => undefined);
          if (opened !== undefined) one.stream = opened;
          return opened !== undefined;
        },
        { what: 'a stream is opened again' },
      );
    }
  }

  /** Everybody returns; then all of a room have the same, a newcomer too, and whatever was echoed is there. */
  async agree(): Promise<void> {
    for (const { stock } of this.#stocks) {
      socketOf({ stock })?.resume();
      stock.provider.connect();
    }
    for (const { stream } of this.#streams) stream.isReading = true;
    await this.reopenStreams();
    await Promise.all(this.#stocks.map(({ stock }) => stock.synced()));
    await Promise.all(this.#streams.map(({ stream }) => stream.synced()));
    for (const room of this.#rooms) {
      const docs = [
        ...this.#stocks.filter((one) => one.room === room).map(({ stock }) => stock.doc),
        ...this.#streams.filter((one) => one.room === room).map(({ stream }) => stream.doc),
      ];
      await until(async () => allEqual([...docs, await this.#fresh(room)]), {
        what: () => `all in ${room} agree:\n${docs.map(described).join('\n')}`,
      });
      for (const one of this.#stocks) if (one.room === room) this.#confirm(one);
      const newcomer = await this.#fresh(room);
      for (const [client, clock] of this.#confirmed.get(room) ?? []) {
        const has = Y.getState(newcomer.store, client);
        if (has < clock)
          throw new Error(`${room}: client ${client} was told that ${clock} are saved, ${has} are there`);
      }
    }
  }

  async #fresh(room: string): Promise<Y.Doc> {
    const reader = stockClient(this.server.ws, room);
    await reader.synced();
    // Destroying the client leaves its content.
    reader.destroy();
    return reader.doc;
  }

  #stall(socket: Socket | undefined): void {
    if (socket === undefined) return;
    socket.pause();
    this.#stalled.add(socket);
  }

  leave(): void {
    // A stalled socket never hears of its end.
    for (const socket of this.#stalled) socket.destroy();
    for (const { stock } of this.#stocks) stock.destroy();
    for (const { stream } of this.#streams) stream.cut();
  }
}

function socketOf(editor: { readonly stock: StockClient } | undefined): Socket | undefined {
  const ws = editor?.stock.provider.ws as unknown as (WebSocket & { readonly _socket?: Socket }) | null | undefined;
  return ws?.readyState === WebSocket.OPEN ? ws._socket : undefined;
}

function allEqual(docs: readonly Y.Doc[]): boolean {
  const [first, ...others] = docs.map((doc) => Y.snapshot(doc));
  return first === undefined || others.every((other) => Y.equalSnapshots(first, other));
}

function described(doc: Y.Doc): string {
  return JSON.stringify([
    doc.clientID,
    [...Y.decodeStateVector(Y.encodeStateVector(doc))],
    doc.getText('text').toJSON().slice(0, 200),
  ]);
}
