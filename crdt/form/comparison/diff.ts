/** What changed between two forms, in the terms of their authors, and what that means for answers already given. */
import { allFields } from '../../logic/evaluate.js';
import { isSameJson } from '../equality.js';
import type { FieldJson, FormJson, OptionJson, PageJson } from '../form-json.js';
import { normalize } from '../guard/normalize.js';

export interface FormChange {
  readonly kind: 'added' | 'removed' | 'moved' | 'changed';
  /** `form`, `pages/<id>`, `fields/<id>`, `fields/<id>/options/<id>`. */
  readonly target: string;
  /** Dotted name of what changed, such as `title.en` or `validation.min`; absent when the whole item came, went or moved. */
  readonly property?: string;
  readonly before?: unknown;
  readonly after?: unknown;
  /** Of what was removed: where it stood, as `before` of a move has it. */
  readonly position?: { readonly place: string; readonly index: number };
}

export interface FormDiff {
  readonly changes: readonly FormChange[];
}

interface Placed<T> {
  readonly item: T;
  readonly place: string;
  readonly index: number;
}

export function diffForms(before: FormJson, after: FormJson): FormDiff {
  const changes: FormChange[] = [];
  const [a, b] = [normalize(before), normalize(after)];
  compareMembers(changes, 'form', without(a, ['id', 'pages']), without(b, ['id', 'pages']));
  compareItems(changes, placePages(a), placePages(b), (id) => `pages/${id}`, ['id', 'fields']);
  const fieldsBefore = placeFields(a);
  const fieldsAfter = placeFields(b);
  compareItems(changes, fieldsBefore, fieldsAfter, (id) => `fields/${id}`, ['id', 'fields', 'options', 'rows']);
  for (const [id, { item }] of fieldsAfter) {
    const old = fieldsBefore.get(id)?.item;
    if (old === undefined) continue;
    for (const list of ['options', 'rows'] as const) {
      const name = (optionId: string): string => `fields/${id}/${list}/${optionId}`;
      compareItems(changes, placeOptions(old[list]), placeOptions(item[list]), name, ['id']);
    }
  }
  return { changes };
}

function placePages(form: FormJson): Map<string, Placed<PageJson>> {
  return new Map(form.pages.map((item, index) => [item.id, { item, place: '', index }]));
}

function placeFields(form: FormJson): Map<string, Placed<FieldJson>> {
  const placed = new Map<string, Placed<FieldJson>>();
  const visit = (fields: readonly FieldJson[], place: string): void =>
    fields.forEach((item, index) => {
      placed.set(item.id, { item, place, index });
      visit(item.fields ?? [], `fields/${item.id}`);
    });
  for (const page of form.pages) visit(page.fields, `pages/${page.id}`);
  return placed;
}

function placeOptions(options: readonly OptionJson[] = []): Map<string, Placed<OptionJson>> {
  return new Map(options.map((item, index) => [item.id, { item, place: '', index }]));
}

function compareItems<T extends object>(
  changes: FormChange[],
  before: ReadonlyMap<string, Placed<T>>,
  after: ReadonlyMap<string, Placed<T>>,
  name: (id: string) => string,
  ignored: readonly string[],
): void {
  for (const [id, { item, place, index }] of before) {
    if (!after.has(id)) changes.push({ kind: 'removed', target: name(id), before: item, position: { place, index } });
  }
  const stayed = unmoved(before, after);
  for (const [id, { item, place, index }] of after) {
    const old = before.get(id);
    if (old === undefined) {
      changes.push({ kind: 'added', target: name(id), after: item });
      continue;
    }
    if (!stayed.has(id)) {
      const at = (where: Placed<T>): unknown => ({ place: where.place, index: where.index });
      changes.push({ kind: 'moved', target: name(id), before: at(old), after: at({ item, place, index }) });
    }
    compareMembers(changes, name(id), without(old.item, ignored), without(item, ignored));
  }
}

