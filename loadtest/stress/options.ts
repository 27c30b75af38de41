/** What the command line of the stress test asks for. */
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Scenario } from './scenario.js';
import { SCENARIOS } from './scenarios/index.js';

export interface StressOptions {
  readonly scenarios: readonly Scenario[];
  readonly isQuick: boolean;
  readonly isJson: boolean;
  /** The built `main.js` of Formloom. */
  readonly formloomMain: string;
}

/** The arguments make no sense; the message says which. */
export class UsageError extends Error {}

export const HELP = `npm run test:stress -- [options]

Puts Formloom under loads that break servers, each against a server process of its own on this machine. One line for
each scenario on standard output, with its figures and the verdict; progress on standard error. Takes about 15 minutes.

  --scenario a,b     scenarios to run (default: all)
  --quick            a tenth of each load, for a first look
  --json             one JSON object instead of the lines
  --formloom FILE    built main.js to stress (default dist/cli/main.js)
  --help             this text

Scenarios:
${SCENARIOS.map(({ id, title }) => `  ${id.padEnd(17)}${title}`).join('\n')}

Exit code: 0 when all passed, 1 when one did not, 2 for wrong usage. Needs Linux, gcc for slow-store, 12,000 open files
(ulimit -n) for reconnect-storm, and an otherwise quiet machine for latencies that mean something.
`;

/** Undefined when help is asked for. @throws UsageError */
export function parseOptions(args: readonly string[], root: string): StressOptions | undefined {
  const values = parse(args);
  if (values.help === true) return undefined;
  return {
    scenarios: values.scenario === undefined ? SCENARIOS : values.scenario.split(',').map(asScenario),
    isQuick: values.quick === true,
    isJson: values.json === true,
    formloomMain: path.resolve(values.formloom ?? path.join(root, 'dist/cli/main.js')),
  };
}

interface Given {
  readonly scenario?: string | undefined;
  readonly quick?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly formloom?: string | undefined;
  readonly help?: boolean | undefined;
}

function parse(args: readonly string[]): Given {
  try {
    return parseArgs({
      args: [...args],
      options: {
        scenario: { type: 'string' },
        quick: { type: 'boolean' },
        json: { type: 'boolean' },
        formloom: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function asScenario(id: string): Scenario {
  const scenario = SCENARIOS.find((one) => one.id === id.trim().toLowerCase());
  if (scenario === undefined) {
    throw new UsageError(`no scenario "${id}"; there are ${SCENARIOS.map((one) => one.id).join(', ')}`);
  }
  return scenario;
}
