/**
 * Turns the knobs of a node, one step at a time, and keeps a step only if it made things better.
 *
 *   objective   load of the reading + the price of every knob that is away from its home. Lower is better
 *   loaded      the next knob goes one step in its direction of relief
 *   well        a knob that was turned goes one step back: kept when the node stays well without it
 *   on trial    the round after a step compares: kept when the objective fell, else taken back, and the knob rests
 *
 * Pure: time comes as rounds, readings come as arguments, and the knobs are all it touches.
 */
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
  readonly before: Reading & { readonly objective: number };
  readonly after: Reading & { readonly objective: number };
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

interface Trial {
  readonly knob: Knob;
  readonly from: number;
  readonly to: number;
  readonly before: Reading & { readonly objective: number };
}

/** Steps from one end of the bounds to the other. */
const STEPS = 8;
/** Of a knob at the far end of its bounds: as much as a loop that is 4 ms later. */
const PRICE = 0.05;
/** Less than this is noise. */
const MIN_GAIN = 0.004;
const MIN_GAIN_SHARE = 0.02;
/** Rounds that a knob is left alone after a step was taken back. */
const REST_ROUNDS = 6;

export class Tuner {
  mode: TunerMode = 'off';
  readonly #initial: ReadonlyMap<string, number>;
  readonly #restsUntil = new Map<string, number>();
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

  /** One round, with what was felt since the last. `off`: looks, touches nothing, advises nothing. */
  run(reading: Reading): Round {
    this.#round += 1;
    const objective = this.objective(reading);
    if (this.mode === 'off') return { objective, judged: undefined, advice: undefined };
    const judged = this.#judge(reading, objective);
    if (judged?.outcome === 'taken back') {
      // What was felt was felt with the step in place: the next reading is the first without it.
      return { objective, judged, advice: undefined };
    }
    const advice = this.#choose(reading);
    const knob = this.knobs.find(({ name }) => name === advice?.knob);
    if (this.mode === 'auto' && advice !== undefined && knob !== undefined) {
      this.#trial = { knob, from: advice.from, to: advice.to, before: { ...reading, objective } };
      knob.set(advice.to);
    }
    return { objective, judged, advice };
  }

  objective(reading: Reading): number {
    const prices = this.knobs.map((knob) => {
      const { min, max } = this.#boundsOf(knob);
      return max === min ? 0 : (PRICE * Math.abs(knob.get() - this.#initialOf(knob))) / (max - min);
    });
    return prices.reduce((sum, price) => sum + price, load(reading, this.#targets));
  }

  #judge(reading: Reading, objective: number): TunerStep | undefined {
    const trial = this.#trial;
    this.#trial = undefined;
    if (trial === undefined) return undefined;
    const { knob, from, to, before } = trial;
    const after = { ...reading, objective };
    // Somebody else has turned it meanwhile: theirs counts.
    if (knob.get() !== to) return undefined;
    const isBack = Math.abs(to - this.#initialOf(knob)) < Math.abs(from - this.#initialOf(knob));
    // On the way back the price falls by itself: it is enough that the load does not rise.
    const neededGain = isBack ? 0 : Math.max(MIN_GAIN, before.objective * MIN_GAIN_SHARE);
    const isBetter = isBack ? objective < before.objective : before.objective - objective >= neededGain;
    if (!isBetter) {
      knob.set(from);
      this.#restsUntil.set(knob.name, this.#round + REST_ROUNDS);
    }
    return { knob: knob.name, from, to, outcome: isBetter ? 'kept' : 'taken back', before, after };
  }

  #takeBack(): void {
    const trial = this.#trial;
    this.#trial = undefined;
    if (trial !== undefined && trial.knob.get() === trial.to) trial.knob.set(trial.from);
  }

  #choose(reading: Reading): Advice | undefined {
    const isLoaded = load(reading, this.#targets) > 0;
    for (let offset = 0; offset < this.knobs.length; offset += 1) {
      const index = (this.#next + offset) % this.knobs.length;
      const knob = this.knobs[index];
      if (knob === undefined || (this.#restsUntil.get(knob.name) ?? 0) > this.#round) continue;
      const from = knob.get();
      const to = isLoaded ? this.#towardsRelief(knob) : this.#towardsInitial(knob);
      if (to === from) continue;
      // The same knob again as long as it helps; then the next.
      this.#next = index;
      return { knob: knob.name, from, to, because: isLoaded ? 'loaded' : 'well' };
    }
    return undefined;
  }

  #towardsRelief(knob: Knob): number {
    const { min, max } = this.#boundsOf(knob);
    const step = stepOf(knob, min, max);
    const value = knob.get();
    if (knob.relief === 'up') return Math.max(value, Math.min(max, value + step));
    return Math.min(value, Math.max(min, value - step));
  }

  #towardsInitial(knob: Knob): number {
    const { min, max } = this.#boundsOf(knob);
    const step = stepOf(knob, min, max);
    const initial = Math.min(Math.max(this.#initialOf(knob), min), max);
    const value = knob.get();
    return value < initial ? Math.min(initial, value + step) : Math.max(initial, value - step);
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

function stepOf({ isInteger }: Knob, min: number, max: number): number {
  const step = (max - min) / STEPS;
  return isInteger ? Math.max(1, Math.round(step)) : step;
}
