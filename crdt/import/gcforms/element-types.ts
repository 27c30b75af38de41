import type { FieldType } from '../../form/form-json.js';

/** GC Forms element types and what they are here. Source: the element types of its form builder. */
export const GC_ELEMENT_TYPES: Readonly<Record<string, FieldType>> = {
  textField: 'text',
  textArea: 'paragraph',
  dropdown: 'dropdown',
  combobox: 'dropdown',
  radio: 'choice',
  checkbox: 'choices',
  attestation: 'choices',
  fileInput: 'file',
  richText: 'statement',
  dynamicRow: 'group',
  addressComplete: 'address',
  address: 'address',
  name: 'text',
  firstMiddleLastName: 'group',
  contact: 'group',
  departments: 'dropdown',
  number: 'number',
  numberInput: 'number',
  date: 'date',
  formattedDate: 'date',
};

/** A text field with one of these as its validation type is a field of its own type here. */
export const GC_TEXT_TYPES: Readonly<Record<string, FieldType>> = {
  email: 'email',
  phone: 'phone',
  tel: 'phone',
  number: 'number',
  date: 'date',
  time: 'time',
  url: 'url',
};

/** The element type that a field type is exported as when nothing else is known. */
export const GC_TYPE_OF_FIELD: Readonly<Record<FieldType, string | undefined>> = {
  text: 'textField',
  paragraph: 'textArea',
  email: 'textField',
  phone: 'textField',
  url: 'textField',
  number: 'numberInput',
  date: 'formattedDate',
  time: 'textField',
  datetime: 'textField',
  choice: 'radio',
  choices: 'checkbox',
  dropdown: 'dropdown',
  ranking: 'checkbox',
  rating: 'numberInput',
  scale: 'numberInput',
  matrix: undefined,
  boolean: 'radio',
  file: 'fileInput',
  signature: 'textField',
  statement: 'richText',
  group: 'dynamicRow',
  calculated: undefined,
  hidden: undefined,
  address: 'addressComplete',
};

/** Parts that GC Forms shows for its compound elements; their answers need a field each. */
export const GC_PARTS: Readonly<Record<string, readonly { id: string; type: FieldType; en: string; fr: string }[]>> = {
  firstMiddleLastName: [
    { id: 'first', type: 'text', en: 'First name', fr: 'Prénom' },
    { id: 'middle', type: 'text', en: 'Middle name', fr: 'Deuxième prénom' },
    { id: 'last', type: 'text', en: 'Last name', fr: 'Nom de famille' },
  ],
  contact: [
    { id: 'phone', type: 'phone', en: 'Phone number', fr: 'Numéro de téléphone' },
    { id: 'email', type: 'email', en: 'Email address', fr: 'Adresse courriel' },
  ],
};
