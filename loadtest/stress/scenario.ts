/** A stress scenario: what it does to a server of its own, what it measures, and from where on that is not good enough. */
import type { LoadNetwork } from '../load/clients/load-socket.js';
import type { StressServer, StressServerOptions } from './stress-server.js';

export interface Figure {
  readonly label: string;
  readonly value: number;
  readonly unit: string;
  /** The value must stay below this; absent for what is told alone. */
  readonly below?: number;
}

export interface Outcome {
  /** The first one stands for the scenario. */
  readonly figures: readonly Figure[];
  /** What was lost, wrong, or must not happen; none when all is well. */
  readonly problems: readonly string[];
}

export interface StressContext {
  readonly network: LoadNetwork;
  /** A tenth of the load, for a first look. */
  readonly isQuick: boolean;
  /** The whole number, or a tenth of it when it is to be quick. */
  readonly scaled: (count: number) => number;
  readonly start: (options?: StressServerOptions) => Promise<StressServer>;
  /** What goes on, for whoever watches. */
  readonly say: (line: string) => void;
}

export interface Scenario {
  readonly id: string;
  readonly title: string;
  run(context: StressContext): Promise<Outcome>;
}

export const MEBIBYTE = 1024 * 1024;
