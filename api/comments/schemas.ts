/** What the endpoints of threads and comments take and answer. */
import { z } from 'zod';
import {
  anchorRequestSchema,
  commentSchema,
  earlierBodySchema,
  mentionsIn,
  REACTIONS,
  THREAD_STATUSES,
  threadSchema,
  userTextSchema,
} from '../../crdt/comments/index.js';
import { idSchema } from '../../crdt/index.js';
import { formParams } from '../forms/schemas.js';
import { pageOf, pageQuery } from '../http/pages.js';
import { SUBSCRIPTION_MODES } from '../notifications/index.js';
import { ACTIVITIES } from './activity-board.js';

z.globalRegistry.add(commentSchema, { id: 'Comment' });
z.globalRegistry.add(threadSchema, { id: 'Thread' });

/** Each is a notification: a comment is no mailing list. */
const MAX_MENTIONS = 50;

const bodySchema = z
  .string()
  .max(10_000)
  .refine((text) => text.trim() !== '', 'says nothing')
  .refine((text) => text.isWellFormed(), 'is not well-formed Unicode')
  .refine((text) => mentionsIn(text).length <= MAX_MENTIONS, `mentions more than ${MAX_MENTIONS} users`)
  .describe('Plain text; `@[userId]` mentions a user.');

export { formParams };
export const threadParams = formParams.extend({ threadId: idSchema });
export const commentParams = threadParams.extend({ commentId: idSchema });
export const reactionParams = commentParams.extend({ reaction: z.enum(REACTIONS) });

export const listQuery = z.object({
  ...pageQuery,
  status: z.enum(THREAD_STATUSES).optional(),
  fieldId: idSchema.optional().describe('Threads on this field, its options and its texts.'),
  assignee: userTextSchema.optional(),
});
export const threadListSchema = pageOf(threadSchema);

export const newThreadSchema = z.strictObject({ anchor: anchorRequestSchema, body: bodySchema });
export const threadPatchSchema = z
  .strictObject({
    status: z.enum(THREAD_STATUSES).optional(),
    assignee: userTextSchema.nullable().optional().describe('A user id; null for nobody.'),
  })
  .refine(({ status, assignee }) => status !== undefined || assignee !== undefined, 'changes nothing');

export const commentRequestSchema = z.strictObject({ body: bodySchema });
export const commentWithHistorySchema = commentSchema.extend({
  history: z.array(earlierBodySchema).describe('Bodies that edits replaced, oldest first.'),
});

export const activityRequestSchema = z.strictObject({ activity: z.enum(ACTIVITIES), threadId: idSchema.optional() });

/** The whole body may be left out. */
export const subscriptionRequestSchema = z.preprocess(
  (body) => body ?? {},
  z.strictObject({ mode: z.enum(SUBSCRIPTION_MODES).default('follow') }),
);
export const subscriptionSchema = z.object({
  formId: idSchema,
  threadId: idSchema.nullable(),
  mode: z.enum(SUBSCRIPTION_MODES).nullable().describe('null: neither.'),
});
