/** Lists: `?limit=1..200` and `?cursor=`, answered with `{data, nextCursor}`. */
import { z } from 'zod';

export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(200).default(50).describe('At most so many items.'),
  cursor: z.string().max(1024).optional().describe('`nextCursor` of the page before, in the same list.'),
};

export const pageOf = <T extends z.ZodType>(
  item: T,
): z.ZodObject<{ data: z.ZodArray<T>; nextCursor: z.ZodNullable<z.ZodString> }> =>
  z.object({ data: z.array(item), nextCursor: z.string().nullable() });

/** RFC 3339, UTC. */
export const timeSchema = z.iso.datetime();
export const timeOf = (unixMs: number): string => new Date(unixMs).toISOString();
