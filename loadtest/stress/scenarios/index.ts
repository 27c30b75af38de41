import type { Scenario } from '../scenario.js';
import { cursors } from './cursors.js';
import { fanOut } from './fan-out.js';
import { fuzzedFrames } from './fuzzed-frames.js';
import { giantJoin } from './giant-join.js';
import { joinStorm } from './join-storm.js';
import { opensAndCloses } from './opens-and-closes.js';
import { reconnectStorm } from './reconnect-storm.js';
import { rooms } from './rooms.js';
import { slowStore } from './slow-store.js';
import { stalledReader } from './stalled-reader.js';

/** In the order in which they run. */
export const SCENARIOS: readonly Scenario[] = [
  fanOut,
  rooms,
  joinStorm,
  cursors,
  reconnectStorm,
  stalledReader,
  slowStore,
  opensAndCloses,
  giantJoin,
  fuzzedFrames,
];
