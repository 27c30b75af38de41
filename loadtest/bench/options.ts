/** What the command line of the benchmark asks for. */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { SCENARIOS } from './scenarios/index.js';
import type { Scenario } from './scenarios/scenario.js';
import { SERVER_NAMES } from './servers/adapters.js';
import type { ServerName } from './servers/server.js';

export interface BenchmarkOptions {
  readonly scenarios: readonly Scenario[];
  /** Undefined: those that each scenario names. */
  readonly servers: readonly ServerName[] | undefined;
  readonly repetitions: number;
  readonly isQuick: boolean;
  /** One more run of Formloom for each scenario, with a CPU profile; its figures are not counted. */
  readonly isProfiled: boolean;
  /** The built `main.js` of Formloom. */
  readonly formloomMain: string;
  /** Another build's, to be measured at the same time on the same cores; then no other server runs. */
  readonly besideMain: string | undefined;
  /** Where results go. */
  readonly outputFolder: string;
}

/** The arguments make no sense; the message says which. */
export class UsageError extends Error {}

const DEFAULT_REPETITIONS = 3;

export const HELP = `formloom bench [options]        in a checkout also: npm run bench -- [options]

Compares Formloom with other servers: CPU time of the server per unit of work.

  --scenario S1,S2    scenarios to run (default: all but the big ones)
  --servers a,b       servers to compare (default: those that the scenario names)
  --reps N            runs of each pair, taken in turns (default ${DEFAULT_REPETITIONS})
  --quick             shorter runs, for a first look
  --profile           one more run of Formloom for each scenario, with a CPU profile
  --formloom FILE     built main.js to measure (default dist/cli/main.js)
  --beside FILE       another build's main.js: both get the same load at the same time, on the same cores, and no other
                      server runs. Whatever else the machine does meets both, so small differences show.
  --output FOLDER     where the JSON and the HTML page go (default loadtest/results)
  --help              this text

Scenarios:
${SCENARIOS.map(({ id, title, group }) => `  ${id.padEnd(14)}${title}${group === 'big' ? ' [big]' : ''}`).join('\n')}

Servers: ${SERVER_NAMES.join(', ')}

Needs Linux and two cores. The other servers are installed into loadtest/bench/peers/node_modules when they are first
used.
`;

/** Undefined when help is asked for. @throws UsageError */
export function parseOptions(args: readonly string[], root: string): BenchmarkOptions | undefined {
  const values = parse(args);
  if (values.help === true) return undefined;
  if (values.beside !== undefined && values.servers !== undefined) {
    throw new UsageError('--beside measures two builds of Formloom and nothing else: leave --servers out');
  }
  return {
    scenarios: chosenScenarios(values.scenario),
    servers: values.servers === undefined ? undefined : names(values.servers).map(asServer),
    repetitions: values.reps === undefined ? DEFAULT_REPETITIONS : asCount(values.reps),
    isQuick: values.quick === true,
    isProfiled: values.profile === true,
    formloomMain: path.resolve(values.formloom ?? path.join(root, 'dist/cli/main.js')),
    besideMain: values.beside === undefined ? undefined : path.resolve(values.beside),
    outputFolder: path.resolve(values.output ?? 'loadtest/results'),
  };
}

interface Given {
  readonly scenario?: string | undefined;
  readonly servers?: string | undefined;
  readonly reps?: string | undefined;
  readonly quick?: boolean | undefined;
  readonly profile?: boolean | undefined;
  readonly formloom?: string | undefined;
  readonly beside?: string | undefined;
  readonly output?: string | undefined;
  readonly help?: boolean | undefined;
}

function parse(args: readonly string[]): Given {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        scenario: { type: 'string' },
        servers: { type: 'string' },
        reps: { type: 'string' },
        quick: { type: 'boolean' },
        profile: { type: 'boolean' },
        formloom: { type: 'string' },
        beside: { type: 'string' },
        output: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    return values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

const names = (list: string): string[] => list.toLowerCase().split(',').filter(Boolean);

function chosenScenarios(list: string | undefined): readonly Scenario[] {
  if (list === undefined) return SCENARIOS.filter(({ group }) => group === 'standard');
  return names(list).map((id) => {
    const scenario = SCENARIOS.find((one) => one.id === id);
    if (scenario === undefined) {
      throw new UsageError(`no scenario "${id}"; there are ${SCENARIOS.map((one) => one.id).join(', ')}`);
    }
    return scenario;
  });
}

function asServer(name: string): ServerName {
  const server = SERVER_NAMES.find((one) => one === name);
  if (server === undefined) throw new UsageError(`no server "${name}"; there are ${SERVER_NAMES.join(', ')}`);
  return server;
}

function asCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 100)
    throw new UsageError(`--reps must be 1 to 100, not "${text}"`);
  return count;
}
