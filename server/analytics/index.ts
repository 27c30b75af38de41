/** What analytics counts, how it is counted, and what it adds up to. */
export { countOf } from './distinct.js';
export { EditCounter } from './edit-counter.js';
export { EditMarks } from './edit-marks.js';
export { EditRecount } from './edit-recount.js';
export type { Fact, Look, SheetFact } from './fact.js';
export { FactLog } from './fact-log.js';
export { LiveBoard, type LiveForm } from './live-board.js';
export type { Bucket, Place, UserActivity } from './rollup.js';
export { RollupStore, STEPS, type Step } from './rollup-store.js';
export { RollupWorker } from './rollup-worker.js';
export { medianOf } from './spread.js';
