/** Random forms and random operations on them. */
import fc from 'fast-check';
import { allFields } from '../../logic/evaluate.js';
import { FIELD_TYPES, type FieldType, type FormJson, type Json, type OptionJson } from '../form-json.js';
import { formSchema } from '../form-schema.js';
import { normalize } from '../guard/normalize.js';
import { operationSchema } from '../operations/operation-schema.js';
import type { Operation, OperationInput } from '../operations/operations.js';
import { CHOICE_TYPES } from '../shape.js';

const LANGUAGES = ['en', 'fr', 'fr-CA'];
const WORDS = ['', 'Your name', 'Votre nom ?', 'a\nb ', '👩‍🚀 ok', 'same words but more of them', 'same words'];

const word = fc.constantFrom(...WORDS);
const texts = fc.dictionary(fc.constantFrom(...LANGUAGES), word, { maxKeys: 2 });
const json = fc
  .oneof(
    fc.constantFrom<Json>(null, true, 0, -1.5, 'x', [], {}, [1, [2]], { a: { b: 'é' } }),
    fc.constant<Json>({ '==': [{ var: 'f1' }, 'yes'] }),
  )
  .map((value) => structuredClone(value));
const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
const properties = fc.dictionary(fc.constantFrom('color', 'a.b', 'toString'), json, { maxKeys: 2 });
const options = (ids: readonly string[]): fc.Arbitrary<OptionJson[]> =>
  fc
    .shuffledSubarray([...ids])
    .chain((chosen) =>
      fc.tuple(
        ...chosen.map((id) =>
          fc.record({ id: fc.constant(id), label: texts, value: optional(fc.constantFrom<string | number>('v', 2)) }),
        ),
      ),
    );

/** Everything of a field but its id, type and place. */
const content = fc.record({
  title: texts,
  description: texts,
  placeholder: optional(texts),
  required: fc.boolean(),
  options: optional(options(['o1', 'o2', 'o3', 'o4'])),
  rows: optional(options(['r1', 'r2'])),
  validation: fc.record(
    { min: fc.integer(), maxLength: fc.nat(), pattern: fc.constant('^a+$'), accept: fc.constant(['image/*']) },
    { requiredKeys: [] },
  ),
  visibleIf: optional(json),
  calculate: optional(json),
  defaultValue: optional(json),
  repeat: optional(fc.record({ min: fc.nat(3), max: fc.integer({ min: 3, max: 9 }) }, { requiredKeys: [] })),
  properties: optional(properties),
});

interface Seat {
  readonly id: string;
  readonly type: FieldType;
  readonly content: typeof content extends fc.Arbitrary<infer T> ? T : never;
  /** Which of the places that there are by then. */
  readonly place: number;
}

const IDS = Array.from({ length: 9 }, (_, i) => `f${i}`);
const type = fc.oneof(fc.constant<FieldType>('group'), fc.constantFrom(...FIELD_TYPES));

/** Up to three pages and nine fields, with the same ids in all forms, in normal form. */
export const form: fc.Arbitrary<FormJson> = fc
  .record({
    title: texts,
    description: texts,
    languages: fc.uniqueArray(fc.constantFrom(...LANGUAGES), { minLength: 1 }),
    settings: properties,
    pages: fc.shuffledSubarray(['p1', 'p2', 'p3']),
    page: fc.record({ title: texts, visibleIf: optional(json), jumps: optional(fc.constant([{ to: 'end' }])) }),
    seats: fc
      .shuffledSubarray(IDS)
      .chain((ids) =>
        fc.tuple(
          ...ids.map((id): fc.Arbitrary<Seat> => fc.record({ id: fc.constant(id), type, content, place: fc.nat() })),
        ),
      ),
  })
  .map(({ title, description, languages, settings, pages, page, seats }) => {
    const places: object[][] = [];
    const built = pages.map((id) => {
      const fields: object[] = [];
      places.push(fields);
      return { id, ...page, description: {}, fields };
    });
    for (const { id, type, content, place } of places.length === 0 ? [] : seats) {
      const fields: object[] | undefined = type === 'group' ? [] : undefined;
      places[place % places.length]?.push({ ...content, id, type, fields });
      if (fields !== undefined) places.push(fields);
    }
    return normalize(formSchema.parse({ id: 'f', title, description, languages, settings, pages: built }));
  });

/** What somebody wants to do, before it is known to which form. */
export interface Intent {
  readonly kind: Operation['op'];
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly text: string;
  readonly value: Json;
}

const KINDS: Operation['op'][] = [
  'setProperty',
  'setTitle',
  'setDescription',
  'insertText',
  'deleteText',
  'addField',
  'moveField',
  'removeField',
  'addPage',
  'movePage',
  'removePage',
  'addOption',
  'moveOption',
  'removeOption',
];
export const MOVES = ['moveField', 'movePage', 'moveOption'] as const;

