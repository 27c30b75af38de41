/** What the endpoints of forms take and answer. */
import { z } from 'zod';
import {
  FIELD_TYPES,
  fieldSchema,
  formSchema,
  idSchema,
  jsonSchema,
  languageSchema,
  operationSchema,
} from '../../crdt/index.js';
import { IMPORT_FORMATS } from '../../crdt/import/index.js';
import { pageOf, pageQuery, timeSchema } from '../http/pages.js';

z.globalRegistry.add(fieldSchema, { id: 'Field', description: `One of ${FIELD_TYPES.join(', ')}.` });
z.globalRegistry.add(formSchema, { id: 'Form' });
z.globalRegistry.add(jsonSchema, { id: 'Json', description: 'Any JSON value.' });

export const formParams = z.object({ formId: idSchema });
export const fieldParams = z.object({ formId: idSchema, fieldId: idSchema });

const lossReportSchema = z
  .array(z.object({ path: z.string(), message: z.string() }))
  .describe('What could not be carried over as it was.');

/** The id may be left out: a new one is made. */
export const newFormSchema = formSchema.extend({ id: idSchema.optional() });
export const importRequestSchema = z.strictObject({
  id: idSchema.optional(),
  import: z.strictObject({
    format: z.enum(IMPORT_FORMATS),
    source: z.unknown().describe('The parsed JSON of the form in that format.'),
  }),
});
export const createdFormSchema = z.object({ form: formSchema, report: lossReportSchema });

export const listQuery = z.object({
  ...pageQuery,
  q: z.string().max(200).optional().describe('Text in any language of the title.'),
  status: z.enum(['draft', 'published']).optional(),
});
const formSummarySchema = z.object({
  id: idSchema,
  title: z.record(z.string(), z.string()),
  languages: z.array(z.string()),
  status: z.enum(['draft', 'published']),
  version: z.number().nullable().describe('The version that is published.'),
  pages: z.number(),
  fields: z.number(),
  createdAt: timeSchema,
  changedAt: timeSchema,
  connections: z.number(),
});
export const formListSchema = pageOf(formSummarySchema);

export const readQuery = z.object({
  version: z.coerce.number().int().min(1).optional().describe('A published version instead of the draft.'),
  lang: languageSchema.optional().describe('Texts in this language alone; where one is missing, the first there is.'),
});

export const patchSchema = z.strictObject({ operations: z.array(operationSchema).min(1).max(1_000) });
export const putSchema = formSchema.extend({ id: idSchema.optional() });
export const importIntoSchema = importRequestSchema.omit({ id: true });

export const presenceSchema = z.object({
  data: z.array(
    z.object({
      user: z.object({ id: z.string(), name: z.string().optional() }),
      role: z.string(),
      activity: z.string(),
      field: z.string().nullable(),
      threadId: z.string().nullable(),
      cursor: z.unknown(),
      since: timeSchema,
      changedAt: timeSchema,
      clientId: z.number().nullable().describe('null for who posts what it does, without a socket.'),
      connectionId: z.string().nullable(),
    }),
  ),
  nextCursor: z.null(),
});

const positionSchema = z
  .object({ place: z.string().describe('`pages/<id>` or `fields/<id>`'), index: z.number() })
  .describe('Of what was removed: where it stood.');
export const changeSchema = z.object({
  kind: z.enum(['added', 'removed', 'moved', 'changed']),
  target: z.string(),
  property: z.string().optional(),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
  position: positionSchema.optional(),
});
export const impactSchema = z.object({
  target: z.string(),
  severity: z.enum(['none', 'review', 'loss']),
  message: z.string(),
});

export const receiptSchema = z.object({
  formId: idSchema,
  erasedAt: timeSchema,
  documents: z.array(z.object({ document: z.string(), updates: z.number(), bytes: z.number() })),
  snapshots: z.number(),
  versions: z.number(),
});
