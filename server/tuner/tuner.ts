/**
 * Turns the knobs of a node, one step at a time, and keeps a step only if it made things better.
 *
 *   objective   load of the reading + the price of every knob that is away from its home. Lower is better
 *   loaded      the next knob goes one step in its direction of relief
 *   on trial    rounds with the step and without it take turns: before, with, without, with, without … up to four times.
 *               Kept when the rounds with the step are better than their neighbours without by clearly more than rounds
 *               differ by themselves; taken back when they are not, at once when the first is worse by so much. So a load
 *               that falls by itself, or neighbours on the machine, are not put down to the step
 *   well        a knob that was turned goes one step back: kept when the node stays well without it
 *
 * A knob that was right goes twice as far next time; one that was wrong rests, and begins with a small step again.
 *
 * Pure: time comes as rounds, readings come as arguments, and the knobs are all it touches.
 */
import { median, middle, type Felt } from './felt.js';
import type { Knob, KnobBounds, Knobs } from './knob.js';
import { load, type Reading, type Targets } from './reading.js';

export const TUNER_MODES = ['off', 'advise', 'auto'] as const;
export type TunerMode = (typeof TUNER_MODES)[number];

export interface KnobState {
  readonly name: string;
  readonly description: string;
  readonly value: number;
  /** Where it stands when nobody tunes. */
  readonly initial: number;
  readonly min: number;
  readonly max: number;
}

/** A step that was judged. */
export interface TunerStep {
  readonly knob: string;
  readonly from: number;
  readonly to: number;
  readonly outcome: 'kept' | 'taken back';
  /** The rounds without the step, their median where there are several. */
  readonly before: Felt;
  /** The rounds with it. */
  readonly after: Felt;
}

export interface Advice {
  readonly knob: string;
  readonly from: number;
  readonly to: number;
  readonly because: 'loaded' | 'well';
}

export interface Round {
  readonly objective: number;
  /** The step of the round before, judged. */
  readonly judged: TunerStep | undefined;
  /** What was turned in this round (`auto`), or what should be (`advise`). */
  readonly advice: Advice | undefined;
}

/** A step that is being judged. */
export interface TrialState {
  readonly knob: string;
  readonly from: number;
  readonly to: number;
  /** Whether this round is one with the step. */
  readonly isInPlace: boolean;
}

interface Trial {
  readonly knob: Knob;
  readonly from: number;
  readonly to: number;
  /** Rounds without the step, the first before it. */
  readonly without: Felt[];
  /** Rounds with it: as many, or one less while it is out. */
  readonly with: Felt[];
}

/** Steps from one end of the bounds to the other. */
const STEPS = 4;
/** Of a knob at the far end of its bounds: as much as a loop that is 4 ms later. */
const PRICE = 0.05;
/** Turns of a trial, each a round with the step and one without. When so many agree, a gain is believed. */
const MAX_TURNS = 4;
/** Times what rounds differ by themselves, over the square root of the turns: a gain above it is hardly chance … */
const SURE = 3;
/** … which one turn alone shows only when it is as large as this. */
const SURE_AT_ONCE = 3.5;
/** Less than this is nothing, whatever the noise. */
const MIN_GAIN = 0.004;
const MIN_GAIN_SHARE = 0.02;
/** Differences between rounds that are remembered: their median is what rounds differ by themselves. */
const REMEMBERED = 15;
/** Of the bounds: the longest step. */
const MAX_STEP_SHARE = 0.5;
/** Rounds that a knob is left alone after a step was taken back. */
const REST_ROUNDS = 6;

export class Tuner {
  mode: TunerMode = 'off';
  readonly #initial: ReadonlyMap<string, number>;
  readonly #restsUntil = new Map<string, number>();
  /** Steps of an eighth that the next step of a knob has. */
  readonly #strides = new Map<string, number>();
  /** By how much the objective differed between rounds with the same knobs, the last ones. */
  readonly #differences: number[] = [];
  #bounds: Readonly<Record<string, KnobBounds>> = {};
  #targets: Targets = {};
  #trial: Trial | undefined;
  #round = 0;
  #next = 0;

  constructor(private readonly knobs: Knobs) {
    this.#initial = new Map(knobs.map((knob) => [knob.name, knob.get()]));
  }

