/**
 * What becomes of concurrent writes to one property of a field. Stored as plain JSON under `policy` in `meta`, so that
 * every node and every client sees the same one.
 *
 *   last-writer-wins   as Yjs decides
 *   merge              lists of plain values that were written concurrently become their union; the rest as Yjs decides
 *   manual             every concurrent write is kept until somebody decides
 *
 * Texts that are edited, options and rows that are added, and different properties never meet: they merge under each of
 * them. Where something stands (`position`, `page`, `parent`) has no policy.
 */
import { z } from 'zod';
import type * as Y from 'yjs';
import { idSchema } from '../form/form-schema.js';
import { isUnsafeKey } from '../form/json-value.js';

export const POLICIES = ['last-writer-wins', 'merge', 'manual'] as const;
export type Policy = (typeof POLICIES)[number];

const policyNameSchema = z.enum(POLICIES);
/** `required`, `validation.min`, `title.en`; `validation` stands for all that is below it. */
const propertySchema = z
  .string()
  .min(1)
  .max(256)
  .refine((name) => !isUnsafeKey(name), 'this name is reserved');

export const policySchema = z.strictObject({
  /** Of all fields, as far as `fields` does not say otherwise. */
  default: policyNameSchema.default('last-writer-wins'),
  fields: z.record(idSchema, z.record(propertySchema, policyNameSchema)).default({}),
});
export type PolicyJson = z.infer<typeof policySchema>;

export const DEFAULT_POLICY: PolicyJson = { default: 'last-writer-wins', fields: {} };

/** Judged once: what Yjs stores as plain JSON is the same object until it is written anew. */
const judged = new WeakMap<object, PolicyJson | undefined>();

function parsed(stored: object): PolicyJson | undefined {
  if (!judged.has(stored)) judged.set(stored, policySchema.safeParse(stored).data);
  return judged.get(stored);
}

export const isPolicy = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && parsed(value) !== undefined;

/** HOT PATH. Undefined when nothing but last-writer-wins is asked for, as in most forms. */
export function policyIn(meta: Y.Map<unknown> | undefined): PolicyJson | undefined {
  const stored = meta?.get('policy');
  return typeof stored === 'object' && stored !== null ? parsed(stored) : undefined;
}

/** @param path names of the property below the field, such as `['validation', 'min']` */
export function policyFor(policy: PolicyJson, fieldId: string, path: readonly string[]): Policy {
  const own = Object.hasOwn(policy.fields, fieldId) ? policy.fields[fieldId] : undefined;
  if (own === undefined) return policy.default;
  for (let depth = path.length; depth > 0; depth--) {
    const name = path.slice(0, depth).join('.');
    if (Object.hasOwn(own, name)) return own[name] ?? policy.default;
  }
  return policy.default;
}