/** Items whose place is the same and which kept their order among those that stayed: the largest such set per place. */
function unmoved<T>(before: ReadonlyMap<string, Placed<T>>, after: ReadonlyMap<string, Placed<T>>): Set<string> {
  const stayed = new Set<string>();
  const places = new Map<string, string[]>();
  for (const [id, { place }] of after) {
    if (before.get(id)?.place !== place) continue;
    const ids = places.get(place);
    if (ids === undefined) places.set(place, [id]);
    else ids.push(id);
  }
  for (const ids of places.values()) {
    ids.sort((x, y) => (after.get(x)?.index ?? 0) - (after.get(y)?.index ?? 0));
    const indexes = ids.map((id) => before.get(id)?.index ?? 0);
    const best = indexes.map(() => 1);
    const previous = indexes.map(() => -1);
    let last = -1;
    indexes.forEach((value, i) => {
      for (let j = 0; j < i; j++) {
        if ((indexes[j] ?? 0) < value && (best[j] ?? 0) + 1 > (best[i] ?? 0)) {
          best[i] = (best[j] ?? 0) + 1;
          previous[i] = j;
        }
      }
      if (last === -1 || (best[i] ?? 0) > (best[last] ?? 0)) last = i;
    });
    for (let i = last; i >= 0; i = previous[i] ?? -1) stayed.add(ids[i] ?? '');
  }
  return stayed;
}

const NESTED = new Set(['title', 'description', 'placeholder', 'label', 'settings', 'validation', 'properties']);

function compareMembers(changes: FormChange[], target: string, before: object, after: object, prefix = ''): void {
  const a = before as Record<string, unknown>;
  const b = after as Record<string, unknown>;
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    if (isSameJson(a[key], b[key])) continue;
    if (prefix === '' && NESTED.has(key)) {
      compareMembers(changes, target, a[key] ?? {}, b[key] ?? {}, `${key}.`);
      continue;
    }
    changes.push({
      kind: 'changed',
      target,
      property: prefix + key,
      ...(a[key] === undefined ? {} : { before: a[key] }),
      ...(b[key] === undefined ? {} : { after: b[key] }),
    });
  }
}

function without(record: object, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(record).filter(([key]) => !keys.includes(key)));
}

export interface Impact {
  readonly target: string;
  /** `none`: answers stay as they are; `review`: some may no longer be valid; `loss`: answers have nowhere to go. */
  readonly severity: 'none' | 'review' | 'loss';
  readonly message: string;
}

/** What a diff means for answers that were collected with the earlier form. */
export function impactOf(diff: FormDiff, before: FormJson): Impact[] {
  const known = new Set(before.pages.flatMap((page) => allFields(page.fields)).map((field) => field.id));
  return diff.changes.flatMap((change): Impact[] => {
    const { kind, target, property } = change;
    const [area, id = '', list] = target.split('/');
    if (area !== 'fields' || !known.has(id)) return [];
    if (kind === 'removed') {
      const message =
        list === undefined ? 'its answers are no longer asked for' : 'answers that chose it have no option';
      return [{ target, severity: 'loss', message }];
    }
    if (list !== undefined && property === 'value') {
      return [{ target, severity: 'review', message: 'answers that chose it hold its earlier value' }];
    }
    if (property === 'repeat' || (kind === 'moved' && list === undefined && isInGroup(change))) {
      return [{ target, severity: 'review', message: 'answers of a group that repeats stand in a list' }];
    }
    if (property === 'type')
      return [{ target, severity: 'review', message: 'answers were given to another type of field' }];
    if (property?.startsWith('validation.') === true || property === 'required' || property === 'requiredIf') {
      return [{ target, severity: 'review', message: `answers may not satisfy ${property}` }];
    }
    if (property === 'visibleIf')
      return [{ target, severity: 'review', message: 'it may have been answered while it is hidden now' }];
    return [];
  });
}

/** Whether a field left or entered a group, where answers may stand elsewhere. */
function isInGroup({ before, after }: FormChange): boolean {
  const places = [before, after].map((where) => (where as { place: string }).place);
  return places[0] !== places[1] && places.some((place) => place.startsWith('fields/'));
}
