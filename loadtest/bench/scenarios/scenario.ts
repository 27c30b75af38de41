/** A scenario puts one load on one server and says what it cost. */
import type { LoadNetwork } from '../../load/clients/load-socket.js';
import type { PhaseUsage } from '../../load/measuring/meter.js';
import type { RunningServer, StartOptions } from '../servers/launcher.js';
import type { ServerAdapter, ServerName } from '../servers/server.js';

export interface Figure {
  readonly id: string;
  readonly label: string;
  readonly unit: string;
}

export interface Content {
  /** Deliveries (or joins, or states) that had to arrive. */
  expected: number;
  delivered: number;
  /** Clocks that arrived more than once: harmless to Yjs, but bytes for nothing. */
  duplicates: number;
  /** What was lost or wrong. */
  problems: string[];
}

export interface Outcome {
  /** By the ids of the scenario's figures; a figure that a server has not is left out. */
  readonly figures: Readonly<Record<string, number>>;
  readonly content: Content;
  /** Of the measured phase, where there is one. */
  readonly usage?: PhaseUsage;
}

export interface RunContext {
  readonly adapter: ServerAdapter;
  readonly network: LoadNetwork;
  /** Shorter phases for a first look; the figures are rougher. */
  readonly isQuick: boolean;
  readonly start: (options?: StartOptions) => Promise<RunningServer>;
}

export interface Scenario {
  readonly id: string;
  readonly title: string;
  /** Standard ones run by default, big ones on request. */
  readonly group: 'standard' | 'big';
  /** What one run does, in a sentence or two. */
  readonly description: string;
  /** Compared by default. */
  readonly servers: readonly ServerName[];
  /** The first one is drawn. */
  readonly figures: readonly Figure[];
  run(context: RunContext): Promise<Outcome>;
}

const MICROSECONDS = 1e6;

/** CPU time per unit of work, in µs. */
export const perUnitUs = (cpuSeconds: number, units: number): number => (cpuSeconds * MICROSECONDS) / units;

export const MEBIBYTE = 1024 * 1024;
