/** Frames of any kind from several attackers at once, with witnesses in the same document and in another one. */
import { rawClient, type RawClient } from '../harness/raw-client.js';
import { stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';
import { FrameSource } from './frames.js';
import type { FuzzTarget } from './fuzz-target.js';
import type { RandomSource } from './random-source.js';

export interface FrameFuzzOptions {
  readonly target: FuzzTarget;
  readonly random: RandomSource;
  readonly framesPerRound: number;
  /** How much more memory the target may have in use. */
  readonly memoryGrowthBytes: number;
  /** Asked after each round. */
  readonly isOver: (frames: number) => boolean;
}

export interface FrameFuzzReport {
  readonly frames: number;
  /** Connections that the server closed on attackers. */
  readonly thrownOut: number;
  readonly errors: Readonly<Record<string, number>>;
  /** None when all is well; the last frames are part of the message. */
  readonly failures: readonly string[];
}

const ATTACKERS = 4;
const MEMORY_EVERY_ROUNDS = 10;
const MEGABYTE = 1024 * 1024;
const RECENT = 20;
/** What must not happen whatever clients send: errors that no part of the server expected. */
const UNEXPECTED = ['receive', 'tick', 'upgrade', 'append_refused', 'document_load'];

export async function fuzzFrames(options: FrameFuzzOptions): Promise<FrameFuzzReport> {
  const { target, random, framesPerRound, memoryGrowthBytes, isOver } = options;
  const recent: Uint8Array[] = [];
  const failures: string[] = [];
  let [frames, thrownOut, memoryBefore] = [0, 0, Number.NaN];
  const apart = stockClient(target.ws, 'apart');
  try {
    await apart.synced();
    for (let round = 0; round === 0 || (failures.length === 0 && !isOver(frames)); round += 1) {
      // Other rooms each time: what was left behind must go with its room.
      const room = random.pick([`opaque-${round}`, `form/fuzz-${round}`, `form/fuzz-${round}/submission/one`]);
      const witness = stockClient(target.ws, room);
      try {
        await witness.synced();
        const attacks = Array.from({ length: ATTACKERS }, () =>
          attack(`${target.ws}/${room}`, random.fork(), framesPerRound / ATTACKERS, recent),
        );
        while (!(await areOver(attacks))) {
          for (const one of [apart, witness]) one.doc.getMap('witness').set('beat', frames);
          await Promise.all([apart.saved(), witness.saved()]);
        }
        for (const one of await Promise.all(attacks)) thrownOut += one.thrownOut;
        frames += framesPerRound;
        witness.doc.getMap('witness').set('beat', 'last');
        await witness.saved();
        const fresh = stockClient(target.ws, room);
        try {
          await fresh.synced();
          await until(() => fresh.doc.getMap('witness').get('beat') === 'last', {
            what: 'a newcomer reads the last beat',
          });
        } finally {
          fresh.destroy();
        }
        const closes = [...witness.closes, ...apart.closes];
        if (closes.length > 0) failures.push(`round ${round}: a witness was closed with ${closes.join()}`);
      } catch (error) {
        failures.push(`round ${round}: ${target.crash() ?? String(error)}`);
      } finally {
        witness.destroy();
      }
      if (failures.length > 0 || round % MEMORY_EVERY_ROUNDS !== 0) continue;
      const memory = await target.memoryBytes();
      if (round <= MEMORY_EVERY_ROUNDS) memoryBefore = memory;
      const grown = memory - memoryBefore;
      if (grown > memoryGrowthBytes) failures.push(`round ${round}: memory grew by ${Math.round(grown / MEGABYTE)} MB`);
    }
    if (failures.length === 0 && !apart.provider.wsconnected)
      failures.push('the witness apart is not connected any more');
  } finally {
    apart.destroy();
  }
  const errors = target.crash() === undefined ? await errorsOf(target) : {};
  for (const type of UNEXPECTED)
    if (errors[type] !== undefined) failures.push(`${errors[type]} errors of type ${type}: ${target.log()}`);
  if (failures.length > 0) failures.push(`the last frames:\n${recent.map(shown).join('\n')}`);
  return { frames, thrownOut, errors, failures };
}

const shown = (frame: Uint8Array): string => Buffer.from(frame).toString('base64').slice(0, 2_000);

async function errorsOf({ http }: FuzzTarget): Promise<Record<string, number>> {
  const metrics = await (await fetch(`${http}/metrics`)).text();
  const lines = [...metrics.matchAll(/^formloom_errors_total\{type="(\w+)"\} (\d+)/gm)];
  return Object.fromEntries(lines.map(([, type = '', count]) => [type, Number(count)]));
}

async function areOver(attacks: readonly Promise<unknown>[]): Promise<boolean> {
  const notYet = new Promise<false>((resolve) => setTimeout(() => resolve(false), 5));
  return Promise.race([notYet, Promise.all(attacks).then(() => true)]);
}

/** Connects again whenever it is thrown out. */
async function attack(
  url: string,
  random: RandomSource,
  frames: number,
  recent: Uint8Array[],
): Promise<{ thrownOut: number }> {
  const source = new FrameSource(random);
  let client: RawClient | undefined;
  let opened = 0;
  for (let sent = 0; sent < frames; sent += 1) {
    if (client?.ws.readyState !== 1) {
      client?.destroy();
      client = await rawClient(random.chance(20) ? `${url}?sdk=1` : url);
      opened += 1;
    }
    if (random.chance(0.5)) client.ws.send('text');
    else {
      const frame = source.next();
      recent.push(frame);
      if (recent.length > RECENT) recent.shift();
      client.send(frame);
    }
    // Nobody reads what comes back.
    client.frames.length = 0;
    // So that the close after a bad frame is heard before the next frames are wasted on it.
    if (random.chance(50)) await new Promise((resolve) => setImmediate(resolve));
  }
  client?.destroy();
  return { thrownOut: opened - 1 };
}