export const intentOf = (kinds: readonly Operation['op'][] = KINDS): fc.Arbitrary<Intent> =>
  fc.record({ kind: fc.constantFrom(...kinds), a: fc.nat(60), b: fc.nat(60), c: fc.nat(60), text: word, value: json });

const PATHS = [
  'required',
  'validation.min',
  'properties.color',
  'visibleIf',
  'defaultValue',
  'type',
  'repeat',
  'title.fr',
];
const SET: Record<string, (intent: Intent) => Json> = {
  required: ({ b }) => b % 2 === 0,
  'validation.min': ({ b }) => b,
  type: ({ b }) => at(FIELD_TYPES, b) ?? 'text',
  repeat: ({ b }) => ({ min: b }),
  'title.fr': ({ text }) => text,
};

/**
 * The operation in a form as it is now; undefined when there is nothing to do it with, such as no page to move.
 * @param newId of what is added
 */
export function operationOf(form: FormJson, intent: Intent, newId: string): Operation | undefined {
  const input = inputOf(form, intent, newId);
  return input === undefined ? undefined : operationSchema.parse(input);
}

function inputOf(form: FormJson, intent: Intent, newId: string): OperationInput | undefined {
  const { kind: op, a, b, c, text } = intent;
  const fields = form.pages.flatMap((page) => allFields(page.fields));
  const field = at(fields, a);
  const page = at(form.pages, a);
  const target = `fields/${field?.id ?? ''}`;
  const language = at(LANGUAGES, c) ?? 'en';
  switch (op) {
    case 'setProperty': {
      const path = at(PATHS, c) ?? 'required';
      return field && { op, target, path, value: SET[path]?.(intent) ?? intent.value };
    }
    case 'setTitle':
    case 'setDescription':
      return { op, target: field === undefined || b % 4 === 0 ? 'form' : target, language, value: text };
    case 'insertText': {
      const length = field?.title[language]?.length ?? 0;
      return field && { op, target, property: 'title', language, index: b % 2 === 0 ? 0 : length, text: `${text}.` };
    }
    case 'deleteText': {
      const length = field?.title[language]?.length ?? 0;
      return length === 0 ? undefined : { op, target, property: 'title', language, index: 0, length };
    }
    case 'addField': {
      const parent = at(
        fields.filter(({ type }) => type === 'group'),
        b,
      );
      const place = parent !== undefined && c % 2 === 0 ? { parent: parent.id } : { page: page?.id ?? '' };
      if (page === undefined) return undefined;
      const added = { id: newId, type: at(FIELD_TYPES, c) ?? 'text', title: { en: text } };
      return { op, ...place, field: added };
    }
    case 'moveField': {
      const groups = fields.filter(
        ({ id, type }) => type === 'group' && !(field && allFields([field]).some((one) => one.id === id)),
      );
      const group = at(groups, b);
      const goal = at(form.pages, b);
      if (field === undefined || goal === undefined) return undefined;
      if (group !== undefined && c % 2 === 0) return { op, fieldId: field.id, parent: group.id };
      const after = at([null, ...goal.fields.filter(({ id }) => id !== field.id).map(({ id }) => id)], c);
      return { op, fieldId: field.id, page: goal.id, after };
    }
    case 'removeField':
      return field && { op, fieldId: field.id };
    case 'addPage':
      return { op, page: { id: newId, title: { en: text } } };
    case 'movePage': {
      const after = at([null, ...form.pages.filter((other) => other !== page).map(({ id }) => id)], b);
      return page && { op, pageId: page.id, after };
    }
    case 'removePage':
      return page && { op, pageId: page.id };
    case 'addOption':
    case 'moveOption':
    case 'removeOption': {
      const asked = at(
        fields.filter((one) => CHOICE_TYPES.has(one.type) || (one.options ?? []).length > 0),
        a,
      );
      if (asked === undefined) return undefined;
      if (op === 'addOption') return { op, fieldId: asked.id, option: { id: newId, label: { en: text } } };
      const option = at(asked.options ?? [], b);
      if (option === undefined) return undefined;
      if (op === 'removeOption') return { op, fieldId: asked.id, optionId: option.id };
      const others = (asked.options ?? []).filter((other) => other !== option).map(({ id }) => id);
      return { op, fieldId: asked.id, optionId: option.id, after: at([null, ...others], c) };
    }
  }
}

/** Ids of pages, fields, and options by field, each as often as it occurs. */
export function idsOf(form: FormJson): string[] {
  const fields = form.pages.flatMap((page) => allFields(page.fields));
  return [
    ...form.pages.map(({ id }) => `pages/${id}`),
    ...fields.flatMap((field) => [
      `fields/${field.id}`,
      ...(field.options ?? []).map(({ id }) => `fields/${field.id}/options/${id}`),
      ...(field.rows ?? []).map(({ id }) => `fields/${field.id}/rows/${id}`),
    ]),
  ].sort();
}

function at<T>(items: readonly T[], index: number): T | undefined {
  return items.length === 0 ? undefined : items[index % items.length];
}
