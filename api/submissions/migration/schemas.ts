/** What moving a submission to another version takes and answers. */
import { z } from 'zod';
import { idSchema, jsonSchema } from '../../../crdt/index.js';
import { MIGRATION_OUTCOMES } from '../../../crdt/submission/index.js';
import { changeSchema, impactSchema } from '../../forms/schemas.js';
import { submissionSchema } from '../schemas.js';

const versionSchema = z.number().int().min(1).describe('A newer published version; the newest when absent.');

export const previewQuery = z.object({ version: z.coerce.number().pipe(versionSchema).optional() });
export const migrateQuery = z.object({
  dryRun: z.stringbool().default(false).describe('Answer what would happen, change nothing.'),
});
/** The whole body may be left out. */
export const migrateSchema = z.strictObject({ version: versionSchema.optional() }).nullish();

/** The whole body may be left out. */
export const bulkMigrateSchema = z
  .strictObject({
    from: z.number().int().min(1).optional().describe('Sheets of this version alone; of all older ones when absent.'),
    to: versionSchema.optional(),
  })
  .nullish();

export const migrationSchema = z.object({
  from: z.number(),
  to: z.number(),
  changes: z.array(changeSchema).describe('Of the form.'),
  impact: z.array(impactSchema),
  answers: z.array(
    z.object({
      field: idSchema,
      outcome: z.enum(MIGRATION_OUTCOMES),
      before: jsonSchema,
      after: jsonSchema.optional(),
      message: z
        .string()
        .optional()
        .describe('Why it did not stay as it was; for a kept one, what the version finds wrong with it.'),
    }),
  ),
});
export const migratedSchema = migrationSchema.extend({
  dryRun: z.boolean(),
  submission: submissionSchema.nullable().describe('As it is now; null for a dry run.'),
});
