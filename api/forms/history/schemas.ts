/** What the change log and the history of a field take and answer. */
import { z } from 'zod';
import { idSchema } from '../../../crdt/index.js';
import { pageOf, pageQuery, timeSchema } from '../../http/pages.js';
import { changeSchema } from '../schemas.js';

export const changesQuery = z.object({
  ...pageQuery,
  fieldId: idSchema.optional(),
  userId: z.string().max(256).optional(),
  since: z.iso.datetime({ offset: true }).optional(),
});
export const loggedChangeSchema = z.object({
  id: z.string(),
  at: timeSchema,
  user: z.object({ id: z.string(), name: z.string().optional() }),
  source: z.enum(['sync', 'rest', 'import', 'restore', 'undo', 'system']),
  kind: changeSchema.shape.kind,
  target: z.string(),
  fieldId: z.string().nullable(),
  property: z.string().nullable(),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
  position: changeSchema.shape.position,
});
export const changesSchema = pageOf(loggedChangeSchema);
export const fieldHistorySchema = z.object({
  ...changesSchema.shape,
  blame: z
    .record(z.string(), z.object({ user: loggedChangeSchema.shape.user, at: timeSchema }))
    .describe('By property: who changed it last, and when.'),
});
