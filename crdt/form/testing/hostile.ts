/** Edits that no editor of ours would make: any type under any key, anywhere in the roots of a form. */
import fc from 'fast-check';
import * as Y from 'yjs';
import { FIELD_TYPES } from '../form-json.js';
import { CONFLICTS_ROOT } from '../../conflicts/entry.js';
import { LOCKS_ROOT } from '../../conflicts/locks.js';
import { ROOTS } from '../shape.js';

const KEYS = [
  ...Object.values(ROOTS),
  ...['p1', 'p2', 'f1', 'f2', 'f3', 'f4', 'o1', 'en', 'fr', 'x-y-z', 'not an id', '', '__proto__', 'constructor'],
  ...['toString', 'hasOwnProperty', '\ud800', 'k'.repeat(200), 'position', 'page', 'parent', 'type', 'title', 'label'],
  ...['description', 'placeholder', 'options', 'rows', 'required', 'validation', 'pattern', 'min', 'properties'],
  ...['visibleIf', 'calculate', 'repeat', 'jumps', 'languages', 'settings', 'schemaVersion', 'value', 'policy', '7-0'],
];
const key = fc.constantFrom(...KEYS);

let nested: unknown = 1;
for (let depth = 0; depth < 50; depth++) nested = depth % 2 === 0 ? [nested] : { a: nested };

/** Made anew for each use: a Yjs type can be inserted once. */
const leaf: fc.Arbitrary<() => unknown> = fc.oneof(
  fc
    .constantFrom<unknown>(
      null,
      undefined,
      true,
      -0,
      Number.NaN,
      Infinity,
      1e308,
      2n ** 60n,
      '',
      'a0',
      'a1',
      'zzz',
      '\udc00 half',
      'p1',
      'f1',
      'f2',
      'f3',
      'f4',
      ['en', 'fr'],
      [{ to: 'end' }],
      [{ to: 1 }],
      { min: 1, max: 0 },
      { default: 'manual', fields: {} },
      { kind: 'write', field: 'f1', path: ['required'], value: true, by: null, at: null },
      { holder: { id: 'me' }, since: 0, until: 1e15 },
      JSON.parse('{"__proto__":{"x":1}}'),
      nested,
    )
    .map((value) => () => value),
  fc.constantFrom(...FIELD_TYPES).map((type) => () => type),
  fc.constant(() => new Uint8Array([1, 2])),
  fc.constant(() => new Y.Doc()),
  fc.constant(() => new Y.Text('text')),
  fc.constant(() => Y.Array.from([1, new Y.Map([['a', 1]])])),
  fc.constant(() => new Y.XmlElement('p')),
  fc.constant(() => new Y.XmlText('xml')),
  fc.constant(() => new Y.XmlHook('hook')),
  fc.constant(() => {
    const fragment = new Y.XmlFragment();
    fragment.insert(0, [new Y.XmlElement('paragraph'), new Y.XmlText('rich')]);
    return fragment;
  }),
);

const value: fc.Arbitrary<() => unknown> = fc.letrec<{ value: () => unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(fc.tuple(key, tie('value')), { maxLength: 6 }).map((members) => () => {
      const map = new Y.Map<unknown>();
      for (const [name, make] of members) map.set(name, make());
      return map;
    }),
  ),
})).value;

const mapOf = (members: readonly (readonly [string, () => unknown])[]) => (): Y.Map<unknown> =>
  new Y.Map(members.map(([name, make]) => [name, make()]));
const container = fc
  .array(fc.tuple(fc.oneof(fc.constantFrom('en', 'o1', 'pattern', 'min', 'toString'), key), value), { maxLength: 4 })
  .map(mapOf);
const CONTAINERS = ['title', 'description', 'placeholder', 'options', 'rows', 'validation', 'properties', 'settings'];
/** A page or field that is almost one. */
const item = fc
  .tuple(
    fc.record(
      {
        position: fc.constantFrom('a0', 'a1', 'zzz').map((position) => () => position),
        type: fc.constantFrom('group', 'matrix', 'text').map((type) => () => type),
        page: fc.constantFrom('p1', 'p2', 'gone').map((page) => () => page),
        parent: fc.constantFrom('f1', 'f2', 'f3').map((parent) => () => parent),
      },
      { requiredKeys: [] },
    ),
    fc.array(fc.tuple(fc.constantFrom(...CONTAINERS), container), { maxLength: 4 }),
    fc.array(fc.tuple(key, leaf), { maxLength: 2 }),
  )
  .map(([place, containers, others]) => mapOf([...Object.entries(place), ...containers, ...others]));

