/**
 * A form as JSON: what REST answers, importers produce, exporters read and the projection yields. Types alone, so that
 * a browser that reads forms loads no schemas: `form-schema.ts` has those, and is checked against these types.
 */
import type { Json } from './json-value.js';

export type { Json } from './json-value.js';

/** Text by language (BCP 47, such as `en` or `fr-CA`). */
export type Texts = Record<string, string>;

export const FIELD_TYPES = [
  'text',
  'paragraph',
  'email',
  'phone',
  'url',
  'number',
  'date',
  'time',
  'datetime',
  'choice',
  'choices',
  'dropdown',
  'ranking',
  'rating',
  'scale',
  'matrix',
  'boolean',
  'file',
  'signature',
  'statement',
  'group',
  'calculated',
  'hidden',
  'address',
] as const;
export type FieldType = (typeof FIELD_TYPES)[number];

/** Groups that a field may stand in, one inside the other. */
export const MAX_GROUP_DEPTH = 8;

/** One choice of a field, or one row of a matrix. */
export interface OptionJson {
  id: string;
  label: Texts;
  /** Value stored in answers and used in logic when it differs from the id. */
  value?: string | number | boolean | undefined;
}

export interface ValidationJson {
  minLength?: number | undefined;
  maxLength?: number | undefined;
  /** An ECMAScript regular expression. */
  pattern?: string | undefined;
  /** A number, or a date/time in ISO 8601 for fields of that type. */
  min?: number | string | undefined;
  max?: number | string | undefined;
  step?: number | undefined;
  minItems?: number | undefined;
  maxItems?: number | undefined;
  /** MIME types or extensions, as in HTML's `accept`. */
  accept?: string[] | undefined;
  maxBytes?: number | undefined;
  unique?: boolean | undefined;
}

/** After this page: go to `to` (a page id, or `end`) when `if` holds; the first that holds wins. */
export interface JumpJson {
  /** A JSONLogic rule; its variables are field ids. */
  if?: Json | undefined;
  to: string;
}

export interface FieldJson {
  id: string;
  type: FieldType;
  title: Texts;
  description: Texts;
  placeholder?: Texts | undefined;
  required: boolean;
  options?: OptionJson[] | undefined;
  /** Rows of a matrix; its columns are `options`. */
  rows?: OptionJson[] | undefined;
  validation: ValidationJson;
  visibleIf?: Json | undefined;
  requiredIf?: Json | undefined;
  enabledIf?: Json | undefined;
  /** JSONLogic that yields the value of a `calculated` field. */
  calculate?: Json | undefined;
  defaultValue?: Json | undefined;
  /** A `group` whose children may be filled several times. */
  repeat?: { min?: number | undefined; max?: number | undefined } | undefined;
  /** Children of a `group`. */
  fields?: FieldJson[] | undefined;
  /** Anything a builder keeps with the field; each key merges on its own. */
  properties?: Record<string, Json> | undefined;
}

export interface PageJson {
  id: string;
  title: Texts;
  description: Texts;
  visibleIf?: Json | undefined;
  jumps?: JumpJson[] | undefined;
  fields: FieldJson[];
}

export interface FormJson {
  id: string;
  title: Texts;
  description: Texts;
  languages: string[];
  settings: Record<string, Json>;
  pages: PageJson[];
}

type Omittable<T> = { [K in keyof T]?: T[K] | undefined };

/** As somebody may write it: what is empty is left out. */
export interface FieldInput extends Omittable<Omit<FieldJson, 'id' | 'type' | 'fields'>> {
  id: string;
  type: FieldType;
  fields?: FieldInput[] | undefined;
}

export interface PageInput extends Omittable<Omit<PageJson, 'id' | 'fields'>> {
  id: string;
  fields?: FieldInput[] | undefined;
}

export interface FormInput extends Omittable<Omit<FormJson, 'id' | 'pages'>> {
  id: string;
  pages?: PageInput[] | undefined;
}

/** Something that could not be carried over, or was changed, with the place in the source (JSON Pointer). */
export interface LossReportEntry {
  readonly path: string;
  readonly message: string;
}
