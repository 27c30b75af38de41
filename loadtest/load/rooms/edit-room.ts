/**
 * A document with its writers and readers under load. Knows for every receiver which clocks of which writer it has,
 * and how long they took.
 */
import * as Y from 'yjs';
import { ClockCoverage } from '../clients/clock-coverage.js';
import type { LatencyHistogram } from '../measuring/latency-histogram.js';
import type { LoadNetwork } from '../clients/load-socket.js';
import { SyncClient, type Endpoint, type Listener } from '../clients/sync-client.js';
import { textOf, typedText, type Script } from './typing.js';
import { readRanges, type RangeSink } from '../clients/update-ranges.js';
import { syncMessage, UPDATE } from '../clients/wire.js';

export interface RoomRecorder {
  /** From the sending of a keystroke until another participant has it. */
  readonly delivery: LatencyHistogram;
  /** Until its own writer has it back. */
  readonly echo: LatencyHistogram;
}

/** What was to arrive and what did. */
export interface DeliveryCount {
  expected: number;
  delivered: number;
  duplicates: number;
}

export class EditRoom {
  readonly writers: Writer[] = [];
  readonly #receivers: Receiver[] = [];
  readonly #writerOf = new Map<number, Writer>();

  constructor(
    readonly document: string,
    private readonly network: LoadNetwork,
    private readonly endpoint: Endpoint,
    private readonly recorder: RoomRecorder,
  ) {}

  async addWriter(script: Script): Promise<void> {
    const writer = new Writer(script);
    this.writers.push(writer);
    this.#writerOf.set(script.clientId, writer);
    writer.client = await this.#addReceiver(writer);
    writer.prepare();
  }

  /** @param endpoint another node than the writers' */
  async addReader(endpoint: Endpoint = this.endpoint): Promise<SyncClient> {
    return this.#addReceiver(undefined, endpoint);
  }

  /** Deliveries to everyone but the writer itself. */
  count(): DeliveryCount {
    const count: DeliveryCount = { expected: 0, delivered: 0, duplicates: 0 };
    for (const receiver of this.#receivers) {
      for (const writer of this.writers) {
        if (receiver.own === writer) continue;
        const coverage = receiver.coverageOf(writer);
        count.expected += writer.sent;
        count.delivered += coverage.next;
        count.duplicates += coverage.duplicates;
      }
    }
    return count;
  }

  /** Connections that are open and have everything that was sent, their own edits included, out of all. */
  served(): { served: number; all: number } {
    const isServed = (receiver: Receiver): boolean =>
      receiver.client?.isGone === false &&
      this.writers.every((writer) => receiver.coverageOf(writer).next >= writer.sent);
    return { served: this.#receivers.filter(isServed).length, all: this.#receivers.length };
  }

  /** Everyone has everything that was sent so far; with echoes, the writers their own too. */
  isComplete(withEchoes: boolean): boolean {
    return this.#receivers.every((receiver) =>
      this.writers.every(
        (writer) =>
          (receiver.own === writer && !withEchoes) ||
          receiver.coverageOf(writer).next >= writer.sent ||
          receiver.client?.isGone,
      ),
    );
  }

  /** Sentences about what is wrong; none when everything arrived. */
  problems(withEchoes: boolean): string[] {
    const problems: string[] = [];
    for (const receiver of this.#receivers) {
      if (receiver.client?.isGone === true) problems.push(`${this.document}: a connection was closed by the server`);
      for (const writer of this.writers) {
        const isOwn = receiver.own === writer;
        if (isOwn && !withEchoes) continue;
        const { next, gaps } = receiver.coverageOf(writer);
        if (next === writer.sent) continue;
        const what = isOwn ? 'echoed' : 'delivered';
        problems.push(`${this.document}: ${next} of ${writer.sent} edits ${what}, ${gaps} ranges behind a gap`);
      }
      if (receiver.strangers > 0) problems.push(`${this.document}: ${receiver.strangers} clocks of unknown clients`);
    }
    return problems;
  }

  /** What a new client gets must be what was typed. A sentence, or undefined when it is. */
  async verifyFreshJoin(): Promise<string | undefined> {
    const doc = new Y.Doc();
    const client = await SyncClient.join(this.network, this.endpoint, this.document, {
      update: (bytes, start, end) => Y.applyUpdate(doc, bytes.subarray(start, end)),
    });
    client.destroy();
    const text = textOf(doc);
    doc.destroy();
    if (text === this.#expectedText()) return undefined;
    return `${this.document}: a fresh join reads ${text.length} characters that are not what was typed`;
  }

  #expectedText(): string {
    return typedText(
      this.writers.map(({ script, sent }) => (sent === script.updates.length ? script : firstEdits(script, sent))),
    );
  }

  async #addReceiver(own: Writer | undefined, endpoint = this.endpoint): Promise<SyncClient> {
    const receiver = new Receiver(own, this.#writerOf, this.recorder);
    this.#receivers.push(receiver);
    const client = await SyncClient.join(this.network, endpoint, this.document, receiver);
    receiver.client = client;
    return client;
  }
}

/** Types its script. */
export class Writer {
  client: SyncClient | undefined;
  /** Keystrokes sent so far. */
  sent = 0;
  readonly sentAt: Float64Array;
  #frames: Buffer[] = [];

  constructor(readonly script: Script) {
    this.sentAt = new Float64Array(script.updates.length);
  }

  /** Builds the frames, once the client is there. */
  prepare(): void {
    const client = this.client;
    if (client === undefined) return;
    this.#frames = this.script.updates.map((update) => client.frame(syncMessage(UPDATE, update)));
  }

  get remaining(): number {
    return this.#frames.length - this.sent;
  }

  /** Sends the next keystrokes in one write; false when the socket's queue is filling up. */
  type(count: number): boolean {
    const frames = this.#frames.slice(this.sent, this.sent + count);
    this.sentAt.fill(performance.now(), this.sent, this.sent + frames.length);
    this.sent += frames.length;
    const [only] = frames;
    return this.client?.write(frames.length === 1 && only !== undefined ? only : Buffer.concat(frames)) ?? false;
  }
}

/** HOT PATH: one socket's view of all writers. */
class Receiver implements Listener, RangeSink {
  client: SyncClient | undefined;
  /** Clocks of clients that are none of the room's writers. */
  strangers = 0;
  #now = 0;
  readonly #coverages = new Map<number, ClockCoverage>();

  constructor(
    readonly own: Writer | undefined,
    private readonly writerOf: ReadonlyMap<number, Writer>,
    private readonly recorder: RoomRecorder,
  ) {}

  coverageOf({ script }: Writer): ClockCoverage {
    return this.#coverage(script.clientId);
  }

  update(bytes: Buffer, start: number, end: number): void {
    this.#now = performance.now();
    readRanges(bytes, start, end, this);
  }

  range(client: number, from: number, to: number): void {
    const writer = this.writerOf.get(client);
    if (writer === undefined) {
      this.strangers += to - from;
      return;
    }
    const coverage = this.#coverage(client);
    const histogram = writer === this.own ? this.recorder.echo : this.recorder.delivery;
    for (let clock = Math.max(from, coverage.next); clock < to; clock++) {
      histogram.record(this.#now - (writer.sentAt[clock] ?? 0));
    }
    coverage.cover(from, to);
  }

  #coverage(client: number): ClockCoverage {
    let coverage = this.#coverages.get(client);
    if (coverage === undefined) this.#coverages.set(client, (coverage = new ClockCoverage()));
    return coverage;
  }
}

function firstEdits(script: Script, count: number): Script {
  return { ...script, state: Y.mergeUpdates(script.updates.slice(0, count)) };
}
