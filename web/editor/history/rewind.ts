/** A form as it was before changes that its log tells: each is taken back on a copy. */
import type { FieldJson, FormJson } from '../../../crdt/form/form-json.js';

export interface LoggedChange {
  /** `<entry>.<number>`: changes that were made at once share the entry. */
  readonly id: string;
  readonly at: string;
  readonly user: { readonly id: string; readonly name?: string };
  readonly source: string;
  readonly kind: 'added' | 'removed' | 'moved' | 'changed';
  readonly target: string;
  readonly property: string | null;
  readonly before?: unknown;
  readonly after?: unknown;
  readonly position?: Spot;
}

interface Spot {
  readonly place: string;
  readonly index: number;
}
interface Item {
  readonly id: string;
}

/** Newest first, as the log lists them; changes that were made at once are together. */
export function entriesOf(changes: readonly LoggedChange[]): LoggedChange[][] {
  const entries: LoggedChange[][] = [];
  const nameOf = ({ id }: LoggedChange): string => id.slice(0, id.lastIndexOf('.'));
  for (const change of changes) {
    const last = entries[entries.length - 1];
    const first = last?.[0];
    if (last !== undefined && first !== undefined && nameOf(first) === nameOf(change)) last.push(change);
    else entries.push([change]);
  }
  return entries;
}

const ORDER = { added: 0, removed: 1, moved: 2, changed: 3 } as const;

/** @param entry changes that were made at once */
export function rewind(form: FormJson, entry: readonly LoggedChange[]): FormJson {
  const earlier = structuredClone(form);
  // Pages come back before their fields, a group with its children before them.
  const depthOf = ({ position }: LoggedChange): number =>
    ['', 'pages', 'fields'].indexOf(position?.place.split('/')[0] ?? '');
  const sorted = [...entry].sort(
    (a, b) => ORDER[a.kind] - ORDER[b.kind] || depthOf(a) - depthOf(b) || indexOf(a) - indexOf(b),
  );
  for (const change of sorted) takeBack(earlier, change);
  return earlier;
}

const isSpot = (value: unknown): value is Spot =>
  typeof value === 'object' && value !== null && 'place' in value && 'index' in value;
const indexOf = ({ position, before }: LoggedChange): number =>
  (position ?? (isSpot(before) ? before : undefined))?.index ?? 0;

function takeBack(form: FormJson, { kind, target, property, before, position }: LoggedChange): void {
  switch (kind) {
    case 'added':
      remove(form, target);
      break;
    case 'removed':
      if (typeof before === 'object' && before !== null && findItem(form, target) === undefined)
        insert(form, target, structuredClone(before) as Item, position);
      break;
    case 'moved': {
      const item = remove(form, target);
      if (item !== undefined) insert(form, target, item, isSpot(before) ? before : undefined);
      break;
    }
    case 'changed':
      if (property !== null) setProperty(form, target, property, before);
  }
}

/** The list in which a target stands, or would stand. */
function listsOf(form: FormJson, target: string): Item[][] {
  const [area, id = '', list] = target.split('/');
  if (area === 'pages') return [form.pages];
  if (list === 'options' || list === 'rows') {
    const field = fieldsIn(form).find((each) => each.id === id);
    if (field === undefined) return [];
    return [(field[list] ??= [])];
  }
  return [
    ...form.pages.map((page) => page.fields),
    ...fieldsIn(form).flatMap(({ fields }) => (fields === undefined ? [] : [fields])),
  ];
}

const idOf = (target: string): string => target.split('/').at(-1) ?? '';

export const fieldsIn = (form: FormJson): FieldJson[] => {
  const within = (fields: readonly FieldJson[]): FieldJson[] =>
    fields.flatMap((field) => [field, ...within(field.fields ?? [])]);
  return form.pages.flatMap((page) => within(page.fields));
};

function findItem(form: FormJson, target: string): Item | undefined {
  const id = idOf(target);
  return listsOf(form, target)
    .flat()
    .find((item) => item.id === id);
}

function remove(form: FormJson, target: string): Item | undefined {
  const id = idOf(target);
  for (const list of listsOf(form, target)) {
    const index = list.findIndex((item) => item.id === id);
    if (index !== -1) return list.splice(index, 1)[0];
  }
  return undefined;
}

function insert(form: FormJson, target: string, item: Item, spot: Spot | undefined): void {
  const place = spot?.place.split('/') ?? [];
  const list: readonly Item[] | undefined =
    place[0] === 'pages'
      ? form.pages.find(({ id }) => id === place[1])?.fields
      : place[0] === 'fields'
        ? fieldsIn(form).find(({ id }) => id === place[1])?.fields
        : listsOf(form, target)[0];
  const into = (list ?? form.pages[0]?.fields) as Item[] | undefined;
  // A page is told without its fields; they come back by their own entries.
  const whole: Item = target.startsWith('pages/') && !('fields' in item) ? Object.assign(item, { fields: [] }) : item;
  into?.splice(Math.min(spot?.index ?? into.length, into.length), 0, whole);
}

function setProperty(form: FormJson, target: string, property: string, value: unknown): void {
  const holder = (target === 'form' ? form : findItem(form, target)) as Record<string, unknown> | undefined;
  if (holder === undefined) return;
  const dot = property.indexOf('.');
  const [member, key] = dot === -1 ? [property, undefined] : [property.slice(0, dot), property.slice(dot + 1)];
  const place = key === undefined ? holder : ((holder[member] ??= {}) as Record<string, unknown>);
  if (value === undefined) Reflect.deleteProperty(place, key ?? member);
  else place[key ?? member] = structuredClone(value);
}
