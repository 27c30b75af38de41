/** The five scenarios of the load test: what is asked of the server, and what has to come of it. */

export interface ScenarioSettings {
  /** LOAD_TEST_CONNECTIONS: of the basic scenario; the others are in proportion to it (100: as they are named). */
  readonly connections: number;
  /** LOAD_TEST_DURATION: how long the basic scenario types, in milliseconds; the sustained one four times as long. */
  readonly durationMs: number;
}

export interface LoadScenario {
  readonly name: string;
  readonly title: string;
  readonly connections: number;
  /** People in a document. All of them type, and each is to get what the others type. */
  readonly perRoom: number;
  /** Edits of each connection. */
  readonly edits: number;
  /** Over how long they are spread. */
  readonly durationMs: number;
  /** Share of connections (0–1) that must have been synced and have got every edit. */
  readonly threshold: number;
  /** Run twice, with the tuner off and on, and compared. */
  readonly isCompared: boolean;
}

/** A person types about so many keystrokes a second while they type. */
const EDITS_PER_SECOND = 1;

export function loadScenarios({ connections, durationMs }: ScenarioSettings): LoadScenario[] {
  const of100 = (count: number): number => Math.max(2, Math.round((connections * count) / 100));
  const editsIn = (ms: number): number => Math.max(1, Math.round((ms / 1_000) * EDITS_PER_SECOND));
  const paced = { perRoom: 10, durationMs, edits: editsIn(durationMs), isCompared: false };
  return [
    { ...paced, name: 'basic', title: 'Basic', connections: of100(100), threshold: 0.95 },
    { ...paced, name: 'concurrency', title: 'Concurrency', connections: of100(500), threshold: 0.9 },
    {
      ...paced,
      ...{ name: 'queue', title: 'Queue stress', connections: of100(200), threshold: 0.9 },
      // Five times as fast as a person types.
      ...{ edits: 50, durationMs: durationMs / 3 },
    },
    {
      ...paced,
      ...{ name: 'sustained', title: 'Sustained', connections: of100(300), threshold: 0.95 },
      ...{ durationMs: durationMs * 4, edits: editsIn(durationMs * 4) },
    },
    {
      ...paced,
      name: 'optimization',
      title: 'Optimization',
      connections: of100(400),
      threshold: 0.9,
      isCompared: true,
    },
  ];
}

export const SCENARIO_NAMES = loadScenarios({ connections: 100, durationMs: 30_000 }).map(({ name }) => name);
