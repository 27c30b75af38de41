/** What all scenarios with writers share: fill rooms, warm up, measure, verify. */
import { EditRoom, type RoomRecorder } from '../../load/rooms/edit-room.js';
import { LatencyHistogram } from '../../load/measuring/latency-histogram.js';
import { Meter, untilQuiet, type PhaseUsage } from '../../load/measuring/meter.js';
import { fullSpeed, inBatches, paced, settled } from '../../load/measuring/pacing.js';
import { typingScript, type Script } from '../../load/rooms/typing.js';
import type { RunningServer } from '../servers/launcher.js';
import { MEBIBYTE, perUnitUs, type Content, type Figure, type Outcome, type RunContext } from './scenario.js';

export interface EditingPlan {
  readonly rooms: number;
  readonly writersPerRoom: number;
  readonly readersPerRoom: number;
  /** Keystrokes of each writer before and while it is measured. */
  readonly warmUpEdits: number;
  readonly measuredEdits: number;
  /** Keystrokes per second of all writers together; undefined is full speed. */
  readonly editsPerSecond: number | undefined;
  /** What the CPU time is divided by. */
  readonly unit: 'delivery' | 'edit';
}

export const editingFigures = (unit: 'delivery' | 'edit'): readonly Figure[] => [
  { id: 'cpuUs', label: `server CPU per ${unit}`, unit: 'µs' },
  { id: 'mainThreadUs', label: 'of it in the main thread', unit: 'µs' },
  { id: 'p50Ms', label: 'delivery p50', unit: 'ms' },
  { id: 'p95Ms', label: 'delivery p95', unit: 'ms' },
  { id: 'p99Ms', label: 'delivery p99', unit: 'ms' },
  { id: 'echoP50Ms', label: 'echo p50', unit: 'ms' },
  { id: 'echoP99Ms', label: 'echo p99', unit: 'ms' },
  { id: 'rssMb', label: 'RSS at the end', unit: 'MiB' },
  { id: 'seconds', label: 'wall time', unit: 's' },
  { id: 'clientShare', label: 'load client, share of its core', unit: '%' },
];

/** Connections that are opened at a time. */
const OPEN_AT_ONCE = 50;
const ROOMS_VERIFIED = 40;

export async function runEditing(context: RunContext, plan: EditingPlan): Promise<Outcome> {
  const server = await context.start();
  const recorder: RoomRecorder = { delivery: new LatencyHistogram(), echo: new LatencyHistogram() };
  const rooms = await fillRooms(context, server, plan, recorder);
  await type(rooms, plan, plan.warmUpEdits);
  await allArrived(rooms, server);
  await untilQuiet(server.usage);
  recorder.delivery.reset();
  recorder.echo.reset();

  const meter = new Meter(server.usage);
  await type(rooms, plan, plan.measuredEdits);
  await allArrived(rooms, server);
  meter.loadEnded();
  const usage = await meter.stop();

  const content = await verify(rooms, server);
  return { figures: figuresOf(plan, usage, recorder, server), content, usage };
}

async function fillRooms(
  { network }: RunContext,
  server: RunningServer,
  plan: Pick<EditingPlan, 'rooms' | 'writersPerRoom' | 'readersPerRoom' | 'warmUpEdits' | 'measuredEdits'>,
  recorder: RoomRecorder,
): Promise<EditRoom[]> {
  const scripts: Script[] = [];
  for (let writer = 0; writer < plan.writersPerRoom; writer++) {
    scripts.push(typingScript(writer, plan.warmUpEdits + plan.measuredEdits));
  }
  const rooms = Array.from(
    { length: plan.rooms },
    (_, i) => new EditRoom(`bench-room-${i}`, network, server, recorder),
  );
  const openings = rooms.flatMap((room) => [
    ...scripts.map((script) => () => room.addWriter(script)),
    ...Array.from({ length: plan.readersPerRoom }, () => () => room.addReader()),
  ]);
  await inBatches(openings, OPEN_AT_ONCE);
  return rooms;
}

async function type(rooms: readonly EditRoom[], plan: EditingPlan, edits: number): Promise<void> {
  const writers = rooms.flatMap((room) => room.writers);
  if (plan.editsPerSecond === undefined) {
    await fullSpeed(writers, edits);
    return;
  }
  await paced(edits * writers.length, plan.editsPerSecond, (n) => writers[n % writers.length]?.type(1));
}

async function allArrived(rooms: readonly EditRoom[], { adapter }: RunningServer): Promise<boolean> {
  return settled(
    () => rooms.every((room) => room.isComplete(adapter.isEchoing)),
    () => rooms.reduce((sum, room) => sum + room.count().delivered, 0),
  );
}

async function verify(rooms: readonly EditRoom[], { adapter }: RunningServer): Promise<Content> {
  const content: Content = { expected: 0, delivered: 0, duplicates: 0, problems: [] };
  for (const room of rooms) {
    const count = room.count();
    content.expected += count.expected;
    content.delivered += count.delivered;
    content.duplicates += count.duplicates;
    content.problems.push(...room.problems(adapter.isEchoing));
  }
  if (!adapter.keepsState) return content;
  const step = Math.max(1, Math.floor(rooms.length / ROOMS_VERIFIED));
  for (let i = 0; i < rooms.length; i += step) {
    const problem = await rooms[i]?.verifyFreshJoin();
    if (problem !== undefined) content.problems.push(problem);
  }
  return content;
}

function figuresOf(
  plan: EditingPlan,
  usage: PhaseUsage,
  { delivery, echo }: RoomRecorder,
  server: RunningServer,
): Record<string, number> {
  const edits = plan.rooms * plan.writersPerRoom * plan.measuredEdits;
  const receiversPerEdit = plan.readersPerRoom + plan.writersPerRoom - 1;
  const units = plan.unit === 'edit' ? edits : edits * receiversPerEdit;
  return {
    cpuUs: perUnitUs(usage.serverCpuSeconds, units),
    mainThreadUs: perUnitUs(usage.serverMainThreadSeconds, units),
    p50Ms: delivery.quantile(0.5),
    p95Ms: delivery.quantile(0.95),
    p99Ms: delivery.quantile(0.99),
    echoP50Ms: echo.quantile(0.5),
    echoP99Ms: echo.quantile(0.99),
    rssMb: server.usage.rssBytes() / MEBIBYTE,
    seconds: usage.wallSeconds,
    clientShare: usage.clientShare * 100,
  };
}
