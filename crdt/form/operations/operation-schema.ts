/** Operations at the edge: the validation and the OpenAPI entry of what `operations.ts` types. */
import { z } from 'zod';
import {
  fieldSchema,
  idSchema,
  jsonSchema,
  languageSchema,
  optionSchema,
  pageSchema,
  type Same,
} from '../form-schema.js';
import { isObject } from '../form-values.js';
import { newId, type Operation } from './operations.js';
import { TARGET, TARGET_RULE, TEXT_PROPERTIES } from './target.js';

const targetSchema = z.string().regex(TARGET, TARGET_RULE);
const textPropertySchema = z.enum(TEXT_PROPERTIES);
const afterSchema = idSchema.nullable().optional();
const listSchema = z.enum(['options', 'rows']).default('options');
const withoutId = <T extends z.ZodType>(schema: T): z.ZodPreprocess<T> =>
  z.preprocess((value) => (isObject(value) && value['id'] === undefined ? { ...value, id: newId() } : value), schema);

export const operationSchema = z.discriminatedUnion('op', [
  z.strictObject({
    op: z.literal('setProperty'),
    target: targetSchema,
    /** A property name, dotted when nested: `required`, `validation.min`, `title.en`. */
    path: z.string().min(1).max(256),
    /** null or absent removes what may be absent. */
    value: jsonSchema.optional(),
  }),
  z.strictObject({
    op: z.literal('setTitle'),
    target: targetSchema.default('form'),
    language: languageSchema,
    value: z.string(),
  }),
  z.strictObject({
    op: z.literal('setDescription'),
    target: targetSchema.default('form'),
    language: languageSchema,
    value: z.string(),
  }),
  z.strictObject({
    op: z.literal('insertText'),
    target: targetSchema,
    property: textPropertySchema,
    language: languageSchema,
    /** In UTF-16 units. */
    index: z.int().min(0),
    text: z.string().min(1),
  }),
  z.strictObject({
    op: z.literal('deleteText'),
    target: targetSchema,
    property: textPropertySchema,
    language: languageSchema,
    index: z.int().min(0),
    length: z.int().min(1),
  }),
  z.strictObject({
    op: z.literal('addField'),
    page: idSchema.optional(),
    /** Id of a group, instead of a page. */
    parent: idSchema.optional(),
    after: afterSchema,
    field: withoutId(fieldSchema),
  }),
  z.strictObject({
    op: z.literal('moveField'),
    fieldId: idSchema,
    page: idSchema.optional(),
    parent: idSchema.optional(),
    after: afterSchema,
  }),
  z.strictObject({ op: z.literal('removeField'), fieldId: idSchema }),
  z.strictObject({ op: z.literal('addPage'), after: afterSchema, page: withoutId(pageSchema) }),
  z.strictObject({ op: z.literal('movePage'), pageId: idSchema, after: afterSchema }),
  z.strictObject({ op: z.literal('removePage'), pageId: idSchema }),
  z.strictObject({
    op: z.literal('addOption'),
    fieldId: idSchema,
    list: listSchema,
    after: afterSchema,
    option: withoutId(optionSchema),
  }),
  z.strictObject({
    op: z.literal('moveOption'),
    fieldId: idSchema,
    list: listSchema,
    optionId: idSchema,
    after: afterSchema,
  }),
  z.strictObject({ op: z.literal('removeOption'), fieldId: idSchema, list: listSchema, optionId: idSchema }),
]);

true satisfies Same<z.infer<typeof operationSchema>, Operation>;