export type HostileEdit = (doc: Y.Doc) => void;

const root = fc.constantFrom(...Object.values(ROOTS), LOCKS_ROOT, CONFLICTS_ROOT);
const itemRoot = fc.constantFrom(ROOTS.pages, ROOTS.fields);
const itemKey = fc.constantFrom('p1', 'p2', 'f1', 'f2', 'f3', 'f4');

/** Through maps only, so that any number may follow each other on one document. */
export const hostileEdit: fc.Arbitrary<HostileEdit> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(root, fc.array(fc.nat(9), { maxLength: 4 }), key, value).map(setInside) },
  { weight: 4, arbitrary: fc.tuple(itemRoot, fc.constant<number[]>([]), itemKey, item).map(setInside) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(root, fc.array(fc.nat(9), { maxLength: 4 }), fc.constantFrom(...CONTAINERS), container)
      .map(setInside),
  },
  { weight: 2, arbitrary: fc.tuple(root, fc.array(fc.nat(9), { maxLength: 4 })).map(removeInside) },
  { weight: 1, arbitrary: fc.tuple(root, fc.array(fc.nat(9), { maxLength: 4 }), value).map(listInside) },
  { weight: 1, arbitrary: fc.tuple(root, fc.array(fc.nat(9), { maxLength: 4 })).map(writeInside) },
);

/** As other types than maps: on a document where nobody has asked for the root yet. */
export const misreadRoot: fc.Arbitrary<HostileEdit> = fc
  .tuple(root, fc.nat(2), value)
  .map(([name, kind, make]): HostileEdit => (doc) => {
    if (kind === 0) doc.getArray(name).push([listable(make())]);
    else if (kind === 1) doc.getText(name).insert(0, 'text');
    else doc.getXmlFragment(name).insert(0, [new Y.XmlElement('p')]);
  });

function setInside([name, steps, key, make]: readonly [string, number[], string, () => unknown]): HostileEdit {
  return (doc) => {
    const map = mapAt(doc, name, steps);
    map.set(key, make());
  };
}

function removeInside([name, steps]: [string, number[]]): HostileEdit {
  return (doc) => {
    const map = mapAt(doc, name, steps);
    const keys = [...map.keys()];
    const key = keys[(steps[0] ?? 0) % Math.max(keys.length, 1)];
    if (key !== undefined) map.delete(key);
  };
}

/** List items in a map: what `Y.Array` and `Y.Text` do, on a type that others know as a map. */
function listInside([name, steps, make]: [string, number[], () => unknown]): HostileEdit {
  return (doc) => Y.Array.prototype.insert.call(mapAt(doc, name, steps) as never, 0, [listable(make())]);
}

/** Yjs refuses to put these into a list itself. */
const listable = (value: unknown): unknown => (value === undefined || typeof value === 'bigint' ? null : value);

function writeInside([name, steps]: [string, number[]]): HostileEdit {
  return (doc) => {
    for (const given of mapAt(doc, name, steps).values()) {
      if (given instanceof Y.Text)
        given.applyDelta([{ insert: { embed: 1 } }, { insert: 'x', attributes: { b: true } }]);
      else if (given instanceof Y.XmlFragment) given.insert(0, [new Y.XmlText('x')]);
    }
  };
}

/** A map as deep inside a root as the steps lead. */
function mapAt(doc: Y.Doc, name: string, steps: readonly number[]): Y.Map<unknown> {
  let map = doc.getMap(name);
  for (const step of steps) {
    const maps = [...map.values()].filter((given) => given instanceof Y.Map);
    const next = maps[step % Math.max(maps.length, 1)];
    if (next === undefined) break;
    map = next as Y.Map<unknown>;
  }
  return map;
}
