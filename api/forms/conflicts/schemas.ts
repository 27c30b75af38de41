/** What the endpoints of conflicts, policies and locks take and answer. */
import { z } from 'zod';
import { idSchema, jsonSchema, MAX_LOCK_SECONDS, policySchema } from '../../../crdt/index.js';
import { timeSchema } from '../../http/pages.js';

export { policySchema };

const authorSchema = z.object({ id: z.string(), name: z.string().optional() });

export const conflictParams = z.object({ formId: idSchema, conflictId: z.string().min(1).max(400) });

export const conflictSchema = z.object({
  id: z.string().describe('`<fieldId>.<property>`'),
  fieldId: idSchema,
  property: z.string(),
  current: jsonSchema.describe('What the form says meanwhile.'),
  candidates: z.array(
    z.object({
      id: z.string(),
      value: jsonSchema,
      author: authorSchema.nullable().describe('null: written before the policy asked for it to be kept.'),
      at: timeSchema.nullable(),
    }),
  ),
});
export const conflictListSchema = z.object({ data: z.array(conflictSchema), nextCursor: z.null() });

export const resolutionSchema = z.union(
  [
    z.strictObject({ choose: z.string().min(1).max(64).describe('Id of a candidate.') }),
    z.strictObject({ value: jsonSchema.describe('Any value that the property may have; null removes it.') }),
  ],
  { error: 'either `choose` or `value`' },
);

/** The whole body may be left out. */
export const lockRequestSchema = z.preprocess(
  (body) => body ?? {},
  z.strictObject({
    seconds: z.int().min(1).max(MAX_LOCK_SECONDS).default(60).describe('From now on, also for a lock that is renewed.'),
  }),
);
export const lockSchema = z.object({
  fieldId: idSchema,
  holder: authorSchema,
  since: timeSchema,
  expiresAt: timeSchema,
});
