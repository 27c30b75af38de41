/** What `formloom top` shows: one look at a running server, through `/metrics` and the REST surface alone. */
import { z } from 'zod';
import { callApi, getText, type ApiTarget } from '../api-client.js';
import { CommandError, EXIT } from '../output.js';
import { quantile, rate, Scrape } from './prometheus-text.js';

const poolSchema = z.object({ name: z.string(), size: z.number(), connections: z.number(), refused: z.number() });
const queueSchema = z.object({
  ...{ name: z.string(), depth: z.number(), capacity: z.number(), ratePerSecond: z.number(), dropped: z.number() },
});
const breakerSchema = z.object({ name: z.string(), state: z.string(), nextTryAt: z.string().nullable() });
const overviewSchema = z.object({
  pools: z.array(poolSchema),
  queues: z.array(queueSchema),
  deadLetters: z.object({ count: z.number() }),
  breakers: z.array(breakerSchema),
  tuner: z.object({ mode: z.string(), advice: z.object({ knob: z.string(), to: z.number() }).nullable() }),
});
const alertSchema = z.object({
  ...{ name: z.string(), severity: z.string(), state: z.string(), since: z.string() },
  labels: z.record(z.string(), z.string()),
});
const documentSchema = z.object({
  ...{ document: z.string(), state: z.string(), connections: z.number(), cpuMs: z.number() },
  ...{ bytesIn: z.number(), bytesOut: z.number(), storedBytes: z.number(), cost: z.number(), health: z.number() },
});
const healthSchema = z.object({
  status: z.string(),
  version: z.string().optional(),
  uptimeSeconds: z.number().optional(),
  checks: z.record(z.string(), z.string()).optional(),
});
const pageOf = <T extends z.ZodType>(item: T): z.ZodObject<{ data: z.ZodArray<T> }> =>
  z.object({ data: z.array(item) });

export type Overview = z.infer<typeof overviewSchema>;
export type ShownAlert = z.infer<typeof alertSchema>;
export type ShownDocument = z.infer<typeof documentSchema>;

export interface Look {
  readonly at: string;
  readonly url: string;
  readonly version: string | undefined;
  readonly uptimeSeconds: number;
  readonly isReady: boolean;
  /** What is not `ok`, and why. */
  readonly faults: Readonly<Record<string, string>>;
  readonly connections: number;
  /** By state. */
  readonly rooms: Readonly<Record<string, number>>;
  readonly perSecond: {
    readonly edits: number;
    readonly deliveries: number;
    readonly bytesOut: number;
    readonly requests: number;
    readonly errors: number;
  };
  /** In milliseconds; null when nothing happened meanwhile. */
  readonly latencyMs: {
    readonly echoP50: number | null;
    readonly echoP99: number | null;
    readonly appendP50: number | null;
    readonly appendP99: number | null;
    readonly loopP50: number;
    readonly loopP99: number;
  };
  readonly process: {
    /** 100 is one core. */
    readonly cpuPercent: number;
    readonly residentBytes: number;
    readonly hydratedBytes: number;
  };
  readonly pendingBytes: number;
  readonly isStoreOk: boolean;
  readonly diskFreeBytes: number | null;
  /** Null without the rights of an administrator. */
  readonly overview: Overview | null;
  readonly alerts: readonly ShownAlert[] | null;
  readonly documents: readonly ShownDocument[] | null;
}

const S = 1_000;

export async function scrape(target: ApiTarget): Promise<Scrape> {
  return new Scrape(await getText(target, '/metrics'), performance.now());
}

/** @throws CommandError when no server answers */
export async function look(target: ApiTarget, before: Scrape, topDocuments: number): Promise<[Look, Scrape]> {
  const after = await scrape(target);
  const [health, overview, alerts, documents] = await Promise.all([
    healthOf(target),
    ifAllowed(target, read(target, '/optimization', overviewSchema)),
    ifAllowed(target, read(target, '/alerts?state=open&limit=20', pageOf(alertSchema))),
    ifAllowed(target, read(target, `/optimization/documents?limit=${topDocuments}`, pageOf(documentSchema))),
  ]);
  const ms = (q: number, name: string): number | null => {
    const seconds = quantile(q, `formloom_${name}_seconds`, before, after);
    return seconds === undefined ? null : seconds * S;
  };
  const loop = after.by('formloom_event_loop_delay_seconds', 'quantile');
  const perSecond = (name: string): number => rate(`formloom_${name}`, before, after);
  const disk = after.samples('formloom_disk_free_bytes')[0];
  const found = {
    at: new Date().toISOString(),
    url: target.url,
    version: health.version ?? after.samples('formloom_build_info')[0]?.labels['version'],
    uptimeSeconds:
      health.uptimeSeconds ?? Math.max(0, Date.now() / S - after.total('formloom_process_start_time_seconds')),
    isReady: health.status === 'ok',
    faults: Object.fromEntries(Object.entries(health.checks ?? {}).filter(([, state]) => state !== 'ok')),
    connections: after.total('formloom_connections'),
    rooms: after.by('formloom_rooms', 'state'),
    perSecond: {
      edits: perSecond('updates_total'),
      deliveries: perSecond('fanout_messages_total'),
      bytesOut: perSecond('fanout_bytes_total'),
      requests: perSecond('http_request_duration_seconds_count'),
      errors: perSecond('errors_total'),
    },
    latencyMs: {
      ...{ echoP50: ms(0.5, 'echo'), echoP99: ms(0.99, 'echo') },
      ...{ appendP50: ms(0.5, 'append'), appendP99: ms(0.99, 'append') },
      ...{ loopP50: (loop['0.5'] ?? 0) * S, loopP99: (loop['0.99'] ?? 0) * S },
    },
    process: {
      cpuPercent: perSecond('process_cpu_seconds_total') * 100,
      residentBytes: after.total('formloom_process_resident_memory_bytes'),
      hydratedBytes: after.total('formloom_hydrated_bytes'),
    },
    pendingBytes: after.total('formloom_storage_pending_bytes'),
    isStoreOk: after.total('formloom_store_up') === 1,
    diskFreeBytes: disk?.value ?? null,
    overview,
    alerts: alerts?.data ?? null,
    documents: documents?.data ?? null,
  };
  return [found, after];
}

async function read<T>(target: ApiTarget, path: string, schema: z.ZodType<T>): Promise<T> {
  return schema.parse(await (await callApi(target, { method: 'GET', path })).json());
}

/** Readiness is for everybody; the details are for administrators. */
async function healthOf(target: ApiTarget): Promise<z.infer<typeof healthSchema>> {
  const response = await callApi(target, { method: 'GET', path: '/health', isAnyStatusTaken: true });
  return healthSchema.parse(await response.json());
}

/** Without the right there is less to see, and `top` goes on. */
async function ifAllowed<T>({ token }: ApiTarget, answer: Promise<T>): Promise<T | null> {
  // A token that is not taken at all is a mistake to be told of.
  const refusals = token === undefined ? /^40[134]\b/ : /^40[34]\b/;
  try {
    return await answer;
  } catch (error) {
    if (error instanceof CommandError && error.exitCode === EXIT.failed && refusals.test(error.message)) return null;
    throw error;
  }
}
