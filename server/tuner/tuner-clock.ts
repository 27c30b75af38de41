/** Rounds of the tuner in real time: one every ten seconds, and whenever somebody asks. */
import type { Logger } from 'pino';
import type { NodeGauge } from './node-gauge.js';
import type { Reading } from './reading.js';
import type { Round, Tuner, TunerStep } from './tuner.js';

export interface TunerClockOptions {
  readonly tuner: Tuner;
  readonly gauge: Pick<NodeGauge, 'take'>;
  readonly logger: Logger;
  /** A step was judged. Must not throw. */
  readonly onStep: (step: TunerStep) => void;
  readonly everyMs?: number;
}

export interface MeasuredRound extends Round {
  readonly reading: Reading;
  /** Unix time in milliseconds. */
  readonly at: number;
}

export class TunerClock {
  static readonly everyMs = 10_000;
  #timer: NodeJS.Timeout | undefined;
  #last: MeasuredRound | undefined;

  constructor(private readonly options: TunerClockOptions) {}

  get last(): MeasuredRound | undefined {
    return this.#last;
  }

  start(): void {
    this.#timer = setInterval(() => this.run(), this.options.everyMs ?? TunerClock.everyMs);
    this.#timer.unref();
  }

  /** One round now, over the time since the last. The next by itself comes a whole interval later. */
  run(): MeasuredRound {
    const { tuner, gauge, logger, onStep } = this.options;
    this.#timer?.refresh();
    const reading = gauge.take();
    const round = { ...tuner.run(reading), reading, at: Date.now() };
    this.#last = round;
    if (round.judged !== undefined) {
      const { knob, from, to, outcome } = round.judged;
      logger.info({ knob, from, to, outcome, objective: round.objective }, 'the tuner judged a step');
      onStep(round.judged);
    }
    return round;
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
