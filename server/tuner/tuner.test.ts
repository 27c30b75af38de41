import fc from 'fast-check';
import t from 'tap';
import type { Knob } from './knob.js';
import { load, type Reading } from './reading.js';
import { Tuner, type TunerStep } from './tuner.js';

const WELL: Reading = { loopDelayP99Ms: 5, cpuShare: 0.2, memoryShare: 0.3, fanOutShare: 0.1, queueShare: 0 };

interface TestKnob extends Knob {
  value: number;
}

function knob(
  name: string,
  options: Partial<Pick<Knob, 'relief' | 'min' | 'max'>> & { value?: number } = {},
): TestKnob {
  const { relief = 'up', min = 0, max = 80, value = 0 } = options;
  const made: TestKnob = {
    ...{ name, description: name, relief, min, max, isInteger: true, value },
    get: () => made.value,
    set: (next) => (made.value = next),
  };
  return made;
}

/** A plant: how a node feels follows from its traffic and where its knobs stand. */
type Plant = () => Reading;

function run(tuner: Tuner, plant: Plant, rounds: number): TunerStep[] {
  const steps: TunerStep[] = [];
  for (let i = 0; i < rounds; i++) {
    const { judged } = tuner.run(plant());
    if (judged !== undefined) steps.push(judged);
  }
  return steps;
}

void t.test(
  'under load a knob that helps is turned until the node is well, and goes home when the load is gone',
  (t) => {
    const rest = knob('rest');
    const tuner = new Tuner([rest]);
    tuner.configure('auto', {});
    let traffic = 1;
    const plant: Plant = () => ({ ...WELL, cpuShare: Math.max(0.2, traffic - rest.value / 100) });
    const up = run(tuner, plant, 30);
    t.ok(plant().cpuShare <= 0.6, `cpu ${plant().cpuShare} with ${rest.value}`);
    t.ok(up.every(({ outcome, before, after }) => outcome === 'taken back' || after.objective < before.objective));
    traffic = 0.2;
    run(tuner, plant, 30);
    t.equal(rest.value, 0);
    t.end();
  },
);

void t.test(
  'towards targets of an operator: a node that is well by default is loaded below them, and the other way',
  (t) => {
    const rest = knob('rest');
    const tuner = new Tuner([rest]);
    const plant: Plant = () => ({ ...WELL, cpuShare: 0.4 - rest.value / 400 });
    tuner.configure('auto', {});
    t.same(run(tuner, plant, 10), []);
    tuner.configure('auto', {}, { cpuShare: 0.3 });
    run(tuner, plant, 30);
    t.ok(plant().cpuShare < 0.301, `cpu ${plant().cpuShare} with ${rest.value}`);
    tuner.configure('auto', {}, { cpuShare: 0.9 });
    run(tuner, plant, 30);
    t.equal(rest.value, 0);
    t.end();
  },
);

void t.test('one step at a time: never more than one knob moves between two readings', (t) => {
  const knobs = [knob('a'), knob('b'), knob('c', { relief: 'down', value: 80 })];
  const tuner = new Tuner(knobs);
  tuner.configure('auto', {});
  let before = knobs.map(({ value }) => value);
  for (let i = 0; i < 100; i++) {
    tuner.run({ ...WELL, loopDelayP99Ms: 200 - before.reduce((sum, value) => sum + Math.abs(value), 0) / 4 });
    const now = knobs.map(({ value }) => value);
    t.ok(now.filter((value, at) => value !== before[at]).length <= 1, `round ${i}`);
    before = now;
  }
  t.end();
});

