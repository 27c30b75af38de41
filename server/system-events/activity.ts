/** What happened, as operators look it up later. Entries hold ids, never content. */
import { z } from 'zod';

export const SEVERITIES = ['info', 'warning', 'error', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** `host`: told by an application; `product`: by this server's own features; `security`: by its guards. */
export const SOURCES = ['host', 'product', 'security'] as const;
export type Source = (typeof SOURCES)[number];

export const storedActivitySchema = z.object({
  /** Such as `login`, `form.published`, `security.forged_presence`. */
  type: z.string(),
  severity: z.enum(SEVERITIES),
  source: z.enum(SOURCES),
  userId: z.string().optional(),
  formId: z.string().optional(),
  document: z.string().optional(),
  /** Of the client. */
  address: z.string().optional(),
  node: z.string().optional(),
  /** How many of the same are told by this entry. */
  count: z.number().default(1),
  data: z.record(z.string(), z.unknown()).default({}),
});

export type NewActivity = z.input<typeof storedActivitySchema>;
/** `id` is ordered: compare as strings. `at`: Unix time in milliseconds. */
export type Activity = z.infer<typeof storedActivitySchema> & { readonly id: string; readonly at: number };
