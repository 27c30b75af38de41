/** Loads that go on until they are stopped, while a tuner turns the server's knobs. */
import { setTimeout as pause } from 'node:timers/promises';
import { CursorRoom } from '../load/rooms/cursor-room.js';
import { Y_WEBSOCKET } from '../load/clients/dialects.js';
import { EditRoom } from '../load/rooms/edit-room.js';
import { LatencyHistogram } from '../load/measuring/latency-histogram.js';
import { LoadNetwork } from '../load/clients/load-socket.js';
import { typingScript } from '../load/rooms/typing.js';

export interface TunerLoad {
  readonly name: string;
  readonly title: string;
  /** What an operator asks of the node under this load. */
  readonly targets: Readonly<Record<string, number>>;
  readonly kind: 'edits' | 'cursors';
  /** Of its documents; a name that is no form's when absent. */
  readonly folder?: string;
  readonly rooms: number;
  readonly writers: number;
  readonly readers: number;
  /** Edits or moves of all together. */
  readonly perSecond: number;
}

export interface RunningLoad {
  /** From the sending of an edit or move until another participant has it. */
  readonly latency: LatencyHistogram;
  stop(): Promise<void>;
}

/** As cheap as it goes. What neighbours on the machine do to the event loop is left out. */
const NEEDED = { targets: { cpuShare: 0.01, fanOutShare: 0.01, loopDelayP99Ms: 1_000 } };
export const TUNER_LOADS: readonly TunerLoad[] = [
  {
    ...NEEDED,
    name: 'fan-out',
    title: 'one document: 4 writers, 60 readers, 240 edits/s',
    kind: 'edits',
    rooms: 1,
    writers: 4,
    readers: 60,
    perSecond: 240,
  },
  {
    ...NEEDED,
    name: 'cursors',
    title: '20 documents of 10 people, each moves the cursor at 5 Hz',
    kind: 'cursors',
    rooms: 20,
    writers: 10,
    readers: 0,
    perSecond: 1_000,
  },
  {
    ...NEEDED,
    name: 'classes',
    title: '12 documents: 4 writers, 20 readers each, 720 edits/s',
    kind: 'edits',
    rooms: 12,
    writers: 4,
    readers: 20,
    perSecond: 720,
  },
  {
    ...NEEDED,
    name: 'pairs',
    title: '150 documents of two, 300 edits/s',
    kind: 'edits',
    rooms: 150,
    writers: 1,
    readers: 1,
    perSecond: 300,
  },
];

const AT_ONCE = 40;

/** @param maxSeconds for how long it can go on */
export async function startLoad(load: TunerLoad, port: number, maxSeconds = 120): Promise<RunningLoad> {
  const network = new LoadNetwork();
  const endpoint = { port, dialect: Y_WEBSOCKET };
  const latency = new LatencyHistogram();
  const total = load.perSecond * maxSeconds;
  let send: (n: number) => void;
  if (load.kind === 'cursors') {
    const rooms = Array.from(
      { length: load.rooms },
      (_, i) => new CursorRoom(`tuner-cursors-${i}`, network, endpoint, latency),
    );
    const moves = Math.ceil(total / load.rooms / load.writers) + 1;
    for (const room of rooms) await room.fill(load.writers, moves, AT_ONCE);
    send = (n) => rooms[n % rooms.length]?.move(Math.floor(n / rooms.length) % load.writers);
  } else {
    const recorder = { delivery: latency, echo: new LatencyHistogram() };
    const perWriter = Math.ceil(total / load.rooms / load.writers) + 1;
    const rooms: EditRoom[] = [];
    for (let i = 0; i < load.rooms; i++) {
      const room = new EditRoom(`${load.folder ?? ''}tuner-${load.name}-${i}`, network, endpoint, recorder);
      for (let w = 0; w < load.writers; w++) await room.addWriter(typingScript(w, perWriter));
      for (let r = 0; r < load.readers; r++) await room.addReader();
      rooms.push(room);
    }
    send = (n) => rooms[n % rooms.length]?.writers[Math.floor(n / rooms.length) % load.writers]?.type(1);
  }
  const stopping = new AbortController();
  const going = keepSending(total, load.perSecond, send, stopping.signal);
  return {
    latency,
    stop: async () => {
      stopping.abort();
      await going;
    },
  };
}

/** Evenly spaced, as `paced`, until it is told to stop. */
async function keepSending(
  count: number,
  perSecond: number,
  send: (n: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const start = performance.now();
  for (let n = 0; n < count && !signal.aborted;) {
    const due = Math.min(count, Math.floor(((performance.now() - start) / 1_000) * perSecond) + 1);
    while (n < due) send(n++);
    await pause(1);
  }
}
