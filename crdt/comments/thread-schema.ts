/** Threads at the edge: the validation and the OpenAPI entries of what `thread-json.ts` types. */
import { z } from 'zod';
import { idSchema, languageSchema, type Same } from '../form/form-schema.js';
import { TEXT_PROPERTIES } from '../form/operations/target.js';
import {
  REACTIONS,
  THREAD_STATUSES,
  type AnchorJson,
  type AnchorRequest,
  type CommentJson,
  type EarlierBody,
  type StoredAnchor,
  type StoredThread,
  type ThreadJson,
  type UserJson,
} from './thread-json.js';
import { isPrintable, MAX_STORED_TEXT, MAX_USER_TEXT, TEXT_TARGET } from './thread-values.js';

/** Id or name of a person, as tokens carry it. */
export const userTextSchema = z.string().min(1).max(MAX_USER_TEXT).refine(isPrintable, 'has control characters');
export const userSchema = z.object({ id: userTextSchema, name: userTextSchema.optional() });

/** What a text belongs to: `form`, `pages/<id>`, `fields/<id>` or `fields/<id>/options/<id>`. */
export const textTargetSchema = z
  .string()
  .regex(TEXT_TARGET, 'a target is form, pages/<id>, fields/<id> or fields/<id>/options/<id>');

const onForm = { type: z.literal('form') };
const onField = { type: z.literal('field'), fieldId: idSchema };
const onOption = { type: z.literal('option'), fieldId: idSchema, optionId: idSchema };
const onText = {
  type: z.literal('text'),
  target: textTargetSchema,
  property: z.enum(TEXT_PROPERTIES),
  language: languageSchema,
};
const quote = z.string().max(MAX_STORED_TEXT).describe('The text as it was when the thread began.');

/** Where a thread is to be anchored. `start` and `end` count UTF-16 units of the text as it is now. */
export const anchorRequestSchema = z.discriminatedUnion('type', [
  z.strictObject(onForm),
  z.strictObject(onField),
  z.strictObject(onOption),
  z.strictObject({
    ...onText,
    target: textTargetSchema.optional().describe('Instead of `fieldId`; the form itself when both are absent.'),
    fieldId: idSchema.optional(),
    start: z.int().min(0),
    end: z.int().min(1),
  }),
]);

/** As the document holds it: `from` and `to` are Yjs relative positions in base64, so the text may change around them. */
export const storedAnchorSchema = z.discriminatedUnion('type', [
  z.object(onForm),
  z.object(onField),
  z.object(onOption),
  z.object({ ...onText, from: z.string().max(MAX_STORED_TEXT), to: z.string().max(MAX_STORED_TEXT), quote }),
]);

const isOrphaned = z.boolean().describe('True when what it was anchored to is gone.');
/** Resolved against the form as it is now. */
export const anchorSchema = z.discriminatedUnion('type', [
  z.object({ ...onForm, isOrphaned }),
  z.object({ ...onField, isOrphaned }),
  z.object({ ...onOption, isOrphaned }),
  z.object({
    ...onText,
    fieldId: idSchema.optional(),
    start: z.int().nullable(),
    end: z.int().nullable(),
    quote,
    isOrphaned,
  }),
]);

const time = z.iso.datetime();

export const commentSchema = z.object({
  id: idSchema,
  author: userSchema,
  body: z.string().describe('Empty when the comment was deleted.'),
  createdAt: time,
  editedAt: time.nullable(),
  deletedAt: time.nullable(),
  reactions: z.partialRecord(z.enum(REACTIONS), z.array(userTextSchema)).describe('Ids of users, by reaction.'),
});

/** A body that an edit replaced, and when. */
export const earlierBodySchema = z.object({ body: z.string(), replacedAt: time });

const threadMembers = {
  id: idSchema,
  formId: idSchema,
  status: z.enum(THREAD_STATUSES),
  assignee: userTextSchema.nullable(),
  createdAt: time,
  createdBy: userTextSchema,
  comments: z.array(commentSchema),
};
export const storedThreadSchema = z.object({ ...threadMembers, anchor: storedAnchorSchema });
export const threadSchema = z.object({ ...threadMembers, anchor: anchorSchema });

true satisfies Same<z.infer<typeof userSchema>, UserJson>;
true satisfies Same<z.infer<typeof anchorRequestSchema>, AnchorRequest>;
true satisfies Same<z.infer<typeof storedAnchorSchema>, StoredAnchor>;
true satisfies Same<z.infer<typeof anchorSchema>, AnchorJson>;
true satisfies Same<z.infer<typeof commentSchema>, CommentJson>;
true satisfies Same<z.infer<typeof earlierBodySchema>, EarlierBody>;
true satisfies Same<z.infer<typeof storedThreadSchema>, StoredThread>;
true satisfies Same<z.infer<typeof threadSchema>, ThreadJson>;
