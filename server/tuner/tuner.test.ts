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
  t.match(steps[0], { knob: 'useless', from: 0, to: 20, outcome: 'taken back' });
  t.match(steps[1], { knob: 'useful', from: 0, to: 20, outcome: 'kept' });
  t.equal(useless.value, 0);
  t.ok(useful.value >= 10);
  t.end();
});

void t.test('a step that harms is taken back', (t) => {
  const harmful = knob('harmful');
  const tuner = new Tuner([harmful]);
  tuner.configure('auto', {});
  const [step] = run(tuner, () => ({ ...WELL, cpuShare: 0.8 + harmful.value / 100 }), 2);
  t.match(step, { outcome: 'taken back', before: { cpuShare: 0.8 }, after: { cpuShare: 1 } });
  t.equal(harmful.value, 0);
  t.end();
});

void t.test('a load that falls by itself is not put down to the step, nor one that rises held against it', (t) => {
  for (const drift of [-0.04, 0.01]) {
    const [useless, useful] = [knob('useless'), knob('useful')];
    const tuner = new Tuner([useless, useful]);
    tuner.configure('auto', {});
    let round = 0;
    const steps = run(tuner, () => ({ ...WELL, cpuShare: 1.5 + drift * round++ - useful.value / 200 }), 16);
    t.ok(steps.length >= 3, `${steps.length} steps`);
    t.ok(
      steps.every(({ knob, outcome }) => (outcome === 'kept') === (knob === 'useful')),
      JSON.stringify(steps.map(({ knob, outcome }) => [knob, outcome])),
    );
  }
  t.end();
});

void t.test('among noise it finds the knob that helps, and leaves those that do not or that harm', (t) => {
  const RUNS = 60;
  let seed = 7;
  // Park and Miller; the sum of twelve is as good as normal.
  const uniform = (): number => (seed = (seed * 48_271) % 0x7fffffff) / 0x7fffffff;
  const normal = (): number => Array.from({ length: 12 }, uniform).reduce((sum, one) => sum + one, -6);
  const outlier = (): number => (uniform() < 0.1 ? 1.3 : 1);
  let [found, useless, harmful] = [0, 0, 0];
  for (let i = 0; i < RUNS; i++) {
    const knobs = ['harms', 'useless', 'helps'].map((name) => knob(name));
    const [harms, none, helps] = knobs;
    const tuner = new Tuner(knobs);
    tuner.configure('auto', {});
    // A step of the first costs a tenth, one of the last saves as much; rounds differ by a twentieth, one in ten by more.
    const plant: Plant = () => {
      const cpuShare = 0.9 * (1 + (harms!.value - helps!.value) / 200) * (1 + normal() / 20) * outlier();
      return { ...WELL, cpuShare };
    };
    tuner.configure('auto', {}, { cpuShare: 0.01 });
    run(tuner, plant, 60);
    // What is on trial at the end is none of it.
    tuner.configure('off', {});
    if (helps!.value > 0) found += 1;
    if (none!.value > 0) useless += 1;
    if (harms!.value > 0) harmful += 1;
  }
  t.ok(found >= 0.9 * RUNS, `found in ${found} of ${RUNS}`);
  t.ok(useless <= 0.25 * RUNS, `useless in ${useless} of ${RUNS}`);
  t.ok(harmful <= 0.02 * RUNS, `harmful in ${harmful} of ${RUNS}`);
  t.comment(`found ${found}, useless ${useless}, harmful ${harmful} of ${RUNS}`);
  t.end();
});

void t.test('a node that needs the step keeps it: what is tried on the way home is taken back', (t) => {
  const rest = knob('rest', { value: 0 });
  const tuner = new Tuner([rest]);
  tuner.configure('auto', {});
  run(tuner, () => ({ ...WELL, cpuShare: 0.75 - rest.value / 100 }), 60);
  tuner.configure('advise', {});
  t.ok(rest.value >= 10, String(rest.value));
  t.end();
});

void t.test('advise says what it would do and touches nothing; off says nothing', (t) => {
  const rest = knob('rest');
  const tuner = new Tuner([rest]);
  t.equal(tuner.run({ ...WELL, cpuShare: 1 }).advice, undefined);
  tuner.configure('advise', {});
  t.same(tuner.run({ ...WELL, cpuShare: 1 }).advice, { knob: 'rest', from: 0, to: 20, because: 'loaded' });
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
  t.equal(rest.value, 2, 'a quarter of the bounds');
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
  t.ok(rest.value === 55 || rest.value === 35, 'at most the way home begins from there');
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
