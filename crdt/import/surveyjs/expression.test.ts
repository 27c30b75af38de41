import fc from 'fast-check';
import t from 'tap';
import { expressionOf, type NamedField } from '../../export/surveyjs/expression.js';
import type { FieldType, Json } from '../../form/form-json.js';
import { evaluateRule } from '../../logic/evaluate.js';
import { ExpressionError } from './expression.js';
import { ruleOf, type Target } from './logic.js';

const FIELDS: readonly [name: string, id: string, type: FieldType][] = [
  ['a', 'a', 'text'],
  ['b', 'b', 'number'],
  ['my list', 'my_list', 'choices'],
  ['m', 'm', 'matrix'],
];
const TARGETS = new Map<string, Target>(
  FIELDS.map(([name, id, type]) => [name, { id, type, parts: new Map(type === 'matrix' ? [['row 1', 'row 1']] : []) }]),
);
const NAMES = new Map<string, NamedField>(FIELDS.map(([name, id, type]) => [id, { name, type }]));

const CASES: readonly [text: string, answers: Record<string, Json>, result: unknown][] = [
  ["{a} = 'x' and {b} > 2", { a: 'x', b: 3 }, true],
  ["{a} = 'x' && ({b} > 2 or {b} <> 1)", { a: 'x', b: 1 }, false],
  ['not ({b} >= 2)', { b: 1 }, true],
  ['!{a}', {}, true],
  ['{a} empty', { a: '' }, true],
  ['{b} empty', { b: 0 }, false],
  ['{my list} notempty', { my_list: [] }, false],
  ["{my list} contains 'x'", { my_list: ['x', 'y'] }, true],
  ["{my list} notcontains 'x'", { my_list: ['y'] }, true],
  ["{my list} anyof ['x', 'z']", { my_list: ['z'] }, true],
  ["{my list} allof ['x', 'z']", { my_list: ['z'] }, false],
  ["{my list} = ['x', 'z']", { my_list: ['z', 'x'] }, true],
  ["{a} anyof ['x', 'z']", { a: 'z' }, true],
  ['{b} + 2 * 3 = 7', { b: 1 }, true],
  ['({b} - 1) / 2 > -1', { b: 1 }, true],
  ['{m.row 1} = 5', { m: { 'row 1': 5 } }, true],
  ['{a} = "it\'s"', { a: "it's" }, true],
  ['{b} = 1e2', { b: 100 }, true],
  ['{a} = true', { a: true }, true],
];

void t.test('expressions mean as JSONLogic what they mean in a survey', async (t) => {
  for (const [text, answers, result] of CASES) {
    t.equal(evaluateRule(ruleOf(text, TARGETS), answers), result, text);
  }
});

void t.test('expressions without counterpart are refused', async (t) => {
  const bad = ['', '{a', '{nobody} = 1', "iif({b} > 1, 'x', 'y')", '{a} =', '(({a})', "'x", '{a} = 1 2', '#'];
  for (const text of [...bad, '('.repeat(5_000), '!'.repeat(5_000), 'a+'.repeat(5_000)]) {
    t.throws(() => ruleOf(text, TARGETS), ExpressionError, text.slice(0, 20));
  }
});

const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.oneof(
      fc.constantFrom('{a}', '{b}', '{my list}', '{m.row 1}', 'true', '0', "'it\\'s \\\\'", "{my list} = ['x', 'y']"),
      fc.integer().map(String),
      fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }).map((number) => String(number === 0 ? 0 : number)),
    ),
    fc.tuple(tie('expression'), fc.constantFrom('empty', 'notempty')).map(([left, word]) => `(${left}) ${word}`),
    tie('expression').map((operand) => `!(${operand})`),
    tie('expression').map((operand) => `-(${operand})`),
    fc
      .tuple(
        tie('expression'),
        fc.constantFrom('=', '<>', '<', '>=', 'and', 'or', '+', '-', '*', '/', 'contains', 'notcontains'),
        tie('expression'),
      )
      .map(([left, operator, right]) => `(${left}) ${operator} (${right})`),
    fc.constantFrom('anyof', 'allof', 'noneof').map((word) => `{my list} ${word} ['x', 2]`),
    fc.constantFrom('anyof', 'allof').map((word) => `{a} ${word} ['x', 2]`),
  ),
}));

void t.test('a rule printed as an expression is read as the same rule', async () => {
  fc.assert(
    fc.property(expression, (text) => {
      const rule = ruleOf(text, TARGETS);
      const printed = expressionOf(rule, NAMES);
      if (printed === undefined) throw new Error(`not printed: ${JSON.stringify(rule)}`);
      const again = ruleOf(printed, TARGETS);
      if (JSON.stringify(again) !== JSON.stringify(rule))
        throw new Error(`${text} → ${printed} → ${JSON.stringify(again)}`);
    }),
    { numRuns: 1_000 },
  );
});
