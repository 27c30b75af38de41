/** One scenario against one server: connect, type, count what arrived where, and what the server took for it. */
import { EditRoom } from '../load/rooms/edit-room.js';
import { LatencyHistogram } from '../load/measuring/latency-histogram.js';
import { LoadNetwork } from '../load/clients/load-socket.js';
import { Y_WEBSOCKET } from '../load/clients/dialects.js';
import { paced, settled } from '../load/measuring/pacing.js';
import { typingScript } from '../load/rooms/typing.js';
import type { LoadScenario } from './scenarios.js';
import { CORES, MEMORY_BYTES, type Target, type Usage } from './target.js';

/** As in an HDR histogram's plot: each step halves or tenths what lies beyond. */
const PERCENTILES = [0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 1] as const;
export const LATENCY_LIMITS_MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000] as const;

export interface ScenarioFigures {
  readonly connections: number;
  /** Share of connections that were synced and have got every edit, 0–1. */
  readonly success: number;
  readonly edits: number;
  /** Messages that the server took or delivered, a minute. */
  readonly messagesPerMinute: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Deliveries up to each of `LATENCY_LIMITS_MS`, and beyond. */
  readonly histogram: readonly number[];
  /** What share (0–1) of deliveries took at most how long. */
  readonly percentiles: readonly { readonly share: number; readonly ms: number }[];
  /** From the first edit until everything had arrived. */
  readonly seconds: number;
  /** CPU that the load itself took, of one core. */
  readonly loadShare: number;
  /** Of all cores, 0–1. */
  readonly cpuShare: number;
  /** Of the machine's memory, 0–1. */
  readonly memoryShare: number;
  /** Sentences about what is wrong. */
  readonly problems: readonly string[];
}

export interface Progress {
  /** `share` is 0–1. */
  (step: string, share: number): void;
}

const OPEN_AT_ONCE = 25;
const ROOMS_VERIFIED = 10;
const MAX_PROBLEMS = 20;
const USAGE_EVERY_MS = 1_000;

export async function runScenario(
  target: Target,
  scenario: LoadScenario,
  onProgress: Progress,
): Promise<ScenarioFigures> {
  const network = new LoadNetwork(new URL(target.url).hostname);
  const recorder = { delivery: new LatencyHistogram(), echo: new LatencyHistogram() };
  const problems: string[] = [];
  try {
    const rooms = await connectAll(network, target, scenario, recorder, problems, onProgress);
    const writers = rooms.flatMap((room) => room.writers).filter((writer) => writer.client !== undefined);
    const peak = new Peak(target);
    const startedAt = performance.now();
    const cpuBefore = process.cpuUsage();
    const all = writers.length * scenario.edits;
    await peak.start();
    const timer = setInterval(() => onProgress('typing', sent(rooms) / Math.max(1, all)), 200);
    await paced(all, (all * 1_000) / scenario.durationMs, (n) => {
      writers[n % writers.length]?.type(1);
    });
    const count = (): number => recorder.delivery.count + recorder.echo.count;
    await settled(() => rooms.every((room) => room.isComplete(true)), count);
    clearInterval(timer);
    const seconds = (performance.now() - startedAt) / 1_000;
    const { user, system } = process.cpuUsage(cpuBefore);
    const loadSeconds = (user + system) / 1e6;
    const usage = await peak.stop();
    onProgress('verifying', 1);
    for (const room of rooms) problems.push(...room.problems(true));
    for (const room of rooms.slice(0, ROOMS_VERIFIED)) {
      const problem = await room.verifyFreshJoin();
      if (problem !== undefined) problems.push(problem);
    }
    const served = rooms.reduce((sum, room) => sum + room.served().served, 0);
    const { delivery } = recorder;
    return {
      connections: scenario.connections,
      success: served / scenario.connections,
      edits: sent(rooms),
      messagesPerMinute: Math.round(((sent(rooms) + count()) / seconds) * 60),
      ...{
        meanMs: delivery.meanMs,
        p50Ms: delivery.quantile(0.5),
        p99Ms: delivery.quantile(0.99),
        maxMs: delivery.maxMs,
      },
      histogram: delivery.counts(LATENCY_LIMITS_MS),
      percentiles: PERCENTILES.map((share) => ({ share, ms: delivery.quantile(share) })),
      ...{ seconds, loadShare: loadSeconds / seconds },
      cpuShare: usage.cpuSeconds / seconds / CORES,
      memoryShare: usage.rssBytes / MEMORY_BYTES,
      problems: problems.slice(0, MAX_PROBLEMS),
    };
  } finally {
    network.destroyAll();
  }
}

async function connectAll(
  network: LoadNetwork,
  target: Target,
  scenario: LoadScenario,
  recorder: { delivery: LatencyHistogram; echo: LatencyHistogram },
  problems: string[],
  onProgress: Progress,
): Promise<EditRoom[]> {
  const { port, protocol } = new URL(target.url);
  const query = target.token === undefined ? '' : `?token=${encodeURIComponent(target.token)}`;
  const dialect = { ...Y_WEBSOCKET, path: (document: string) => `${Y_WEBSOCKET.path(document)}${query}` };
  const endpoint = { port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port), dialect };
  // Documents of its own for each run: what an earlier one left on the server is not touched.
  const run = Date.now().toString(36);
  const scripts = Array.from({ length: scenario.perRoom }, (_, i) => typingScript(i, scenario.edits));
  const rooms: EditRoom[] = [];
  const openings: (() => Promise<void>)[] = [];
  for (let left = scenario.connections; left > 0; left -= scenario.perRoom) {
    const room = new EditRoom(`load-test/${run}/${scenario.name}-${rooms.length}`, network, endpoint, recorder);
    rooms.push(room);
    for (const script of scripts.slice(0, left)) openings.push(() => room.addWriter(script));
  }
  for (let at = 0; at < openings.length; at += OPEN_AT_ONCE) {
    const opened = await Promise.allSettled(openings.slice(at, at + OPEN_AT_ONCE).map((open) => open()));
    for (const one of opened) if (one.status === 'rejected') problems.push(`not connected: ${String(one.reason)}`);
    onProgress('connecting', Math.min(1, (at + OPEN_AT_ONCE) / openings.length));
  }
  return rooms;
}

const sent = (rooms: readonly EditRoom[]): number =>
  rooms.reduce((sum, room) => room.writers.reduce((all, writer) => all + writer.sent, sum), 0);

/** CPU time between start and stop, and the most memory seen in between. */
class Peak {
  #from: Usage | undefined;
  #rssBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly target: Target) {}

  async start(): Promise<void> {
    this.#from = await this.#look();
    this.#timer = setInterval(() => {
      this.#look().catch(() => undefined); // the last look, in `stop`, is the one that must succeed
    }, USAGE_EVERY_MS);
  }

  async #look(): Promise<Usage> {
    const usage = await this.target.usage();
    this.#rssBytes = Math.max(this.#rssBytes, usage.rssBytes);
    return usage;
  }

  async stop(): Promise<Usage> {
    clearInterval(this.#timer);
    const { cpuSeconds, heapBytes } = await this.#look();
    return { cpuSeconds: cpuSeconds - (this.#from?.cpuSeconds ?? 0), rssBytes: this.#rssBytes, heapBytes };
  }
}
