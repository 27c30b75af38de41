/**
 * Threads of comments as JSON: what REST answers and the projection yields.
 * One schema gives the type, the validation and the OpenAPI entry.
 */
import { z } from 'zod';
import { idSchema, languageSchema } from '../form/form-json.js';

export const REACTIONS = ['like', 'love', 'laugh', 'wow', 'sad', 'angry'] as const;
export type Reaction = (typeof REACTIONS)[number];

export const THREAD_STATUSES = ['open', 'resolved'] as const;
export type ThreadStatus = (typeof THREAD_STATUSES)[number];

/** Properties that hold text in several languages. */
export const TEXT_PROPERTIES = ['title', 'description', 'placeholder', 'label'] as const;

const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
/** Id or name of a person, as tokens carry it. */
export const userTextSchema = z
  .string()
  .min(1)
  .max(128)
  .refine((text) => !CONTROL.test(text) && text.isWellFormed(), 'has control characters');
export const userSchema = z.object({ id: userTextSchema, name: userTextSchema.optional() });
export type UserJson = z.infer<typeof userSchema>;

/** What a text belongs to: `form`, `pages/<id>`, `fields/<id>` or `fields/<id>/options/<id>`. */
export const textTargetSchema = z
  .string()
  .regex(
    /^(form|pages\/[A-Za-z0-9_-]{1,64}|fields\/[A-Za-z0-9_-]{1,64}(\/options\/[A-Za-z0-9_-]{1,64})?)$/,
    'a target is form, pages/<id>, fields/<id> or fields/<id>/options/<id>',
  );

const onForm = { type: z.literal('form') };
const onField = { type: z.literal('field'), fieldId: idSchema };
const onOption = { type: z.literal('option'), fieldId: idSchema, optionId: idSchema };
const onText = {
  type: z.literal('text'),
  target: textTargetSchema,
  property: z.enum(TEXT_PROPERTIES),
  language: languageSchema,
};
const quote = z.string().max(1_000).describe('The text as it was when the thread began.');

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
export type AnchorRequest = z.infer<typeof anchorRequestSchema>;

/** As the document holds it: `from` and `to` are Yjs relative positions in base64, so the text may change around them. */
export const storedAnchorSchema = z.discriminatedUnion('type', [
  z.object(onForm),
  z.object(onField),
  z.object(onOption),
  z.object({ ...onText, from: z.string().max(1_000), to: z.string().max(1_000), quote }),
]);
export type StoredAnchor = z.infer<typeof storedAnchorSchema>;

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
export type AnchorJson = z.infer<typeof anchorSchema>;

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
export type CommentJson = z.infer<typeof commentSchema>;

/** A body that an edit replaced, and when. */
export const earlierBodySchema = z.object({ body: z.string(), replacedAt: time });
export type EarlierBody = z.infer<typeof earlierBodySchema>;

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
export type StoredThread = z.infer<typeof storedThreadSchema>;
export const threadSchema = z.object({ ...threadMembers, anchor: anchorSchema });
export type ThreadJson = z.infer<typeof threadSchema>;
