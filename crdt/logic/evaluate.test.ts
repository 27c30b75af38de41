import fc from 'fast-check';
import t from 'tap';
import type { FormJson, Json } from '../form/form-json.js';
import { formSchema } from '../form/form-schema.js';
import { evaluateForm, evaluateRule, ruleProblem, variablesOf } from './evaluate.js';

const formOf = (...fields: object[]): FormJson => formSchema.parse({ id: 'f', pages: [{ id: 'p1', fields }] });

void t.test('conditions decide what is shown, needed and enabled', async (t) => {
  const form = formOf(
    { id: 'a', type: 'text', required: true },
    { id: 'b', type: 'text', visibleIf: { '==': [{ var: 'a' }, 'yes'] }, requiredIf: { var: 'c' } },
    { id: 'g', type: 'group', visibleIf: { var: 'b' }, fields: [{ id: 'inner', type: 'text', required: true }] },
    { id: 'c', type: 'boolean', enabledIf: { '!': [{ var: 'a' }] } },
  );
  const state = (answers: Record<string, unknown>): unknown => {
    const { visible, required, enabled } = evaluateForm(form, answers);
    return [[...visible].join(), [...required].join(), [...enabled].join()];
  };
  t.same(state({}), ['a,c', 'a', 'a,c']);
  t.same(state({ a: 'yes', c: true }), ['a,b,c', 'a,b', 'a,b']);
  t.same(state({ a: 'yes', b: 'x' }), ['a,b,g,inner,c', 'a,inner', 'a,b,g,inner']);
});

void t.test('fields of a page that is not shown are not shown', async (t) => {
  const form = formOf({ id: 'a', type: 'text', required: true });
  form.pages[0]!.visibleIf = { var: 'gone' };
  const { visible, required } = evaluateForm(form, {});
  t.same([visible.size, required.size], [0, 0]);
});

void t.test('calculated values follow each other in whatever order they stand', async (t) => {
  const count = 60;
  const chain = Array.from({ length: count }, (_, i) => ({
    ...{ id: `c${i}`, type: 'calculated' },
    calculate: { '+': [{ var: i + 1 < count ? `c${i + 1}` : 'start' }, 1] },
  }));
  const { calculated } = evaluateForm(formOf(...chain), { start: 5 });
  t.equal(calculated['c0'], 5 + count);
});

void t.test('a cycle of calculated values ends', async (t) => {
  const reads = (id: string, other: string): object => ({
    id,
    type: 'calculated',
    calculate: { cat: ['x', { var: other }] },
  });
  const { calculated } = evaluateForm(formOf(reads('a', 'b'), reads('b', 'a')), {});
  t.same(calculated, { a: 'xx', b: 'x' });
});

/** Lists in lists in lists. */
function nestedMaps(depth: number): Json {
  const list = Array.from({ length: 100 }, (_, i) => i);
  return depth === 0 ? 1 : { map: [list, nestedMaps(depth - 1)] };
}

void t.test('a rule that would take for ever, or all the memory, is given up', async (t) => {
  t.equal(evaluateRule(nestedMaps(6), {}), undefined);
  const double = { '+': [1, { var: 'accumulator' }] };
  const list = Array.from({ length: 60 }, () => 1);
  t.equal(evaluateRule({ reduce: [list, double, 0] }, {}), 60);
  for (const operator of ['cat', 'merge']) {
    const grow = { [operator]: [{ var: 'accumulator' }, { var: 'accumulator' }] };
    t.equal(evaluateRule({ reduce: [list, grow, 'x'] }, {}), undefined, operator);
  }
  const costly = formOf(
    ...Array.from({ length: 300 }, (_, i) => ({ id: `c${i}`, type: 'calculated', calculate: nestedMaps(2) })),
    { id: 'plain', type: 'calculated', calculate: { '+': [1, 1] } },
  );
  const { calculated } = evaluateForm(costly, {});
  t.equal((calculated['c0'] as unknown[]).length, 100, 'what is within the bound is calculated');
  t.equal(calculated['c299'], undefined, 'all rules of a form have one bound together');
});

void t.test('rules that are too large, too deep or unknown have no value, and say why', async (t) => {
  let deep: Json = 1;
  for (let i = 0; i < 40; i++) deep = { '!': [deep] };
  for (const [rule, reason] of [
    [deep, /nested/],
    [{ '+': Array.from({ length: 2_001 }, () => 1) }, /parts/],
    [{ log: 'x' }, /no operator "log"/],
    [{ constructor: ['x'] }, /no operator "constructor"/],
    [{ '+': [1], '-': [1] }, /one operator/],
  ] as const) {
    t.match(ruleProblem(rule as Json), reason);
    t.equal(evaluateRule(rule as Json, {}), undefined);
  }
  t.equal(evaluateRule({ '+': [{ var: 'a' }] }, { a: {} }), undefined, 'wrong arguments');
});

void t.test('no rule throws, and none yields anything but JSON', async (t) => {
  const operator = fc.constantFrom('var', 'val', 'map', 'reduce', 'cat', '+', '/', 'if', 'in', 'substr', 'get', 'keys', 'throw', 'try', 'missing_some', 'constructor', 'toString'); // prettier-ignore
  const { rule } = fc.letrec<{ rule: Json }>((tie) => ({
    rule: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom<Json>(null, '', 'a', 'constructor', '__proto__', 0, -1, 1e9, [], {}),
      fc.tuple(operator, fc.array(tie('rule'), { maxLength: 3 })).map(([name, args]): Json => ({ [name]: args })),
    ),
  }));
  fc.assert(
    fc.property(rule, (rule) => {
      const value = evaluateRule(rule, { a: [{ b: 1 }], n: 3 });
      variablesOf(rule);
      if (typeof value === 'function' || typeof value === 'symbol') throw new Error(`yields a ${typeof value}`);
    }),
    { numRuns: 400 },
  );
  t.equal(evaluateRule({ val: ['constructor'] }, {}), undefined);
});

void t.test('the fields that a rule reads are found by each way to read one', async (t) => {
  const found = (rule: Json): string[] => [...variablesOf(rule)].sort();
  t.same(found({ and: [{ var: 'a.b' }, { var: ['c', 1] }, { val: ['d', 'e'] }, { exists: 'f' }] }), [
    'a',
    'c',
    'd',
    'f',
  ]);
  t.same(found({ if: [{ missing: ['a', 'b'] }, { missing_some: [1, ['c']] }, { var: '' }] }), ['a', 'b', 'c']);
  t.same(found({ filter: [{ var: 'rows' }, { '>': [{ var: 'price' }, 1] }] }), ['rows']);
});