void t.test('a step that does not help is taken back, and the next knob has its turn', (t) => {
  const [useless, useful] = [knob('useless'), knob('useful')];
  const tuner = new Tuner([useless, useful]);
  tuner.configure('auto', {});
  const plant: Plant = () => ({ ...WELL, loopDelayP99Ms: 120 - useful.value });
  const steps = run(tuner, plant, 5);
  t.match(steps[0], { knob: 'useless', from: 0, to: 10, outcome: 'taken back' });
  t.match(steps[1], { knob: 'useful', from: 0, to: 10, outcome: 'kept' });
  t.equal(useless.value, 0);
  t.ok(useful.value >= 10);
  t.end();
});

void t.test('a step that harms is taken back', (t) => {
  const harmful = knob('harmful');
  const tuner = new Tuner([harmful]);
  tuner.configure('auto', {});
  const [step] = run(tuner, () => ({ ...WELL, cpuShare: 0.8 + harmful.value / 100 }), 2);
  t.match(step, { outcome: 'taken back', before: { cpuShare: 0.8 }, after: { cpuShare: 0.9 } });
  t.equal(harmful.value, 0);
  t.end();
});

void t.test('a node that needs the step keeps it: what is tried on the way home is taken back', (t) => {
  const rest = knob('rest', { value: 0 });
  const tuner = new Tuner([rest]);
  tuner.configure('auto', {});
  run(tuner, () => ({ ...WELL, cpuShare: 0.75 - rest.value / 100 }), 60);
  t.ok(rest.value >= 10, String(rest.value));
  t.end();
});

void t.test('advise says what it would do and touches nothing; off says nothing', (t) => {
  const rest = knob('rest');
  const tuner = new Tuner([rest]);
  t.equal(tuner.run({ ...WELL, cpuShare: 1 }).advice, undefined);
  tuner.configure('advise', {});
  t.same(tuner.run({ ...WELL, cpuShare: 1 }).advice, { knob: 'rest', from: 0, to: 10, because: 'loaded' });
  t.equal(tuner.run(WELL).advice, undefined);
  t.equal(rest.value, 0);
  t.end();
});

void t.test('bounds hold, bring in what is outside, and leaving auto takes back what is on trial', (t) => {
  const [rest, size] = [knob('rest'), knob('size', { relief: 'down', value: 80 })];
  const tuner = new Tuner([rest, size]);
  tuner.configure('auto', { rest: { max: 8 }, size: { min: 20, max: 60 } });
  t.equal(size.value, 60);
  tuner.run({ ...WELL, cpuShare: 1 });
  t.equal(rest.value, 1, 'an eighth of the bounds');
  tuner.configure('off', {});
  t.equal(rest.value, 0);
  t.end();
});

void t.test('what an operator turns while it is on trial is left as it is', (t) => {
  const rest = knob('rest');
  const tuner = new Tuner([rest]);
  tuner.configure('auto', {});
  tuner.run({ ...WELL, cpuShare: 1 });
  rest.set(55);
  t.equal(tuner.run(WELL).judged, undefined);
  t.ok(rest.value === 55 || rest.value === 45, 'at most the way home begins from there');
  t.end();
});

void t.test('whatever the node feels, values stay within bounds and every kept step lowered the objective', (t) => {
  const share = fc.double({ min: 0, max: 2, noNaN: true });
  const reading = fc.record({
    loopDelayP99Ms: fc.double({ min: 0, max: 500, noNaN: true }),
    ...{ cpuShare: share, memoryShare: share, fanOutShare: share, queueShare: share },
  });
  fc.assert(
    fc.property(fc.array(reading, { maxLength: 40 }), (readings) => {
      const knobs = [knob('a', { min: 10, max: 50, value: 20 }), knob('b', { relief: 'down', max: 7, value: 7 })];
      const tuner = new Tuner(knobs);
      tuner.configure('auto', { a: { min: 15 } });
      for (const one of readings) {
        const { judged } = tuner.run(one);
        if (judged?.outcome === 'kept' && judged.after.objective >= judged.before.objective) return false;
        if (knobs.some(({ value, min, max }) => value < min || value > max)) return false;
      }
      return load(WELL) === 0;
    }),
  );
  t.end();
});
