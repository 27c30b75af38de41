/** What a field of each type is when it is new. */
import { newId } from '../../../crdt/form/operations/operations.js';
import type { FieldJson, FieldType } from '../../../crdt/form/form-json.js';

export function newField(type: FieldType, language: string, option: string): FieldJson {
  const field: FieldJson = { id: newId(), type, title: {}, description: {}, required: false, validation: {} };
  const choices = (count: number, name: string): FieldJson['options'] =>
    Array.from({ length: count }, (_, i) => ({ id: newId(), label: { [language]: `${name} ${i + 1}` } }));
  if (['choice', 'choices', 'dropdown', 'ranking', 'matrix'].includes(type)) field.options = choices(2, option);
  if (type === 'matrix') field.rows = choices(2, option);
  if (type === 'rating' || type === 'scale') field.validation = { min: 1, max: type === 'rating' ? 5 : 10 };
  if (type === 'group') field.fields = [];
  return field;
}

/** As authors look for them. */
export const TYPE_GROUPS: readonly {
  readonly word: 'typesText' | 'typesChoice' | 'typesOther';
  readonly types: readonly FieldType[];
}[] = [
  {
    word: 'typesText',
    types: ['text', 'paragraph', 'email', 'phone', 'url', 'number', 'date', 'time', 'datetime', 'address'],
  },
  { word: 'typesChoice', types: ['choice', 'choices', 'dropdown', 'boolean', 'ranking', 'rating', 'scale', 'matrix'] },
  { word: 'typesOther', types: ['statement', 'group', 'file', 'signature', 'calculated', 'hidden'] },
];

export const TYPE_SIGNS: Readonly<Record<FieldType, string>> = {
  text: 'Aa',
  paragraph: '¶',
  email: '@',
  phone: '☏',
  url: '↗',
  number: '12',
  date: '▦',
  time: '◷',
  datetime: '▦',
  address: '⌂',
  choice: '◉',
  choices: '☑',
  dropdown: '▾',
  boolean: '⇄',
  ranking: '≡',
  rating: '★',
  scale: '↔',
  matrix: '▤',
  statement: 'T',
  group: '▣',
  file: '⇪',
  signature: '✍',
  calculated: 'ƒ',
  hidden: '◌',
};
