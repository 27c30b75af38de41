/** What the endpoints of submissions take and answer. */
import { z } from 'zod';
import { idSchema, jsonSchema } from '../../crdt/index.js';
import { SUBMISSION_STATUSES } from '../../crdt/submission/index.js';
import { formParams } from '../forms/schemas.js';
import { pageOf, pageQuery, timeSchema } from '../http/pages.js';
import { deviceSchema } from './device.js';
import { personSchema } from './records/submission-record.js';

export { formParams };

const MAX_ANSWERS = 5_000;

export const submissionParams = formParams.extend({ submissionId: idSchema });

const answersSchema = z
  .record(idSchema, jsonSchema)
  .refine((answers) => Object.keys(answers).length <= MAX_ANSWERS, `at most ${MAX_ANSWERS} answers at once`)
  .describe('By field id.');
const timeZoneSchema = z
  .string()
  .regex(/^[A-Za-z0-9_+/-]{1,64}$/, 'the name of a time zone')
  .describe('Kept only where the form collects device data, as the rest of it.');

export const startSchema = z
  .strictObject({ answers: answersSchema.default({}), timeZone: timeZoneSchema.optional() })
  .nullish();
export const startedSchema = z.object({
  id: idSchema,
  formId: idSchema,
  document: z.string().describe('What a Yjs client opens to fill the sheet live.'),
  token: z
    .string()
    .nullable()
    .describe('A respondent on this sheet; null where the server signs no tokens and none is needed.'),
  expiresAt: timeSchema.nullable(),
  version: z.number().describe('The published version that the sheet is pinned to.'),
  resumeToken: z
    .string()
    .describe('Opens the sheet again later, by `POST /submissions/resume`. As secret as a password.'),
  status: z.enum(SUBMISSION_STATUSES),
  startedAt: timeSchema,
});
export const resumeSchema = z.strictObject({ resumeToken: z.string().min(1).max(256) });

export const patchSchema = z.strictObject({
  answers: answersSchema.default({}).describe('By field id; null takes an answer away.'),
  page: idSchema.optional().describe('The page that is being looked at.'),
});

const issueSchema = z.object({ field: idSchema, path: z.string(), code: z.string(), message: z.string() });
export const progressSchema = z.object({
  percent: z.number().describe('Required answers that are there, 0 to 100; of all answers when none is required.'),
  answered: z.number(),
  required: z.number(),
  visible: z.number(),
  errors: z.number().describe('Wrong answers; what is still missing is none.'),
  page: idSchema.nullable(),
  updatedAt: timeSchema,
});
export const progressWithErrorsSchema = z.object({ progress: progressSchema, errors: z.array(issueSchema) });
export const validationSchema = z.object({
  valid: z.boolean().describe('It could be handed in as it is.'),
  errors: z.array(issueSchema).describe('Wrong answers and missing ones.'),
});

export const submissionSchema = z
  .object({
    id: idSchema,
    formId: idSchema,
    document: z.string(),
    version: z.number(),
    status: z.enum(SUBMISSION_STATUSES),
    startedAt: timeSchema,
    changedAt: timeSchema.describe('When the status changed last.'),
    submittedAt: timeSchema.nullable(),
    startedBy: personSchema,
    answers: z.record(idSchema, jsonSchema).describe('Live, or as they were handed in.'),
    calculated: z.record(idSchema, jsonSchema),
    progress: progressSchema,
    errors: z.array(issueSchema),
    device: deviceSchema.nullable(),
    offer: z
      .object({ version: z.number() })
      .nullable()
      .describe('A newer published version that the sheet could move to, as long as it is being filled.'),
    migrations: z.array(
      z.object({
        from: z.number(),
        to: z.number(),
        at: timeSchema,
        by: personSchema,
        dropped: z
          .record(idSchema, jsonSchema)
          .describe('Answers as they were, that had no place in the new version or were carried over to another type.'),
      }),
    ),
    timeline: z.array(
      z.object({
        status: z.enum(SUBMISSION_STATUSES),
        at: timeSchema,
        by: personSchema,
        note: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'Submission' });
export const submissionListSchema = pageOf(submissionSchema);

export const statusSchema = z.strictObject({
  status: z.enum(['processing', 'completed', 'rejected']),
  note: z.string().max(10_000).optional(),
});

const filterQuery = {
  status: z.enum(SUBMISSION_STATUSES).optional(),
  since: z.iso.datetime({ offset: true }).optional().describe('Started, or changed its status, then or later.'),
};
/** `field.<id>` is looked for by hand: a query has no nested names. */
export const listQuery = z.looseObject({ ...pageQuery, ...filterQuery });
export const exportQuery = z.looseObject({ format: z.enum(['csv', 'ndjson']), ...filterQuery });

export const receiptSchema = z.object({
  submissionId: idSchema,
  document: z.string(),
  erasedAt: timeSchema,
  updates: z.number(),
  bytes: z.number(),
  snapshots: z.number(),
});
