/**
 * Forms at the edge, where anything may arrive: one schema gives the validation and the OpenAPI entry of what
 * `form-json.ts` types. `form-values.ts` decides the same without schemas, for documents; a property test compares them.
 */
import { z } from 'zod';
import {
  FIELD_TYPES,
  MAX_GROUP_DEPTH,
  type FieldInput,
  type FieldJson,
  type FormInput,
  type FormJson,
  type JumpJson,
  type OptionJson,
  type PageJson,
  type ValidationJson,
} from './form-json.js';
import { ID, ID_RULE, LANGUAGE, LANGUAGE_RULE, MAX_PATTERN_LENGTH } from './form-values.js';
import { asJson, isKey, isUnsafeKey, MAX_JSON_DEPTH, MAX_KEY_LENGTH, type Json } from './json-value.js';

/** Refuses what `asJson` cannot keep, so that nothing is accepted and then lost. */
export const jsonSchema: z.ZodType<Json, Json> = z
  .json()
  .refine((value) => asJson(value) !== undefined, `nested at most ${MAX_JSON_DEPTH} deep, without names of prototypes`);

export const keySchema = z
  .string()
  .min(1)
  .max(MAX_KEY_LENGTH)
  .refine(isKey, 'a name of well-formed text, and none of a prototype');

/** Ids of forms, pages, fields, options and submissions. */
export const idSchema = z
  .string()
  .regex(ID, ID_RULE)
  .refine((id) => !isUnsafeKey(id), 'this name is reserved');

/** BCP 47, the part that forms use. */
export const languageSchema = z.string().regex(LANGUAGE, LANGUAGE_RULE);

/** Half a surrogate pair would become another character on its way to other replicas. */
const textSchema = z.string().refine((text) => text.isWellFormed(), 'a text without halves of surrogate pairs');

/** Text by language. */
export const textsSchema = z.record(languageSchema, textSchema);

/** One choice of a field, or one row of a matrix. */
export const optionSchema = z.strictObject({
  id: idSchema,
  label: textsSchema,
  /** Value stored in answers and used in logic when it differs from the id. */
  value: z.union([textSchema, z.number(), z.boolean()]).optional(),
});

export const validationSchema = z.strictObject({
  minLength: z.int().min(0).optional(),
  maxLength: z.int().min(0).optional(),
  pattern: textSchema.max(MAX_PATTERN_LENGTH).optional(),
  min: z.union([z.number(), textSchema]).optional(),
  max: z.union([z.number(), textSchema]).optional(),
  step: z.number().positive().optional(),
  minItems: z.int().min(0).optional(),
  maxItems: z.int().min(0).optional(),
  accept: z.array(textSchema).optional(),
  maxBytes: z.int().positive().optional(),
  unique: z.boolean().optional(),
});

/** A JSONLogic rule; its variables are field ids. */
export const ruleSchema = jsonSchema;

/** After this page: go to `to` (a page id, or `end`) when `if` holds; the first that holds wins. */
export const jumpSchema = z.strictObject({ if: ruleSchema.optional(), to: textSchema });

export const fieldSchema: z.ZodType<FieldJson, FieldInput> = z.lazy(() =>
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

export const formSchema = z.strictObject({
  id: idSchema,
  title: textsSchema.default({}),
  description: textsSchema.default({}),
  languages: z.array(languageSchema).default(['en']),
  settings: z.record(keySchema, jsonSchema).default({}),
  pages: z.array(pageSchema).default([]),
});

/** The compiler refuses this file when a schema and its type part ways. */
export type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
true satisfies Same<z.infer<typeof optionSchema>, OptionJson>;
true satisfies Same<z.infer<typeof validationSchema>, ValidationJson>;
true satisfies Same<z.infer<typeof jumpSchema>, JumpJson>;
true satisfies Same<z.infer<typeof pageSchema>, PageJson>;
true satisfies Same<z.infer<typeof formSchema>, FormJson>;
true satisfies Same<z.input<typeof formSchema>, FormInput>;
