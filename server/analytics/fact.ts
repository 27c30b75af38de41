/**
 * What analytics counts, as it lies in the log. Facts never change: every figure can be counted again from them.
 *
 * A sheet is named by a random alias, never by the id of its submission. Which alias is whose stands in one record that
 * goes with the submission; from then on the log names nobody's sheet, and the counts stay.
 */
import { z } from 'zod';

const at = z.number();
/** Id of the event that a fact was made from. A fact may be in the log twice, after a crash; by this it counts once. */
const feed = z.string();
const place = { page: z.string().optional(), field: z.string().optional() };

/** What a look at a sheet has found since the look before. */
const lookSchema = z.object({
  page: z.string().optional(),
  /** Fields that have an answer for the first time. */
  answered: z.array(z.string()),
  /** Pages that have an answer for the first time. */
  answeredPages: z.array(z.string()),
  /** Fields whose answer is another one than at the look before. */
  corrected: z.array(z.string()),
  /** Fields whose answer was not wrong before and is now. */
  wrong: z.array(z.string()),
});
export type Look = z.infer<typeof lookSchema>;

const sheetFact = {
  at,
  feed,
  sheet: z.string(),
  user: z.string(),
  look: lookSchema.optional(),
  /** It had been counted as abandoned. */
  isBack: z.boolean().optional(),
};

export const factSchema = z.discriminatedUnion('type', [
  /** `who`: a session of a client, or the alias of a sheet. */
  z.object({ type: z.literal('view'), at, who: z.string(), user: z.string(), ...place }),
  z.object({ type: z.literal('focus'), at, who: z.string(), ...place }),
  z.object({
    type: z.literal('leave'),
    at,
    who: z.string(),
    ...place,
    seconds: z.number().optional(),
    /** Left without ever having begun to answer. */
    isFinal: z.boolean(),
  }),
  /** Of one author, gathered over some seconds. */
  z.object({
    type: z.literal('edits'),
    at,
    user: z.string(),
    edits: z.number(),
    bytes: z.number(),
    /** Which process counted them, and the position in the log of the last update of the form that it has counted. */
    node: z.string().optional(),
    upTo: z.string().optional(),
  }),
  /** Who is connected at this moment, on all nodes. */
  z.object({ type: z.literal('present'), at, editors: z.number(), respondents: z.number() }),
  z.object({ type: z.literal('start'), ...sheetFact }),
  z.object({ type: z.literal('answers'), ...sheetFact }),
  z.object({
    type: z.literal('submit'),
    ...sheetFact,
    seconds: z.number().optional(),
    device: z.string().optional(),
  }),
  z.object({ type: z.literal('abandon'), at, feed, sheet: z.string(), ...place }),
  z.object({ type: z.literal('status'), at, feed, status: z.enum(['processing', 'completed', 'rejected']) }),
  z.object({ type: z.literal('comment'), at, feed, user: z.string() }),
  z.object({ type: z.literal('conflict'), at, feed, state: z.enum(['opened', 'resolved']) }),
]);
export type Fact = z.infer<typeof factSchema>;
export type SheetFact = Extract<Fact, { type: 'start' | 'answers' | 'submit' | 'abandon' }>;

export const sourceOf = (fact: Fact): string | undefined => ('feed' in fact ? fact.feed : undefined);
export const lookOf = (fact: Fact): Look | undefined => ('look' in fact ? fact.look : undefined);
