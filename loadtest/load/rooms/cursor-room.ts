/**
 * People in one document who move their cursors. Knows for each of them how long every position took to be seen, or to
 * be overtaken by a newer one: a server may skip positions, but not show old ones for long.
 */
import type { LatencyHistogram } from '../measuring/latency-histogram.js';
import type { LoadNetwork } from '../clients/load-socket.js';
import { SyncClient, type Endpoint, type Listener } from '../clients/sync-client.js';
import { awarenessMessage, readVarUint } from '../clients/wire.js';

const FIRST_CLIENT_ID = 5_000;
const NAMES = ['Ada', 'Blaise', 'Chien-Shiung', 'Dorothy', 'Emmy', 'Florence', 'Grace', 'Hedy'];

interface CursorState {
  readonly user: { readonly name: string; readonly color: string };
  readonly cursor: { readonly anchor: number; readonly head: number };
}

export class CursorRoom {
  readonly #people: Person[] = [];

  constructor(
    readonly document: string,
    private readonly network: LoadNetwork,
    private readonly endpoint: Endpoint,
    private readonly staleness: LatencyHistogram,
  ) {}

  /** Lets `count` people join, each with so many moves prepared. */
  async fill(count: number, moves: number, atOnce: number): Promise<void> {
    const people = Array.from({ length: count }, (_, number) => new Person(number, moves, count, this));
    this.#people.push(...people);
    for (let at = 0; at < count; at += atOnce) {
      await Promise.all(
        people.slice(at, at + atOnce).map(async (person) => {
          person.prepare(await SyncClient.join(this.network, this.endpoint, this.document, person));
        }),
      );
    }
  }

  move(person: number): void {
    this.#people[person]?.move();
  }

  /** HOT PATH: someone sees the position `clock` of `person`, and saw `before` last. */
  seen(person: number, before: number, clock: number, now: number): void {
    const sentAt = this.#people[person]?.sentAt;
    if (sentAt === undefined) return;
    for (let at = before + 1; at <= clock; at++) this.staleness.record(now - (sentAt[at] ?? now));
  }

  /** Last positions that people have of others, of those that they must have. */
  count(): { expected: number; delivered: number } {
    let delivered = 0;
    for (const viewer of this.#people) {
      for (const mover of this.#people) {
        if (viewer !== mover && viewer.seen[mover.number] === mover.moved) delivered += 1;
      }
    }
    return { expected: this.#people.length * (this.#people.length - 1), delivered };
  }

  /** Sum of all that is seen: grows as long as something arrives. */
  progress(): number {
    return this.#people.reduce((sum, { seen }) => seen.reduce((all, clock) => all + clock, sum), 0);
  }

  /** From here on states are kept and read, to be compared. */
  startReading(): void {
    for (const person of this.#people) person.states = new Map();
  }

  /** Sentences about states that are not what was sent. */
  problems(): string[] {
    const problems: string[] = [];
    for (const viewer of this.#people) {
      if (viewer.client?.isGone === true) problems.push(`${this.document}: a connection was closed by the server`);
      let wrong = 0;
      for (const mover of this.#people) {
        if (viewer === mover) continue;
        const state = viewer.states?.get(mover.number);
        if (state === undefined || !isCursor(state, mover.state(mover.moved))) wrong += 1;
      }
      if (wrong > 0) problems.push(`${this.document}: ${wrong} cursors are not where they were moved to`);
    }
    return problems;
  }
}

class Person implements Listener {
  client: SyncClient | undefined;
  /** Clock of the last move. */
  moved = 0;
  readonly sentAt: Float64Array;
  /** Clock that is seen of each person. */
  readonly seen: Uint32Array;
  states: Map<number, string> | undefined;
  #frames: Buffer[] = [];

  constructor(
    readonly number: number,
    private readonly moves: number,
    people: number,
    private readonly room: CursorRoom,
  ) {
    this.sentAt = new Float64Array(moves + 1);
    this.seen = new Uint32Array(people);
  }

  prepare(client: SyncClient): void {
    this.client = client;
    this.#frames = Array.from({ length: this.moves }, (_, i) =>
      client.frame(awarenessMessage(FIRST_CLIENT_ID + this.number, i + 1, this.state(i + 1))),
    );
  }

  state(clock: number): CursorState {
    const head = (this.number * 7_919 + clock * 13) % 4_000;
    const name = NAMES[this.number % NAMES.length] ?? 'Ada';
    return {
      user: { name, color: `#${(this.number * 2_654_435 + 0x10_0000).toString(16).slice(-6)}` },
      cursor: { anchor: head, head },
    };
  }

  move(): void {
    const frame = this.#frames[this.moved];
    if (frame === undefined) throw new RangeError('more moves than were prepared');
    this.moved += 1;
    this.sentAt[this.moved] = performance.now();
    this.client?.write(frame);
  }

  /** HOT PATH. varuint entries, then for each: varuint client, varuint clock, varuint length, JSON. */
  awareness(bytes: Buffer, start: number): void {
    const now = performance.now();
    let { value: left, next: at } = readVarUint(bytes, start);
    for (; left > 0; left--) {
      const client = readVarUint(bytes, at);
      const clock = readVarUint(bytes, client.next);
      const length = readVarUint(bytes, clock.next);
      at = length.next + length.value;
      const person = client.value - FIRST_CLIENT_ID;
      const before = this.seen[person];
      if (before === undefined || clock.value <= before) continue;
      this.seen[person] = clock.value;
      if (person === this.number) continue;
      this.room.seen(person, before, clock.value, now);
      this.states?.set(person, bytes.toString('utf8', length.next, at));
    }
  }
}

/** A server may add to the user (who it is, by its token), but the cursor is the client's. */
function isCursor(json: string, sent: CursorState): boolean {
  const state: unknown = JSON.parse(json);
  if (typeof state !== 'object' || state === null || !('cursor' in state)) return false;
  return JSON.stringify(state.cursor) === JSON.stringify(sent.cursor);
}
