/**
 * A form as JSON: what REST answers, importers produce, exporters read and the projection yields.
 * One schema gives the type, the validation and the OpenAPI entry.
 */
import { z } from 'zod';
import { isUnsafeKey, jsonSchema, keySchema, type Json } from './json-value.js';

export { jsonSchema, type Json };

/** Ids of forms, pages, fields, options and submissions. */
export const idSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, 'an id is 1 to 64 of A-Z a-z 0-9 _ -')
  .refine((id) => !isUnsafeKey(id), 'this name is reserved');

/** BCP 47, the part that forms use. */
export const languageSchema = z
  .string()
  .regex(/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/, 'a language tag such as en or fr-CA');

/** Half a surrogate pair would become another character on its way to other replicas. */
const textSchema = z.string().refine((text) => text.isWellFormed(), 'a text without halves of surrogate pairs');

/** Text by language. */
export const textsSchema = z.record(languageSchema, textSchema);
export type Texts = z.infer<typeof textsSchema>;

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

/** One choice of a field, or one row of a matrix. */
export const optionSchema = z.strictObject({
  id: idSchema,
  label: textsSchema,
  /** Value stored in answers and used in logic when it differs from the id. */
  value: z.union([textSchema, z.number(), z.boolean()]).optional(),
});
export type OptionJson = z.infer<typeof optionSchema>;

export const validationSchema = z.strictObject({
  minLength: z.int().min(0).optional(),
  maxLength: z.int().min(0).optional(),
  /** An ECMAScript regular expression. */
  pattern: textSchema.max(1000).optional(),
  /** A number, or a date/time in ISO 8601 for fields of that type. */
  min: z.union([z.number(), textSchema]).optional(),
  max: z.union([z.number(), textSchema]).optional(),
  step: z.number().positive().optional(),
  minItems: z.int().min(0).optional(),
  maxItems: z.int().min(0).optional(),
  /** MIME types or extensions, as in HTML's `accept`. */
  accept: z.array(textSchema).optional(),
  maxBytes: z.int().positive().optional(),
  unique: z.boolean().optional(),
});
export type ValidationJson = z.infer<typeof validationSchema>;

/** A JSONLogic rule; its variables are field ids. */
export const ruleSchema = jsonSchema;

/** After this page: go to `to` (a page id, or `end`) when `if` holds; the first that holds wins. */
export const jumpSchema = z.strictObject({ if: ruleSchema.optional(), to: textSchema });

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

export const fieldSchema: z.ZodType<FieldJson> = z.lazy(() =>
  z.strictObject({
    id: idSchema,
    type: z.enum(FIELD_TYPES),
    title: textsSchema.default({}),
    description: textsSchema.default({}),
    placeholder: textsSchema.optional(),
    required: z.boolean().default(false),
    options: z.array(optionSchema).optional(),
    rows: z.array(optionSchema).optional(),
    validation: validationSchema.default({}),
    visibleIf: ruleSchema.optional(),
    requiredIf: ruleSchema.optional(),
    enabledIf: ruleSchema.optional(),
    calculate: ruleSchema.optional(),
    defaultValue: jsonSchema.optional(),
    repeat: z.strictObject({ min: z.int().min(0).optional(), max: z.int().min(1).optional() }).optional(),
    fields: z.array(fieldSchema).optional(),
    properties: z.record(keySchema, jsonSchema).optional(),
  }),
);

/** Groups that a field may stand in, one inside the other. */
export const MAX_GROUP_DEPTH = 8;

const depthOf = (fields: readonly FieldJson[]): number =>
  fields.reduce((deepest, { fields: children = [] }) => Math.max(deepest, 1 + depthOf(children)), 0);

export const pageSchema = z.strictObject({
  id: idSchema,
  title: textsSchema.default({}),
  description: textsSchema.default({}),
  visibleIf: ruleSchema.optional(),
  jumps: z.array(jumpSchema).optional(),
  fields: z
    .array(fieldSchema)
    .refine((fields) => depthOf(fields) <= MAX_GROUP_DEPTH + 1, `groups are nested at most ${MAX_GROUP_DEPTH} deep`)
    .default([]),
});
export type PageJson = z.infer<typeof pageSchema>;

export const formSchema = z.strictObject({
  id: idSchema,
  title: textsSchema.default({}),
  description: textsSchema.default({}),
  languages: z.array(languageSchema).default(['en']),
  settings: z.record(keySchema, jsonSchema).default({}),
  pages: z.array(pageSchema).default([]),
});
export type FormJson = z.infer<typeof formSchema>;

/** Something that could not be carried over, or was changed, with the place in the source (JSON Pointer). */
export interface LossReportEntry {
  readonly path: string;
  readonly message: string;
}
