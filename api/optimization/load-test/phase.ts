/** One phase of a load test: connect, edit, wait until everybody has everything, compare, and leave nothing behind. */
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { Rooms } from '../../../server/rooms/rooms.js';
import type { NodeGauge } from '../../../server/tuner/index.js';
import { LoadClient } from './load-client.js';
import type { Scenario } from './scenarios.js';

const millisecondsSchema = z.object({
  mean: z.number(),
  p50: z.number(),
  p95: z.number(),
  p99: z.number(),
  max: z.number(),
});
export const phaseReportSchema = z.object({
  name: z.string(),
  connections: z.number(),
  synced: z.number(),
  complete: z.number().describe('Connections that have every edit, the same as the server.'),
  successShare: z.number(),
  edits: z.number(),
  deliveries: z.number(),
  expectedDeliveries: z.number(),
  messagesPerMinute: z.number().describe('Edits that the server took, and deliveries of them.'),
  latencyMs: millisecondsSchema.describe('From an edit until it arrived at another connection.'),
  connectMs: millisecondsSchema.describe('Until a connection was synced.'),
  cpuShare: z.number().describe('Of one core, clients included.'),
  memoryShare: z.number(),
});
export type PhaseReport = z.infer<typeof phaseReportSchema>;

export interface PhaseOptions {
  readonly name: string;
  readonly scenario: Scenario;
  /** Where this server listens, such as ws://127.0.0.1:1234. */
  readonly ws: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Prefix of the documents. */
  readonly folder: string;
  readonly rooms: Rooms;
  readonly gauge: Pick<NodeGauge, 'take'>;
  readonly signal: AbortSignal;
  /** 0 to 1. */
  readonly onProgress: (share: number) => void;
}

const PER_DOCUMENT = 10;
/** Below the gate of handshakes (1,000 a second), so that editors still get in. */
const CONNECT_BATCH = 20;
const CONNECT_PAUSE_MS = 60;
const TICK_MS = 20;
const SETTLE_MS = 15_000;
/** Of the progress: to connect, to edit, to settle. */
const [CONNECTED, EDITED] = [0.2, 0.9];

interface Member {
  readonly client: LoadClient;
  readonly document: string;
}

export async function runPhase(options: PhaseOptions): Promise<PhaseReport> {
  const { scenario, signal, rooms, gauge, name, onProgress } = options;
  const [latencies, connects]: [number[], number[]] = [[], []];
  const members = Array.from({ length: scenario.connections }, (_, at): Member => {
    const document = `${options.folder}/${Math.floor(at / PER_DOCUMENT)}`;
    const client = new LoadClient({
      url: `${options.ws}/${document}`,
      headers: options.headers,
      onArrival: (ms) => latencies.push(ms),
    });
    return { client, document };
  });
  const cutOff = (): void => {
    for (const { client } of members) client.close();
  };
  signal.addEventListener('abort', cutOff);
  try {
    await connectAll(members, connects, signal, (share) => onProgress(share * CONNECTED));
    const synced = members.filter(({ client }) => client.isSynced);
    gauge.take();
    const startedAt = performance.now();
    await editAll(synced, scenario, signal, (share) => onProgress(CONNECTED + share * (EDITED - CONNECTED)));
    const groups = groupsOf(synced);
    const expected = (group: readonly Member[]): number => group.length * scenario.edits;
    const isSettled = (): boolean =>
      [...groups.values()].every((group) => group.every(({ client }) => client.edits.length >= expected(group)));
    const until = performance.now() + SETTLE_MS;
    while (!isSettled() && performance.now() < until && !signal.aborted) await pause(TICK_MS);
    const minutes = (performance.now() - startedAt) / 60_000;
    const { cpuShare, memoryShare } = gauge.take();
    let complete = 0;
    for (const [document, group] of groups) complete += await countComplete(rooms, document, group, expected(group));
    onProgress(1);
    return {
      ...{ name, connections: members.length, synced: synced.length, complete },
      successShare: complete / members.length,
      edits: synced.length * scenario.edits,
      deliveries: latencies.length,
      expectedDeliveries: [...groups.values()].reduce((sum, group) => sum + expected(group) * (group.length - 1), 0),
      messagesPerMinute: Math.round((synced.length * scenario.edits + latencies.length) / minutes),
      latencyMs: spread(latencies),
      connectMs: spread(connects),
      ...{ cpuShare, memoryShare },
    };
  } finally {
    signal.removeEventListener('abort', cutOff);
    cutOff();
    for (const document of new Set(members.map((member) => member.document))) await rooms.erase(document);
  }
}

async function connectAll(
  members: readonly Member[],
  connects: number[],
  signal: AbortSignal,
  onProgress: (share: number) => void,
): Promise<void> {
  const opening: Promise<void>[] = [];
  for (const [at, { client }] of members.entries()) {
    if (signal.aborted) break;
    const startedAt = performance.now();
    // Who is refused is counted as not synced.
    opening.push(
      client.open().then(
        () => void connects.push(performance.now() - startedAt),
        () => undefined,
      ),
    );
    if (at % CONNECT_BATCH !== CONNECT_BATCH - 1) continue;
    onProgress(at / members.length);
    await pause(CONNECT_PAUSE_MS);
  }
  await Promise.race([Promise.all(opening), pause(SETTLE_MS, undefined, { ref: false })]);
}

/** Spread evenly over the time, and over the connections within it. */
async function editAll(
  members: readonly Member[],
  { edits, seconds }: Scenario,
  signal: AbortSignal,
  onProgress: (share: number) => void,
): Promise<void> {
  const total = members.length * edits;
  const startedAt = performance.now();
  let made = 0;
  while (made < total && !signal.aborted) {
    const share = Math.min(1, (performance.now() - startedAt) / (seconds * 1_000));
    for (; made < Math.ceil(share * total); made += 1) members[made % members.length]?.client.edit(String(made));
    onProgress(share);
    await pause(TICK_MS);
  }
}

function groupsOf(members: readonly Member[]): Map<string, Member[]> {
  const groups = new Map<string, Member[]>();
  for (const member of members) {
    const group = groups.get(member.document);
    if (group === undefined) groups.set(member.document, [member]);
    else group.push(member);
  }
  return groups;
}

async function countComplete(
  rooms: Rooms,
  document: string,
  group: readonly Member[],
  expected: number,
): Promise<number> {
  const truth = await rooms.read(document, (doc) => JSON.stringify(doc.getArray('edits').toJSON()));
  const isComplete = ({ client }: Member): boolean =>
    client.isOpen && client.edits.length === expected && JSON.stringify(client.edits.toJSON()) === truth;
  return group.filter(isComplete).length;
}

function spread(values: readonly number[]): z.infer<typeof millisecondsSchema> {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
  const mean = round(values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length));
  return { mean, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

const round = (ms: number): number => Math.round(ms * 10) / 10;
