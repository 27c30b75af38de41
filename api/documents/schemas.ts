/** What the endpoints of documents and their snapshots take and answer. */
import { z } from 'zod';
import { changeSchema } from '../forms/schemas.js';
import { pageOf, pageQuery, timeSchema } from '../http/pages.js';

export const documentParams = z.object({
  name: z.string().min(1).describe('The name of the document, percent-encoded.'),
});
export const snapshotParams = documentParams.extend({ id: z.string().min(1).max(64) });

export const documentListQuery = z.object({ ...pageQuery, prefix: z.string().max(255).default('') });
export const documentSchema = z.object({
  name: z.string(),
  kind: z.enum(['form', 'comments', 'submission', 'opaque']),
  epoch: z.string().describe('Identity of this life of the document.'),
  bytes: z.number().describe('At rest.'),
  updates: z.number().describe('Over its life.'),
  uncompactedUpdates: z.number(),
  uncompactedBytes: z.number(),
  connections: z.number(),
  createdAt: timeSchema,
  changedAt: timeSchema,
});
export const documentListSchema = pageOf(documentSchema);

export const stateQuery = z.object({
  stateVector: z.string().max(1_000_000).optional().describe('base64 of what the caller has: answers the difference.'),
});

export const compactedSchema = z.object({ result: z.enum(['done', 'lost the race', 'nothing to do']) });

export const erasureSchema = z.object({
  document: z.string(),
  erasedAt: timeSchema,
  updates: z.number(),
  bytes: z.number(),
  snapshots: z.number(),
});

export const newSnapshotSchema = z.strictObject({ label: z.string().max(200).default('') });
export const snapshotSchema = z.object({
  id: z.string(),
  document: z.string(),
  label: z.string(),
  kind: z.enum(['manual', 'automatic', 'publish', 'before-restore']),
  createdAt: timeSchema,
  createdBy: z.string(),
  bytes: z.number(),
});
export const snapshotListQuery = z.object(pageQuery);
export const snapshotListSchema = pageOf(snapshotSchema);
export const snapshotContentSchema = snapshotSchema.extend({ content: z.unknown() });

export const diffQuery = z.object({
  against: z.string().max(64).default('now').describe('Another snapshot, or `now`.'),
});
export const diffSchema = z.object({ changes: z.array(changeSchema), isTruncated: z.boolean() });

export const restoreQuery = z.object({ dryRun: z.stringbool().default(false) });
export const restoredSchema = z.object({
  dryRun: z.boolean(),
  snapshot: z.string(),
  before: z.string().nullable().describe('The snapshot of what was there, taken before the restore.'),
  changes: z.array(changeSchema),
  isTruncated: z.boolean(),
});
