import fc from 'fast-check';
import t from 'tap';
import * as Y from 'yjs';
import { inspectShape } from '../form/rules.js';
import { Cluster, fieldOf } from './testing/cluster.js';
import { openConflicts, resolveConflict, ResolutionError } from './index.js';

type Step =
  | { readonly kind: 'write'; readonly who: number }
  | { readonly kind: 'sync'; readonly who: number }
  | { readonly kind: 'exchange' }
  | { readonly kind: 'restart'; readonly who: number }
  | { readonly kind: 'resolve'; readonly who: number; readonly pick: number };

const who = fc.nat(2);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('write' as const), who }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('sync' as const), who }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('exchange' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('resolve' as const), who, pick: fc.nat(5) }) },
);
const history = fc.record({
  clients: fc.integer({ min: 2, max: 3 }),
  nodes: fc.integer({ min: 1, max: 2 }),
  clientIds: fc.shuffledSubarray([7, 5_000_000, 2 ** 32 - 2], { minLength: 3, maxLength: 3 }),
  steps: fc.array(step, { minLength: 3, maxLength: 30, size: 'max' }),
});

/** What anybody wrote, and which writes they knew of then. */
class Model {
  readonly #writes: { readonly value: unknown; readonly seen: Set<number> }[] = [];
  readonly #known = new Map<string, Set<number>>();

  known(replica: string): Set<number> {
    const known = this.#known.get(replica) ?? new Set();
    this.#known.set(replica, known);
    return known;
  }

