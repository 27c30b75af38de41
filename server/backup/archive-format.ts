/**
 * A backup archive: one file, written and read as a stream.
 *
 *   archive := "formloom-backup 1\n" frame*
 *   frame   := u32 length of the payload | 32 bytes SHA-256 of (u32 number of the frame, payload) | payload
 *   payload := gzip(u32 length of the header | header as JSON | body), encrypted at rest when ENCRYPTION_KEYS are set
 *
 * Numbers are big-endian; frames are numbered from 0. The first frame is `begin`, the last is `end`; in between come
 * events, records, documents, tombstones and files, in this order. Each frame is compressed by itself, so that damage is
 * told from its neighbours.
 */
import { z } from 'zod';

export const MAGIC = Buffer.from('formloom-backup 1\n');
export const CHECKSUM_BYTES = 32;
/** Length and checksum. */
export const FRAME_HEAD_BYTES = 4 + CHECKSUM_BYTES;
/** A longer payload than any that is written: a state is at most MAX_DOCUMENT_BYTES. */
export const MAX_PAYLOAD_BYTES = 1024 ** 3;
/** What is gathered into one frame, in bytes before compression. */
export const GATHER_BYTES = 1024 * 1024;

const count = z.number().int().nonnegative();
export const totalsSchema = z.object({
  documents: count,
  updates: count,
  tombstones: count,
  records: count,
  streams: count,
  events: count,
  files: count,
  /** Bytes of content before compression. */
  bytes: count,
});
export type Totals = z.infer<typeof totalsSchema>;
export const noTotals = (): Totals => ({
  ...{ documents: 0, updates: 0, tombstones: 0, records: 0 },
  ...{ streams: 0, events: 0, files: 0, bytes: 0 },
});

const attributionSchema = z.object({
  principal: z.string(),
  name: z.string().optional(),
  at: z.number(),
  source: z.enum(['sync', 'rest', 'import', 'restore', 'undo', 'system']),
});

export const unreadableSchema = z.object({
  document: z.string().optional().describe('Name of a document.'),
  value: z.string().optional().describe('What else: "the record user/ada".'),
  reason: z.string(),
});
/** What the store could not give: it is not in the archive. */
export type Unreadable = z.infer<typeof unreadableSchema>;

export const headerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('begin'), id: z.string(), createdAt: z.number(), version: z.string(), store: z.string() }),
  /** Body: the data as a JSON array. */
  z.object({ kind: z.literal('events'), stream: z.string(), ids: z.array(z.string()) }),
  /** After the events of the stream: how far consumers have come. */
  z.object({ kind: z.literal('stream'), stream: z.string(), consumers: z.array(z.tuple([z.string(), z.string()])) }),
  /** Body: the values, one after the other. */
  z.object({
    kind: z.literal('records'),
    records: z.array(
      z.object({ key: z.tuple([z.string()], z.string()), bytes: count, expiresAt: z.number().optional() }),
    ),
  }),
  /** Body: the folded state, when there is one. Its updates follow. */
  z.object({
    kind: z.literal('document'),
    document: z.string(),
    epoch: z.string(),
    position: z.string(),
    hasState: z.boolean(),
    updates: count,
  }),
  /** Body: the updates, one after the other. */
  z.object({
    kind: z.literal('updates'),
    document: z.string(),
    updates: z.array(attributionSchema.extend({ position: z.string(), bytes: count })),
  }),
  z.object({ kind: z.literal('tombstones'), documents: z.array(z.string()) }),
  /** Body: part of an uploaded file. A part with offset 0 begins the file. */
  z.object({ kind: z.literal('file'), path: z.string(), offset: count }),
  z.object({
    kind: z.literal('end'),
    totals: totalsSchema,
    unreadable: z.array(unreadableSchema),
    /** SHA-256 of the checksums of all frames before, as hex. */
    digest: z.string(),
  }),
]);
export type Header = z.infer<typeof headerSchema>;
export type HeaderOf<K extends Header['kind']> = Extract<Header, { kind: K }>;

/** Where a frame is encrypted to: a frame that is moved does not open. */
export const placeOfFrame = (index: number): readonly [string, ...string[]] => ['backup', String(index)];

/** What is wrong with an archive, and where. */
export interface ArchiveDamage {
  /** Number of the frame; 0 is the first. */
  readonly frame: number;
  /** Of the frame in the file, in bytes. */
  readonly offset: number;
  readonly detail: string;
}

/** Nothing is restored from an archive that is not whole. */
export class ArchiveDamagedError extends Error {
  constructor(
    readonly file: string,
    readonly damage: readonly ArchiveDamage[],
  ) {
    super(`The archive ${file} is damaged: ${damage.map(shownDamage).slice(0, 5).join('; ')}.`);
    this.name = 'ArchiveDamagedError';
  }
}

export function shownDamage({ frame, offset, detail }: ArchiveDamage): string {
  return `frame ${frame} at byte ${offset}: ${detail}`;
}
