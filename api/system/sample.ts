/** A sample of a node's state, as `/system/metrics` answers it and `system.health` tells it. */
import { z } from 'zod';
import type { SystemSample } from '../../server/system-events/index.js';
import { timeOf, timeSchema } from '../http/pages.js';

const latencySchema = z.object({ p50Ms: z.number(), p99Ms: z.number() }).nullable();
export const sampleSchema = z
  .object({
    time: timeSchema,
    cpuPercent: z.number().describe('100 is one core.'),
    memory: z.object({ rssBytes: z.number(), heapUsedBytes: z.number(), percent: z.number() }),
    eventLoopDelay: z.object({ p50Ms: z.number(), p99Ms: z.number(), maxMs: z.number() }),
    disk: z
      .object({ totalBytes: z.number(), freeBytes: z.number(), usedBytes: z.number() })
      .nullable()
      .describe('The file system of DATA_DIR; null where it cannot be asked.'),
    store: z.enum(['ok', 'failing', 'closed']),
    redis: z.enum(['ok', 'unreachable']).nullable().describe('Null without Redis.'),
    connections: z.number(),
    rooms: z.number(),
    editsPerSecond: z.number(),
    echo: latencySchema.describe('From an edit until its writer has the echo, over 10 s; null without edits.'),
    append: latencySchema.describe('From an edit until the store has it.'),
  })
  .meta({ id: 'SystemSample' });

export function shownSample(sample: SystemSample): z.infer<typeof sampleSchema> {
  const { at, cpuPercent, rssBytes, heapUsedBytes, memoryPercent, eventLoopDelay, disk, store, redis } = sample;
  return {
    time: timeOf(at),
    cpuPercent: rounded(cpuPercent),
    memory: { rssBytes, heapUsedBytes, percent: rounded(memoryPercent) },
    eventLoopDelay: {
      p50Ms: rounded(eventLoopDelay.p50Ms),
      p99Ms: rounded(eventLoopDelay.p99Ms),
      maxMs: rounded(eventLoopDelay.maxMs),
    },
    ...{ disk, store, redis, connections: sample.connections, rooms: sample.rooms },
    editsPerSecond: rounded(sample.editsPerSecond),
    ...{ echo: shownLatency(sample.echo), append: shownLatency(sample.append) },
  };
}

function shownLatency(latency: SystemSample['echo']): z.infer<typeof latencySchema> {
  return latency === null ? null : { p50Ms: rounded(latency.p50Ms), p99Ms: rounded(latency.p99Ms) };
}

const rounded = (value: number): number => Math.round(value * 100) / 100;
