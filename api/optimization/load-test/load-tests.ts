/** Load tests of this node against itself: one at a time, bounded, with a report that is kept for 30 days. */
import type { Logger } from 'pino';
import { uuidv7 } from 'uuidv7';
import { z } from 'zod';
import type { Principal } from '../../../server/auth/index.js';
import type { Rooms } from '../../../server/rooms/rooms.js';
import type { RecordStore } from '../../../server/storage/record-store.js';
import { NodeGauge, type Tuner } from '../../../server/tuner/index.js';
import { Problem } from '../../http/problem.js';
import type { OptimizationSettings } from '../service.js';
import { phaseReportSchema, runPhase, type PhaseReport } from './phase.js';
import {
  MAX_EDITS,
  SCENARIOS,
  scenarioOf,
  type LoadTestDefaults,
  type LoadTestRequest,
  type Scenario,
} from './scenarios.js';

const criterionSchema = z.object({ what: z.string(), wanted: z.string(), got: z.number(), isMet: z.boolean() });
export const runSchema = z.object({
  id: z.string(),
  scenario: z.enum(SCENARIOS),
  connections: z.number(),
  edits: z.number(),
  seconds: z.number(),
  state: z.enum(['running', 'done', 'failed']),
  progress: z.number().describe('0 to 1.'),
  startedBy: z.string(),
  /** Unix time in milliseconds. */
  startedAt: z.number(),
  endedAt: z.number().nullable(),
  phases: z.array(phaseReportSchema),
  criteria: z.array(criterionSchema),
  isPassed: z.boolean().nullable(),
  error: z.string().nullable(),
});
export type LoadTestRun = z.infer<typeof runSchema>;

export interface LoadTestsOptions {
  readonly rooms: Rooms;
  readonly records: RecordStore;
  readonly tuner: Tuner;
  readonly settings: OptimizationSettings;
  readonly defaults: LoadTestDefaults;
  /** Otherwise nothing can connect to this node. */
  readonly areEditorsServed: boolean;
  readonly logger: Logger;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
}

/** How the clients of a test reach this server. */
export interface LoadTestTarget {
  readonly ws: string;
  readonly headers: Readonly<Record<string, string>>;
}

const PREFIX = 'load-test';
const KEPT_MS = 30 * 24 * 3_600_000;
/** Asked of a test with at least so many connections: a small one has not that much to send. */
const [BUSY_CONNECTIONS, MIN_MESSAGES_PER_MINUTE] = [100, 10_000];
const [MAX_CPU_SHARE, MAX_MEMORY_SHARE, MAX_MEAN_MS] = [0.7, 0.8, 100];

export class LoadTests {
  #running: LoadTestRun | undefined;
  #ended: Promise<void> = Promise.resolve();
  readonly #closing = new AbortController();

  constructor(private readonly options: LoadTestsOptions) {}

