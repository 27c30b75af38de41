/** Forms without schemas: what `formSchema` accepts is accepted here, and what it fills in is filled in. */
import { listOf, objectOf, recordOf, valueThat, type Check, type ValueIssue } from './check.js';
import {
  MAX_GROUP_DEPTH,
  type FieldInput,
  type FieldJson,
  type FormInput,
  type FormJson,
  type PageInput,
  type PageJson,
} from '../form-json.js';
import {
  ID_RULE,
  isFieldType,
  isId,
  isLanguage,
  isOptionValue,
  isText,
  isValidationEntry,
  LANGUAGE_RULE,
} from '../form-values.js';
import { asJson, isKey } from '../json-value.js';

export const id = valueThat(isId, ID_RULE);
export const language = valueThat(isLanguage, LANGUAGE_RULE);
const text = valueThat(isText, 'a text without halves of surrogate pairs');
export const json = valueThat(
  (value) => asJson(value) !== undefined,
  'a value that JSON can say, not nested too deeply',
);
const texts = recordOf(isLanguage, LANGUAGE_RULE, text);
const entries = recordOf(isKey, 'a name of well-formed text, and none of a prototype', json);

const limit = (name: string): Check => valueThat((value) => isValidationEntry(name, value), `no ${name} can be this`);
const LIMITS = [
  'minLength',
  'maxLength',
  'pattern',
  'min',
  'max',
  'step',
  'minItems',
  'maxItems',
  'accept',
  'maxBytes',
  'unique',
];
const validation = objectOf(Object.fromEntries(LIMITS.map((name) => [name, limit(name)])));
const count = (lowest: number): Check =>
  valueThat(
    (value) => Number.isSafeInteger(value) && (value as number) >= lowest,
    `a whole number from ${lowest} is needed`,
  );

export const optionCheck = objectOf(
  { id, label: texts, value: valueThat(isOptionValue, 'a text, a number, or true or false') },
  ['id', 'label'],
);

/** By how many groups stand around it. */
const FIELD_CHECKS: readonly Check[] = Array.from({ length: MAX_GROUP_DEPTH + 1 }, (_, depth) =>
  objectOf(
    {
      id,
      type: valueThat(isFieldType, 'there is no such type of field'),
      title: texts,
      description: texts,
      placeholder: texts,
      required: valueThat((value) => typeof value === 'boolean', 'true or false'),
      options: listOf(optionCheck),
      rows: listOf(optionCheck),
      validation,
      visibleIf: json,
      requiredIf: json,
      enabledIf: json,
      calculate: json,
      defaultValue: json,
      repeat: objectOf({ min: count(0), max: count(1) }),
      fields: (value, path, issues) => listOf(FIELD_CHECKS[depth + 1] ?? tooDeep)(value, path, issues),
      properties: entries,
    },
    ['id', 'type'],
  ),
);
const tooDeep: Check = (_, path, issues) =>
  void issues.push({ path, message: `groups are nested at most ${MAX_GROUP_DEPTH} deep` });

export const fieldCheck: Check = (value, path, issues) => FIELD_CHECKS[0]?.(value, path, issues);

export const pageCheck = objectOf(
  {
    id,
    title: texts,
    description: texts,
    visibleIf: json,
    jumps: listOf(objectOf({ if: json, to: text }, ['to'])),
    fields: listOf(fieldCheck),
  },
  ['id'],
);

const formCheck = objectOf(
  { id, title: texts, description: texts, languages: listOf(language), settings: entries, pages: listOf(pageCheck) },
  ['id'],
);

/** What keeps a value from being a form; nothing when it is one, as far as a schema can tell. */
export function formIssues(value: unknown): ValueIssue[] {
  const issues: ValueIssue[] = [];
  formCheck(value, '', issues);
  return issues;
}

/** Fills in what may be left out. */
export function completeForm(form: FormInput): FormJson {
  const { title = {}, description = {}, languages = ['en'], settings = {}, pages = [] } = form;
  return { id: form.id, title, description, languages, settings, pages: pages.map(completePage) };
}

export function completePage(page: PageInput): PageJson {
  const { title = {}, description = {}, fields = [] } = page;
  return { ...page, title, description, fields: fields.map(completeField) };
}

export function completeField(field: FieldInput): FieldJson {
  const { title = {}, description = {}, required = false, validation: limits = {}, fields, ...others } = field;
  const complete: FieldJson = { ...others, title, description, required, validation: limits };
  if (fields !== undefined) complete.fields = fields.map(completeField);
  return complete;
}
