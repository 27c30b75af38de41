/** What publishing, comparing and exporting take and answer. */
import { z } from 'zod';
import { EXPORT_FORMATS } from '../../../crdt/export/index.js';
import { pageOf, pageQuery, timeSchema } from '../../http/pages.js';
import { changeSchema, impactSchema } from '../schemas.js';

export const exportQuery = z.object({ format: z.enum(EXPORT_FORMATS).default('formloom') });

export const publishQuery = z.object({
  dryRun: z.stringbool().default(false).describe('Answer the difference and its impact, publish nothing.'),
});
export const versionsQuery = z.object(pageQuery);
const versionSchema = z.object({
  version: z.number(),
  publishedAt: timeSchema,
  publishedBy: z.string(),
  changes: z.number(),
});
export const publishedSchema = z.object({
  dryRun: z.boolean(),
  version: z.number(),
  publishedAt: timeSchema.nullable(),
  changes: z.array(changeSchema),
  impact: z.array(impactSchema),
});
export const versionListSchema = pageOf(versionSchema);

export const diffQuery = z.object({
  from: z
    .string()
    .max(64)
    .optional()
    .describe('A version number, a snapshot id or `draft`; the last version when absent.'),
  to: z.string().max(64).default('draft').describe('A version number, a snapshot id or `draft`.'),
});
export const diffSchema = z.object({ changes: z.array(changeSchema), impact: z.array(impactSchema) });
