/** The tuner: reads how the node feels, and turns its knobs one step at a time. */
export type { Knob, KnobBounds, Knobs } from './knob.js';
export { NodeGauge, type NodeGaugeSources } from './node-gauge.js';
export { COMFORT, excess, READINGS, type Reading, type Targets } from './reading.js';
export {
  Tuner,
  TUNER_MODES,
  type Advice,
  type KnobState,
  type Round,
  type TunerMode,
  type TrialState,
  type TunerStep,
} from './tuner.js';
export { TunerClock, type MeasuredRound } from './tuner-clock.js';
