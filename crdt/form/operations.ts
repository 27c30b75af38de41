/**
 * Changes of a form as JSON: what PATCH takes.
 *
 * A target is `form`, `pages/<id>`, `fields/<id>` or `fields/<id>/options/<id>` (`…/rows/<id>` for rows of a matrix).
 * `after` is the id of the item before; null puts it first, absent last.
 */
import { z } from 'zod';
import { fieldSchema, idSchema, jsonSchema, languageSchema, optionSchema, pageSchema } from './form-json.js';

const targetSchema = z
  .string()
  .regex(
    /^(form|pages\/[A-Za-z0-9_-]{1,64}|fields\/[A-Za-z0-9_-]{1,64}(\/(options|rows)\/[A-Za-z0-9_-]{1,64})?)$/,
    'a target is form, pages/<id>, fields/<id> or fields/<id>/options/<id>',
  );
const textPropertySchema = z.enum(['title', 'description', 'placeholder', 'label']);
const afterSchema = idSchema.nullable().optional();
const listSchema = z.enum(['options', 'rows']).default('options');
const withoutId = (schema: z.ZodType): z.ZodType =>
  z.preprocess((value) => {
    if (typeof value !== 'object' || value === null || 'id' in value) return value;
    return { id: newId(), ...value };
  }, schema);

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
export type Operation = z.infer<typeof operationSchema>;
/** As a caller may write it, with defaults left out. */
export type OperationInput = z.input<typeof operationSchema>;

export interface OperationIssue {
  /** `operations/<index>` and the member. */
  readonly path: string;
  readonly message: string;
  readonly code: string;
}

/** Nothing was changed. */
export class OperationsRefusedError extends Error {
  readonly code = 'operations_refused';
  constructor(readonly issues: readonly OperationIssue[]) {
    super(issues.map((issue) => `${issue.path}: ${issue.message}`).join('; '));
    this.name = 'OperationsRefusedError';
  }
}

const ID_ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';

/** 16 characters of 36: 82 bits. */
export function newId(random: () => number = Math.random): string {
  return Array.from({ length: 16 }, () => ID_ALPHABET.charAt(Math.floor(random() * ID_ALPHABET.length))).join('');
}