  /** @throws Problem `wrong_role`, `conflict` while another one runs, `validation_failed` when it is too much */
  start(principal: Principal, request: LoadTestRequest, target: LoadTestTarget): LoadTestRun {
    if (!this.options.areEditorsServed) {
      throw new Problem(
        'wrong_role',
        'This node has ROLE=api, so no editor can connect to it. Ask a node with ROLE=all for the test, or run "formloom loadtest" against one with ROLE=sync.',
      );
    }
    if (this.#running !== undefined) throw new Problem('conflict', 'A load test is running on this node.');
    const scenario = scenarioOf(request, this.options.defaults);
    if (scenario.connections * scenario.edits > MAX_EDITS) {
      const message = `connections times edits are at most ${MAX_EDITS}`;
      throw new Problem('validation_failed', message, { errors: [{ path: 'edits', message }] });
    }
    const { connections, edits, seconds } = scenario;
    const run: LoadTestRun = {
      ...{ id: uuidv7(), scenario: request.scenario, connections, edits, seconds, state: 'running', progress: 0 },
      ...{ startedBy: principal.id, startedAt: this.options.clock(), endedAt: null },
      ...{ phases: [], criteria: [], isPassed: null, error: null },
    };
    this.#running = run;
    this.#ended = this.#run(run, scenario, target);
    return { ...run };
  }

  /** Newest first. */
  async list(limit: number, cursor: string | undefined): Promise<{ data: LoadTestRun[]; nextCursor: string | null }> {
    const data = this.#running !== undefined && cursor === undefined ? [{ ...this.#running }] : [];
    const after = cursor === undefined ? {} : { after: [PREFIX, cursor] as const };
    for await (const { value } of this.options.records.scan([PREFIX], { reverse: true, ...after })) {
      if (data.length === limit) return { data, nextCursor: data.at(-1)?.id ?? null };
      data.push(decode(value));
    }
    return { data, nextCursor: null };
  }

  /** @throws Problem `not_found` */
  async get(id: string): Promise<LoadTestRun> {
    if (this.#running?.id === id) return { ...this.#running };
    const record = await this.options.records.get([PREFIX, id]);
    if (record === undefined) throw new Problem('not_found', `There is no load test "${id}".`);
    return decode(record.value);
  }

  /** Ends what runs; it is kept as failed. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#ended;
  }

  async #run(run: LoadTestRun, scenario: Scenario, target: LoadTestTarget): Promise<void> {
    const { logger, clock, records } = this.options;
    try {
      run.phases = await this.#phases(run, scenario, target);
      run.criteria = criteriaOn(run.phases, scenario);
      run.isPassed = run.criteria.every(({ isMet }) => isMet);
      run.state = this.#closing.signal.aborted ? 'failed' : 'done';
      if (run.state === 'failed') run.error = 'the server stopped';
    } catch (error) {
      logger.error({ err: error, loadTest: run.id }, 'a load test failed');
      run.state = 'failed';
      run.error = 'it could not be run to its end; the log of the server says why';
    }
    run.progress = 1;
    run.endedAt = clock();
    try {
      await records.put([PREFIX, run.id], Buffer.from(JSON.stringify(run)), { expiresAt: run.endedAt + KEPT_MS });
    } catch (error) {
      logger.warn({ err: error, loadTest: run.id }, 'the report of a load test could not be kept');
    }
    this.#running = undefined;
  }

  async #phases(run: LoadTestRun, scenario: Scenario, target: LoadTestTarget): Promise<PhaseReport[]> {
    const { rooms, tuner, settings } = this.options;
    const names = run.scenario === 'optimization' ? (['off', 'auto'] as const) : ([undefined] as const);
    const reports: PhaseReport[] = [];
    for (const [at, mode] of names.entries()) {
      if (mode !== undefined) tuner.configure(mode, settings.tunerSettings.bounds, settings.tunerSettings.targets);
      // Its own: taking readings of the tuner's would cut its rounds short.
      const gauge = new NodeGauge({ queueShare: () => 0 });
      try {
        const report = await runPhase({
          ...{ name: mode === undefined ? run.scenario : `tuner ${mode}`, scenario, rooms, gauge, ...target },
          folder: `${PREFIX}/${run.id}/${at}`,
          signal: this.#closing.signal,
          onProgress: (share) => (run.progress = (at + share) / names.length),
        });
        reports.push(report);
      } finally {
        gauge.close();
        // Back to what the operator wants, which may have changed meanwhile.
        if (mode !== undefined) settings.applyTuner();
      }
    }
    return reports;
  }
}

function criteriaOn(
  phases: readonly PhaseReport[],
  { minSuccessShare, connections }: Scenario,
): LoadTestRun['criteria'] {
  const worst = (of: (phase: PhaseReport) => number): number => Math.max(...phases.map(of));
  const success = Math.min(...phases.map(({ successShare }) => successShare));
  const latency = worst(({ latencyMs }) => latencyMs.mean);
  const [cpu, memory] = [worst(({ cpuShare }) => cpuShare), worst(({ memoryShare }) => memoryShare)];
  const messages = Math.min(...phases.map(({ messagesPerMinute }) => messagesPerMinute));
  const throughput = {
    ...{ what: 'messages a minute', wanted: `at least ${MIN_MESSAGES_PER_MINUTE}`, got: messages },
    isMet: messages >= MIN_MESSAGES_PER_MINUTE,
  };
  return [
    { what: 'success', wanted: `at least ${minSuccessShare}`, got: success, isMet: success >= minSuccessShare },
    { what: 'mean latency in ms', wanted: `below ${MAX_MEAN_MS}`, got: latency, isMet: latency < MAX_MEAN_MS },
    { what: 'processor', wanted: `below ${MAX_CPU_SHARE}`, got: cpu, isMet: cpu < MAX_CPU_SHARE },
    { what: 'memory', wanted: `below ${MAX_MEMORY_SHARE}`, got: memory, isMet: memory < MAX_MEMORY_SHARE },
    ...(connections < BUSY_CONNECTIONS ? [] : [throughput]),
  ];
}

const decode = (value: Uint8Array): LoadTestRun => runSchema.parse(JSON.parse(Buffer.from(value).toString()));
