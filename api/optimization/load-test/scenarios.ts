/** What a load test does, and what counts as passed. */
import { z } from 'zod';

export const SCENARIOS = ['basic', 'concurrency', 'queue', 'sustained', 'optimization'] as const;
export type ScenarioName = (typeof SCENARIOS)[number];

export interface Scenario {
  readonly connections: number;
  /** That each connection makes. */
  readonly edits: number;
  /** Over which the edits are spread. */
  readonly seconds: number;
  /** Of the connections: connected, synced, and with everything that they should have. */
  readonly minSuccessShare: number;
}

/** `LOAD_TEST_CONNECTIONS` and `LOAD_TEST_DURATION`. */
export interface LoadTestDefaults {
  readonly connections: number;
  readonly durationMs: number;
}

/** The server is in use meanwhile. */
const MAX_CONNECTIONS = 500;
export const MAX_EDITS = 20_000;
const MAX_SECONDS = 120;

export const loadTestRequest = z
  .strictObject({
    scenario: z.enum(SCENARIOS),
    connections: z.int().min(1).max(MAX_CONNECTIONS).optional(),
    edits: z.int().min(1).max(1_000).optional().describe('By each connection.'),
    seconds: z.number().min(0.1).max(MAX_SECONDS).optional().describe('Over which the edits are spread.'),
  })
  .describe('What is left out is as the scenario has it.');
export type LoadTestRequest = z.infer<typeof loadTestRequest>;

export function scenarioOf(
  { scenario, connections, edits, seconds }: LoadTestRequest,
  defaults: LoadTestDefaults,
): Scenario {
  const base = scenarios(defaults)[scenario];
  return {
    connections: connections ?? base.connections,
    edits: edits ?? base.edits,
    seconds: seconds ?? base.seconds,
    minSuccessShare: base.minSuccessShare,
  };
}

function scenarios({ connections, durationMs }: LoadTestDefaults): Readonly<Record<ScenarioName, Scenario>> {
  const seconds = Math.min(MAX_SECONDS, durationMs / 1_000);
  return {
    basic: { connections: Math.min(MAX_CONNECTIONS, connections), edits: 10, seconds, minSuccessShare: 0.95 },
    concurrency: { connections: 500, edits: 4, seconds, minSuccessShare: 0.9 },
    queue: { connections: 200, edits: 50, seconds: 10, minSuccessShare: 0.95 },
    sustained: { connections: 300, edits: 60, seconds: 120, minSuccessShare: 0.95 },
    optimization: { connections: 400, edits: 10, seconds, minSuccessShare: 0.9 },
  };
}
