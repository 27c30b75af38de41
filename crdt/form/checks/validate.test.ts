import t from 'tap';
import type { FormJson } from '../form-json.js';
import { formSchema } from '../form-schema.js';
import { validateForm } from './validate.js';

const formOf = (...fields: object[]): FormJson => formSchema.parse({ id: 'f', pages: [{ id: 'p1', fields }] });
const codes = (form: FormJson): string[] => validateForm(form).map(({ path, code }) => `${path} ${code}`);
const text = (id: string, more: object = {}): object => ({ id, type: 'text', ...more });

void t.test('ids that occur twice, wherever they stand, are errors', async (t) => {
  const option = { id: 'x', label: {} };
  const form = formOf(text('a'), { id: 'g', type: 'group', fields: [text('a')] });
  form.pages.push({ id: 'p1', title: {}, description: {}, fields: [] });
  t.match(validateForm(form), [
    { path: 'pages.p1', code: 'duplicate_id', severity: 'error' },
    { path: 'fields.a', code: 'duplicate_id', severity: 'error' },
  ]);
  t.match(validateForm(formOf({ id: 'c', type: 'choice', options: [option, option] })), [
    { path: 'fields.c.options.x', code: 'duplicate_id', severity: 'error' },
  ]);
  t.match(validateForm(formOf(text('a', { fields: [text('b')] }))), [{ code: 'no_group', severity: 'error' }]);
});

void t.test('rules that ask for what is not there, or cannot be evaluated, are warned of', async (t) => {
  const form = formOf(text('a', { visibleIf: { var: 'gone' } }), text('b', { requiredIf: { nonsense: [] } }), {
    id: 'c',
    type: 'choice',
  });
  form.pages[0]!.jumps = [{ to: 'nowhere' }];
  t.same(codes(form), [
    'pages.p1.jumps.0.to unknown_page',
    'fields.a.visibleIf unknown_field',
    'fields.b.requiredIf rule_invalid',
    'fields.c.options no_options',
  ]);
  t.ok(validateForm(form).every(({ severity }) => severity === 'warning'));
});

void t.test('a rule over the items of an answer asks for no field of their names', async (t) => {
  const total = { reduce: [{ var: 'rows' }, { '+': [{ var: 'accumulator' }, { var: 'current.price' }] }, 0] };
  t.same(codes(formOf(text('rows'), { id: 'sum', type: 'calculated', calculate: total })), []);
});

void t.test('logic that depends on itself is found, at any distance', async (t) => {
  const reads = (id: string, other: string): object => ({
    id,
    type: 'calculated',
    calculate: { '+': [{ var: other }, 1] },
  });
  t.same(codes(formOf(reads('a', 'b'), reads('b', 'c'), reads('c', 'a'), reads('d', 'a'), text('e'))), [
    'fields.a logic_cycle',
    'fields.b logic_cycle',
    'fields.c logic_cycle',
  ]);
  t.same(codes(formOf(text('a', { visibleIf: { val: 'a' } }))), ['fields.a logic_cycle']);
  t.same(codes(formOf(reads('a', 'b'), reads('b', 'c'), text('c'))), []);
});

void t.test('limits that contradict each other are warned of', async (t) => {
  const limits = { minLength: 3, maxLength: 2, minItems: 1, maxItems: 0, min: '2026-01-02', max: '2026-01-01' };
  t.same(codes(formOf(text('a', { validation: limits }))), [
    'fields.a.validation.minLength limits',
    'fields.a.validation.minItems limits',
    'fields.a.validation.min limits',
  ]);
  t.same(codes(formOf(text('a', { validation: { min: 1, max: '0' } }))), [], 'unlike limits are not compared');
});

void t.test('patterns are only those whose work has a bound', async (t) => {
  const check = (pattern: string): string[] => codes(formOf(text('a', { validation: { pattern } })));
  t.same(check('^(a+)+$'), [], 'it would backtrack for ever elsewhere; here each state is entered once');
  t.same(check('('), ['fields.a.validation.pattern pattern_invalid']);
  for (const pattern of [String.raw`^(a+)\1+$`, '(?<=a+)b', '(a{1,99}){1,99}']) {
    t.same(check(pattern), ['fields.a.validation.pattern pattern_unsupported'], pattern);
  }
});
