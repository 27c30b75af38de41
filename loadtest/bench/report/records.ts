import type { Outcome, Scenario } from '../scenarios/scenario.js';
import type { ServerName } from '../servers/server.js';
import type { HotFunction } from './cpu-profile.js';

/** One run of a scenario against a server. */
export interface RunRecord {
  readonly server: ServerName;
  readonly repetition: number;
  readonly outcome?: Outcome;
  /** Why there is no outcome. */
  readonly failure?: string;
}

/** All runs of one scenario. */
export interface ScenarioRecord {
  readonly scenario: Scenario;
  readonly servers: readonly { readonly name: ServerName; readonly title: string }[];
  readonly runs: readonly RunRecord[];
  /** The servers of a repetition ran at the same time, and shared their core. */
  readonly isAtOnce: boolean;
  /** Where Formloom's CPU time went, the hottest first. */
  readonly profile: readonly HotFunction[] | undefined;
}