  write(replica: string, value: unknown): void {
    const known = this.known(replica);
    this.#writes.push({ value, seen: new Set(known) });
    known.add(this.#writes.length - 1);
  }

  /** A write is said to stand over all that is known: nothing is written anew. */
  confirm(replica: string, value: unknown): void {
    const index = this.#writes.findIndex((write) => write.value === value);
    for (const write of this.known(replica)) if (write !== index) this.#writes[index]?.seen.add(write);
  }

  learn(replica: string, from: string): void {
    for (const write of this.known(from)) this.known(replica).add(write);
  }

  /** Values of the writes that nobody who wrote had seen. */
  open(): unknown[] {
    const seen = new Set(this.#writes.flatMap((write) => [...write.seen]));
    return this.#writes.filter((_, i) => !seen.has(i)).map(({ value }) => value);
  }
}

function play(
  policy: string,
  { clients, nodes, clientIds, steps }: typeof history extends fc.Arbitrary<infer T> ? T : never,
  valueOf: (n: number) => unknown,
  set = (doc: Y.Doc, value: unknown): unknown => fieldOf(doc).set('defaultValue', value),
): { cluster: Cluster; model: Model } {
  const cluster = new Cluster({ policy: { default: policy }, clients, nodes, clientIds });
  const model = new Model();
  steps.forEach((step, n) => {
    if (step.kind === 'exchange') {
      cluster.exchange();
      for (let a = 0; a < nodes; a++) for (let b = 0; b < nodes; b++) model.learn(`node${a}`, `node${b}`);
    } else if (step.kind === 'restart') {
      cluster.nodeOf(step.who).restart();
    } else if (step.kind === 'resolve') {
      const node = step.who % nodes;
      const [conflict] = openConflicts(cluster.nodes[node]!.doc);
      if (conflict === undefined) return;
      const { value } = conflict.candidates[step.pick % conflict.candidates.length]!;
      const isText = fieldOf(cluster.nodes[node]!.doc).get('defaultValue') === undefined;
      cluster.resolve(node, step.pick);
      if (isText && value === conflict.current) model.confirm(`node${node}`, value);
      else model.write(`node${node}`, value);
    } else {
      const client = step.who % clients;
      if (step.kind === 'write') {
        const value = valueOf(n);
        cluster.write(client, (doc) => set(doc, value));
        model.write(`client${client}`, value);
      } else {
        cluster.sync(client);
        model.learn(`node${client % nodes}`, `client${client}`);
        model.learn(`client${client}`, `node${client % nodes}`);
      }
    }
  });
  cluster.settle();
  for (const { doc } of cluster.nodes) if (inspectShape(doc).length > 0) throw new Error('no form any more');
  return { cluster, model };
}

const sorted = (values: readonly unknown[]): string =>
  JSON.stringify(values.map((value) => JSON.stringify(value)).sort());
const stored = (doc: Y.Doc): unknown => fieldOf(doc).get('defaultValue') ?? null;

void t.test(
  'manual: whatever the order, exactly the writes that nobody had seen are candidates, everywhere',
  async () => {
    fc.assert(
      fc.property(history, (given) => {
        const { cluster, model } = play('manual', given, (n) => `v${n}`);
        const open = model.open();
        const [conflict] = cluster.conflicts();
        const candidates = conflict?.candidates.map(({ value }) => value) ?? [];
        const expected = new Set(open.map((value) => JSON.stringify(value))).size > 1 ? open : [];
        if (sorted(candidates) !== sorted(expected)) throw new Error(`${sorted(candidates)}, not ${sorted(expected)}`);
        const current = cluster.value(stored);
        if (open.length > 0 && !open.includes(current)) throw new Error('what stands was overwritten');
      }),
      { numRuns: 150 },
    );
  },
);

void t.test('merge: lists that were written concurrently become their union, everywhere', async () => {
  fc.assert(
    fc.property(history, (given) => {
      const { cluster, model } = play('merge', given, (n) => [`v${n}`, `w${n % 3}`]);
      const expected = new Set(model.open().flat());
      const current = cluster.value(stored);
      if (sorted([...expected]) !== sorted((current ?? []) as unknown[])) {
        throw new Error(`${JSON.stringify(current)}, not ${JSON.stringify([...expected])}`);
      }
      if (cluster.conflicts().length > 0) throw new Error('nothing is left to decide');
    }),
    { numRuns: 100 },
  );
});

void t.test('last writer wins: one of the latest writes stands everywhere, and nothing is kept', async () => {
  fc.assert(
    fc.property(history, (given) => {
      const { cluster, model } = play('last-writer-wins', given, (n) => `v${n}`);
      const open = model.open();
      if (open.length > 0 && !open.includes(cluster.value(stored))) throw new Error('what stands was overwritten');
      if (cluster.conflicts().length > 0) throw new Error('a conflict');
      for (const { doc } of cluster.nodes)
        if (doc.getMap('conflicts')._map.size > 0) throw new Error('something is kept');
    }),
    { numRuns: 50 },
  );
});

const titleOf = (doc: Y.Doc): Y.Map<unknown> => fieldOf(doc).get('title') as Y.Map<unknown>;

void t.test('of texts that meet, each one that nobody had seen is a candidate, everywhere', async () => {
  fc.assert(
    fc.property(history, (given) => {
      const setText = (doc: Y.Doc, value: unknown): unknown => titleOf(doc).set('fr', new Y.Text(String(value)));
      const { cluster, model } = play('manual', given, (n) => `v${n}`, setText);
      const open = model.open();
      const candidates = new Set(
        cluster.conflicts().flatMap((conflict) => conflict.candidates.map(({ value }) => value)),
      );
      const current = cluster.value((doc) => titleOf(doc).get('fr') ?? null);
      const lost = open.filter((value) => value !== current && !candidates.has(value as string));
      if (lost.length > 0) throw new Error(`${lost.join()} is lost`);
    }),
    { numRuns: 60 },
  );
});

const values = (cluster: Cluster): unknown[] =>
  cluster
    .conflicts()
    .flatMap(({ candidates }) => candidates.map(({ value }) => value))
    .sort();
const setRequired = (value: unknown) => (doc: Y.Doc) => fieldOf(doc).set('required', value);
const MANUAL = { default: 'manual' };

void t.test('candidates say who wrote what and when; whoever overwrites all of them decides', async (t) => {
  const cluster = new Cluster({ policy: MANUAL });
  cluster.write(0, setRequired(true));
  cluster.write(1, setRequired(false));
  cluster.settle();
  const [conflict] = cluster.conflicts();
  t.match(conflict, { id: 'f1.required', fieldId: 'f1', property: 'required' });
  t.same(conflict?.candidates.map(({ value, author }) => [value, author?.id]).sort(), [
    [false, 'user1'],
    [true, 'user0'],
  ]);
  t.ok(conflict?.candidates.every(({ at }) => Number(at) > 1_000));
  cluster.write(0, setRequired(true));
  cluster.settle();
  t.same([cluster.conflicts(), cluster.value((doc) => fieldOf(doc).get('required'))], [[], true]);
});

void t.test('writes that say the same, or follow each other, are no conflict', async (t) => {
  const cluster = new Cluster({ policy: MANUAL });
  for (const who of [0, 1]) cluster.write(who, setRequired(true));
  cluster.settle();
  t.same(cluster.conflicts(), []);
  cluster.write(0, setRequired(false));
  cluster.settle();
  cluster.write(1, setRequired(true));
  cluster.settle();
  t.same(cluster.conflicts(), []);
});

void t.test('a decision and a write that meet are a conflict of their own', async (t) => {
  const cluster = new Cluster({ policy: MANUAL, clients: 3 });
  for (const who of [0, 1]) cluster.write(who, (doc) => fieldOf(doc).set('defaultValue', `v${who}`));
  cluster.sync(0);
  cluster.sync(1);
  const [conflict] = openConflicts(cluster.nodes[0]!.doc);
  cluster.write(2, (doc) => fieldOf(doc).set('defaultValue', 'late'));
  resolveConflict(cluster.nodes[0]!.doc, conflict!.id, { value: 'decided' }, { id: 'judge' }, 5);
  t.same(openConflicts(cluster.nodes[0]!.doc), []);
  cluster.settle();
  t.same(values(cluster), ['decided', 'late']);
});

void t.test('what may not be written is no candidate, whether it would stand or not', async (t) => {
  for (const clientIds of [
    [1, 2 ** 32 - 1],
    [2 ** 32 - 1, 1],
  ]) {
    const cluster = new Cluster({ policy: MANUAL, clientIds, writers: [{}, { canWrite: false }] });
    cluster.write(0, setRequired(true));
    cluster.write(1, setRequired(false));
    cluster.settle();
    t.same([cluster.conflicts(), cluster.value((doc) => fieldOf(doc).get('required'))], [[], true]);
    cluster.write(0, setRequired(7));
    cluster.settle();
    t.same([cluster.conflicts(), cluster.value((doc) => fieldOf(doc).get('required'))], [[], true]);
    // What restored it does not stand between the writes that count.
    cluster.write(0, setRequired(false));
    cluster.settle();
    t.same([cluster.conflicts(), cluster.value((doc) => fieldOf(doc).get('required'))], [[], false]);
  }
});

void t.test('a refused write over an open conflict does not close it', async (t) => {
  const cluster = new Cluster({ policy: MANUAL, clients: 3, writers: [{}, {}, { canWrite: false }] });
  for (const who of [0, 1]) cluster.write(who, (doc) => fieldOf(doc).set('defaultValue', `v${who}`));
  cluster.settle();
  cluster.write(2, (doc) => fieldOf(doc).set('defaultValue', 'forced'));
  cluster.settle();
  t.same(values(cluster), ['v0', 'v1']);
  cluster.write(0, (doc) => fieldOf(doc).set('defaultValue', 'decided'));
  cluster.settle();
  t.same(values(cluster), []);
});

void t.test('who removes what stands has decided; a write that met the removal comes back', async (t) => {
  const cluster = new Cluster({ policy: MANUAL, clients: 3 });
  for (const who of [0, 1]) cluster.write(who, (doc) => fieldOf(doc).set('defaultValue', `v${who}`));
  cluster.settle();
  cluster.write(0, (doc) => fieldOf(doc).delete('defaultValue'));
  cluster.sync(0);
  cluster.sync(1);
  t.same(openConflicts(cluster.nodes[0]!.doc), []);
  t.notOk(fieldOf(cluster.nodes[0]!.doc).has('defaultValue'));
  cluster.write(2, (doc) => fieldOf(doc).set('defaultValue', 'kept'));
  cluster.settle();
  t.same([cluster.conflicts(), cluster.value(stored)], [[], 'kept']);
});

void t.test('a resolution asks for what is there', async (t) => {
  const cluster = new Cluster({ policy: { fields: { f1: { required: 'manual' } } } });
  cluster.write(0, setRequired(true));
  cluster.write(1, setRequired(false));
  cluster.write(0, (doc) => fieldOf(doc, 'f2').set('required', true));
  cluster.write(1, (doc) => fieldOf(doc, 'f2').set('required', false));
  cluster.settle();
  t.same(
    cluster.conflicts().map(({ id }) => id),
    ['f1.required'],
    'other properties have another policy',
  );
  const { doc } = cluster.nodes[0]!;
  const before = Y.encodeStateAsUpdate(doc);
  const codeOf = (id: string, choice: Parameters<typeof resolveConflict>[2]): string => {
    try {
      resolveConflict(doc, id, choice, { id: 'judge' }, 1);
      return 'done';
    } catch (error) {
      return (error as ResolutionError).code;
    }
  };
  t.equal(codeOf('f2.required', { value: true }), 'conflict_not_found');
  t.equal(codeOf('f1.required', { choose: '1-1' }), 'candidate_not_found');
  t.equal(codeOf('f1.required', { value: 'yes' }), 'value_not_allowed');
  t.equal(codeOf('f1.required', { value: null }), 'value_not_allowed');
  t.same(Y.encodeStateAsUpdate(doc), before, 'nothing was changed');
  t.equal(codeOf('f1.required', { value: true }), 'done');
});

void t.test('nodes that settle the same conflict at once come to rest', async (t) => {
  const cluster = new Cluster({ policy: MANUAL, nodes: 2 });
  for (const who of [0, 1]) cluster.write(who, (doc) => fieldOf(doc).set('defaultValue', `v${who}`));
  cluster.settle();
  t.same(values(cluster), ['v0', 'v1']);
  const { settlements } = cluster;
  for (let round = 0; round < 5; round += 1) cluster.exchange();
  t.equal(cluster.settlements, settlements);
});

void t.test('what is kept does not grow with the writes that follow each other', async (t) => {
  const cluster = new Cluster({ policy: MANUAL });
  for (let n = 0; n < 50; n += 1) {
    cluster.write(n % 2, (doc) => fieldOf(doc).set('defaultValue', n));
    cluster.sync(n % 2);
    cluster.sync((n + 1) % 2);
  }
  t.equal(cluster.nodes[0]!.doc.getMap('conflicts').size, 1);
});
