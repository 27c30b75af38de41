/** What the endpoints of notifications take and answer. */
import { z } from 'zod';
import { userSchema } from '../../crdt/comments/index.js';
import { idSchema } from '../../crdt/index.js';
import { pageOf, pageQuery, timeSchema } from '../http/pages.js';
import { CHANNELS, PRIORITIES, REASONS } from './settings.js';

const notificationId = z.string().regex(/^[0-9a-f-]{36}$/, 'the id of a notification');

export const listQuery = z.object({
  ...pageQuery,
  unread: z.stringbool().optional().describe('true: those not read; false: those read.'),
  priority: z.enum(PRIORITIES).optional(),
  reason: z.enum(REASONS).optional(),
  grouped: z.stringbool().default(false).describe('The newest of each group alone, with `count` of the group.'),
  archived: z.stringbool().default(false).describe('Those that were archived instead.'),
});

export const notificationSchema = z
  .object({
    id: notificationId,
    reason: z.enum(REASONS),
    priority: z.enum(PRIORITIES),
    group: z.string().describe('Equal for what belongs together, such as the replies in a thread.'),
    count: z.int().describe('How many of its group it stands for: 1 unless the list is grouped.'),
    formId: idSchema.nullable(),
    threadId: idSchema.nullable(),
    commentId: idSchema.nullable(),
    actor: userSchema,
    text: z.string(),
    channels: z.array(z.enum(CHANNELS)).describe('Where it was delivered; in quiet hours the inbox alone.'),
    createdAt: timeSchema,
    readAt: timeSchema.nullable(),
    archivedAt: timeSchema.nullable(),
  })
  .meta({ id: 'Notification' });
export const notificationListSchema = pageOf(notificationSchema);

export const readRequestSchema = z.union(
  [z.strictObject({ ids: z.array(notificationId).min(1).max(1_000) }), z.strictObject({ all: z.literal(true) })],
  { error: 'either `ids` or `all: true`' },
);
export const readAnswerSchema = z.object({ read: z.int().describe('How many became read by this request.') });
export const notificationParams = z.object({ id: notificationId });