  /** Leaving `auto` takes back a step that is on trial. Values outside of new bounds are brought in. */
  configure(mode: TunerMode, bounds: Readonly<Record<string, KnobBounds>>, targets: Targets = {}): void {
    if (mode !== 'auto') this.#takeBack();
    this.mode = mode;
    this.#targets = targets;
    this.#bounds = bounds;
    if (mode !== 'auto') return;
    for (const knob of this.knobs) {
      // Without bounds of its own a knob may stand where the configuration put it.
      if (bounds[knob.name] === undefined) continue;
      const { min, max } = this.#boundsOf(knob);
      const value = knob.get();
      if (value < min || value > max) knob.set(Math.min(max, Math.max(min, value)));
    }
  }

  state(): KnobState[] {
    return this.knobs.map((knob) => {
      const { name, description } = knob;
      return { name, description, value: knob.get(), initial: this.#initialOf(knob), ...this.#boundsOf(knob) };
    });
  }

  /** Undefined when no step is being judged. */
  get trial(): TrialState | undefined {
    if (this.#trial === undefined) return undefined;
    const { knob, from, to } = this.#trial;
    return { knob: knob.name, from, to, isInPlace: isInPlace(this.#trial) };
  }

  /** One round, with what was felt since the last. `off`: looks, touches nothing, advises nothing. */
  run(reading: Reading): Round {
    this.#round += 1;
    const objective = this.objective(reading);
    if (this.mode === 'off') return { objective, judged: undefined, advice: undefined };
    const trial = this.#trial;
    // Somebody else has turned it meanwhile: theirs counts.
    if (trial === undefined || trial.knob.get() !== (isInPlace(trial) ? trial.to : trial.from)) {
      return { objective, judged: undefined, advice: this.#step(reading, objective) };
    }
    this.#trial = undefined;
    const felt = { ...reading, objective };
    const judged = isInPlace(trial) ? this.#judgeStep(trial, felt) : this.#judgeTurns(trial, felt);
    // What was felt with other knobs than now is nothing to compare the next step with.
    const isFelt = judged !== undefined && trial.knob.get() === (isInPlace(trial) ? trial.to : trial.from);
    return { objective, judged, advice: isFelt ? this.#step(reading, objective) : undefined };
  }

  /** Turns the next knob (`auto`), or says which it would be. */
  #step(reading: Reading, objective: number): Advice | undefined {
    const advice = this.#choose(reading);
    const knob = this.knobs.find(({ name }) => name === advice?.knob);
    if (this.mode === 'auto' && advice !== undefined && knob !== undefined) {
      this.#trial = { knob, from: advice.from, to: advice.to, without: [{ ...reading, objective }], with: [] };
      knob.set(advice.to);
    }
    return advice;
  }

  objective(reading: Reading): number {
    const prices = this.knobs.map((knob) => {
      const { min, max } = this.#boundsOf(knob);
      return max === min ? 0 : (PRICE * Math.abs(knob.get() - this.#initialOf(knob))) / (max - min);
    });
    return prices.reduce((sum, price) => sum + price, load(reading, this.#targets));
  }

  /** After a round with the step. Undefined when it takes another round without it to know. */
  #judgeStep(trial: Trial, felt: Felt): TunerStep | undefined {
    const { knob, from, to, without } = trial;
    const before = without.at(-1) ?? felt;
    const home = this.#initialOf(knob);
    if (Math.abs(to - home) < Math.abs(from - home)) {
      // On the way back the price falls by itself: it is enough that the load does not rise.
      return felt.objective < before.objective ? this.#keep(trial, before, felt) : this.#refuse(trial, before, felt);
    }
    const loss = felt.objective - before.objective;
    const isHarmful = trial.with.length === 0 && loss >= 0 && loss >= SURE * this.#noise();
    if (isHarmful) return this.#refuse(trial, before, felt);
    knob.set(from);
    this.#trial = { ...trial, with: [...trial.with, felt] };
    return undefined;
  }

  /** After a round without the step that follows one with it. Undefined when it takes another turn to know. */
  #judgeTurns(trial: Trial, felt: Felt): TunerStep | undefined {
    const difference = Math.abs(felt.objective - (trial.without.at(-1)?.objective ?? felt.objective));
    this.#differences.push(difference);
    if (this.#differences.length > REMEMBERED) this.#differences.shift();
    const without = [...trial.without, felt];
    // Their middles lie at the same moment: a load that rises or falls evenly is the same for both.
    const [before, after] = [middle(without), middle(trial.with)];
    const turns = trial.with.length;
    const gain = before.objective - after.objective;
    const needed = Math.max(MIN_GAIN, before.objective * MIN_GAIN_SHARE);
    const noise = this.#noise();
    const sure = turns === 1 ? SURE_AT_ONCE * Math.max(noise, difference) : (SURE * noise) / Math.sqrt(turns);
    const doAgree = trial.with.every(({ objective }, i) =>
      without.slice(i, i + 2).every((neighbour) => objective < neighbour.objective),
    );
    if (gain >= needed && (gain >= sure || (turns === MAX_TURNS && doAgree))) {
      trial.knob.set(trial.to);
      return this.#keep(trial, before, after);
    }
    if (gain < needed || turns === MAX_TURNS) return this.#refuse(trial, before, after);
    trial.knob.set(trial.to);
    this.#trial = { ...trial, without };
    return undefined;
  }

  #noise(): number {
    return median(this.#differences);
  }

  #keep({ knob, from, to }: Trial, before: Felt, after: Felt): TunerStep {
    this.#strides.set(knob.name, this.#strideOf(knob) * 2);
    return { knob: knob.name, from, to, outcome: 'kept', before, after };
  }

  #refuse({ knob, from, to }: Trial, before: Felt, after: Felt): TunerStep {
    knob.set(from);
    this.#strides.delete(knob.name);
    this.#restsUntil.set(knob.name, this.#round + REST_ROUNDS);
    return { knob: knob.name, from, to, outcome: 'taken back', before, after };
  }

  #takeBack(): void {
    const trial = this.#trial;
    this.#trial = undefined;
    if (trial !== undefined && isInPlace(trial) && trial.knob.get() === trial.to) trial.knob.set(trial.from);
  }

  #choose(reading: Reading): Advice | undefined {
    const isLoaded = load(reading, this.#targets) > 0;
    for (let offset = 0; offset < this.knobs.length; offset += 1) {
      const index = (this.#next + offset) % this.knobs.length;
      const knob = this.knobs[index];
      if (knob === undefined || (this.#restsUntil.get(knob.name) ?? 0) > this.#round) continue;
      const from = knob.get();
      const to = isLoaded ? this.#towardsRelief(knob) : this.#towardsInitial(knob);
      // The way home is always open.
      if (to === from || (isLoaded && knob.isFelt?.() === false)) continue;
      // The same knob again as long as it helps; then the next.
      this.#next = index;
      return { knob: knob.name, from, to, because: isLoaded ? 'loaded' : 'well' };
    }
    return undefined;
  }

  #towardsRelief(knob: Knob): number {
    const { min, max } = this.#boundsOf(knob);
    const step = stepOf(knob, min, max, this.#strideOf(knob));
    const value = knob.get();
    if (knob.relief === 'up') return Math.max(value, Math.min(max, value + step));
    return Math.min(value, Math.max(min, value - step));
  }

  #towardsInitial(knob: Knob): number {
    const { min, max } = this.#boundsOf(knob);
    const step = stepOf(knob, min, max, this.#strideOf(knob));
    const initial = Math.min(Math.max(this.#initialOf(knob), min), max);
    const value = knob.get();
    return value < initial ? Math.min(initial, value + step) : Math.max(initial, value - step);
  }

  #strideOf(knob: Knob): number {
    return this.#strides.get(knob.name) ?? 1;
  }

  #initialOf(knob: Knob): number {
    return knob.home?.() ?? this.#initial.get(knob.name) ?? knob.get();
  }

  #boundsOf(knob: Knob): { min: number; max: number } {
    const bounds = this.#bounds[knob.name] ?? {};
    const min = Math.max(knob.min, bounds.min ?? knob.min);
    return { min, max: Math.max(min, Math.min(knob.max, bounds.max ?? knob.max)) };
  }
}

function stepOf({ isInteger }: Knob, min: number, max: number, stride: number): number {
  const step = (max - min) * Math.min(MAX_STEP_SHARE, stride / STEPS);
  return isInteger ? Math.max(1, Math.round(step)) : step;
}

const isInPlace = (trial: Trial): boolean => trial.with.length < trial.without.length;
