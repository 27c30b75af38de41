import { z } from 'zod';
import { ROLES } from '../../server/auth/index.js';
import { OUTBOUND_CLASSES } from '../../server/limits/index.js';
import { READINGS, TUNER_MODES } from '../../server/tuner/index.js';
import { DEAD_DELIVERY } from '../webhooks/index.js';
import { pageOf, pageQuery, timeSchema } from '../http/pages.js';

// ── pools ─────────────────────────────────────────────────────────────────────────────────────────────────

const ruleSchema = z
  .strictObject({
    roles: z.array(z.enum(ROLES)).min(1).max(ROLES.length).optional().describe('Any of these roles on the document.'),
    documentPrefix: z.string().min(1).max(512).optional(),
    header: z
      .strictObject({
        name: z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/, 'a header name'),
        value: z.string().max(1_000).optional().describe('Any value when absent.'),
      })
      .optional(),
  })
  .refine(
    (rule) => Object.values(rule).some((part) => part !== undefined),
    'a rule needs roles, documentPrefix or header',
  )
  .meta({ id: 'AdmissionRule' });

export const poolParams = z.object({ name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, '1 to 64 of A-Z a-z 0-9 _ -') });
export const poolChange = z
  .strictObject({
    size: z.int().min(0).max(1_000_000).optional().describe('Connections that it admits.'),
    idleTimeoutSeconds: z
      .number()
      .min(3)
      .max(3_600)
      .optional()
      .describe(
        'Silence after which a connection is ended. Clients are pinged every 10 s, or thrice within the timeout.',
      ),
    rule: ruleSchema.nullable().optional().describe('All parts must hold. `default` has none: it takes everyone else.'),
  })
  .describe('What is left out stays as it is; a new pool needs a size and a rule.');
export type PoolChange = z.infer<typeof poolChange>;

export const poolSchema = z
  .object({
    name: z.string(),
    size: z.number(),
    idleTimeoutSeconds: z.number(),
    rule: ruleSchema.nullable(),
    connections: z.number(),
    refused: z.number().describe('Since the start: who was told to come back later.'),
  })
  .meta({ id: 'AdmissionPool' });
export const poolListSchema = pageOf(poolSchema);

// ── queues and dead letters ───────────────────────────────────────────────────────────────────────────────

export const queueParams = z.object({ name: z.string().max(64) });
export const queueChange = z
  .strictObject({
    capacity: z.int().min(0).max(10_000_000).optional().describe('Messages; more become dead letters.'),
    ratePerSecond: z.number().min(0).max(100_000).optional().describe('0 holds the queue back.'),
  })
  .refine(({ capacity, ratePerSecond }) => capacity !== undefined || ratePerSecond !== undefined, 'nothing to change');

export const queueSchema = z
  .object({
    name: z.enum(OUTBOUND_CLASSES),
    capacity: z.number(),
    ratePerSecond: z.number(),
    priority: z.number().describe('1 goes first.'),
    depth: z.number(),
    delivered: z.number(),
    dropped: z.number(),
    failed: z.number(),
    latencyMs: z.number().describe('Mean wait of the last messages.'),
  })
  .meta({ id: 'OutboundQueue' });
export const queueListSchema = pageOf(queueSchema);

const filter = {
  queue: z
    .enum([...OUTBOUND_CLASSES, DEAD_DELIVERY])
    .optional()
    .describe('`webhook` for deliveries that were given up.'),
  kind: z.string().max(100).optional(),
  destination: z.string().max(512).optional(),
  document: z.string().max(512).optional(),
};
export const letterParams = z.object({ id: z.string().min(1).max(64) });
export const letterListQuery = z.object({ ...pageQuery, ...filter });
export const letterFilterQuery = z.strictObject(filter);
export const replayRequest = z.strictObject(filter).optional().default({}).describe('Everything when empty.');
export const letterSchema = z
  .object({
    id: z.string(),
    queue: z.string(),
    kind: z.string(),
    destination: z.string(),
    document: z.string().nullable(),
    reason: z.enum(['overflow', 'failed', 'closed']),
    error: z.string().nullable(),
    attempts: z.number(),
    at: timeSchema,
    body: z.unknown(),
  })
  .meta({ id: 'DeadLetter' });
export const letterListSchema = pageOf(letterSchema);
export const replaySchema = z.object({ replayed: z.number(), failed: z.number() });
export const purgeSchema = z.object({ purged: z.number() });

// ── breakers ──────────────────────────────────────────────────────────────────────────────────────────────

export const breakerParams = z.object({ name: z.string().min(1).max(1_024) });
export const breakerSchema = z
  .object({
    name: z.string().describe('`store`, `webhook:<id>` or `document:<name>`.'),
    state: z.enum(['closed', 'open', 'half-open']),
    failures: z.number().describe('In a row.'),
    lastError: z.string().nullable(),
    openedAt: timeSchema.nullable(),
    nextTryAt: timeSchema.nullable(),
  })
  .meta({ id: 'CircuitBreaker' });
export const breakerListSchema = pageOf(breakerSchema);

// ── tuner ─────────────────────────────────────────────────────────────────────────────────────────────────

const boundsSchema = z.strictObject({ min: z.number().optional(), max: z.number().optional() });
export const tunerChange = z.strictObject({
  mode: z.enum(TUNER_MODES).optional(),
  bounds: z.record(z.string().max(100), boundsSchema).optional().describe('By knob; replaces all bounds.'),
  targets: z
    .partialRecord(z.enum(READINGS), z.number().min(0).max(10_000))
    .optional()
    .describe('By reading: up to where the node is well; replaces all targets. What is left out stays as it comes.'),
});
export type TunerChange = z.infer<typeof tunerChange>;

const readingSchema = z.object({
  loopDelayP99Ms: z.number(),
  cpuShare: z.number(),
  memoryShare: z.number(),
  fanOutShare: z.number(),
  queueShare: z.number(),
});
const judgedReadingSchema = readingSchema.extend({ objective: z.number().describe('Lower is better.') });
const adviceSchema = z.object({
  knob: z.string(),
  from: z.number(),
  to: z.number(),
  because: z.enum(['loaded', 'well']),
});
export const stepSchema = z.object({
  knob: z.string(),
  from: z.number(),
  to: z.number(),
  outcome: z.enum(['kept', 'taken back']),
  before: judgedReadingSchema,
  after: judgedReadingSchema,
});
export const tunerSchema = z
  .object({
    mode: z.enum(TUNER_MODES),
    intervalSeconds: z.number(),
    bounds: z.record(z.string(), boundsSchema),
    targets: readingSchema.describe('Up to where the node is well.'),
    knobs: z.array(
      z.object({
        name: z.string(),
        description: z.string(),
        value: z.number(),
        initial: z.number(),
        min: z.number(),
        max: z.number(),
      }),
    ),
    reading: readingSchema,
    objective: z.number(),
    advice: adviceSchema.nullable(),
    trial: z
      .object({ knob: z.string(), from: z.number(), to: z.number(), isInPlace: z.boolean() })
      .nullable()
      .describe('The step that is being judged: a round with it in place, then one without.'),
  })
  .meta({ id: 'Tuner' });
export const roundSchema = z.object({
  at: timeSchema,
  mode: z.enum(TUNER_MODES),
  reading: readingSchema,
  objective: z.number(),
  judged: stepSchema.nullable().describe('The step of the round before.'),
  advice: adviceSchema.nullable().describe('What was turned (`auto`) or should be (`advise`).'),
});
export const historyQuery = z.object(pageQuery);
export const historySchema = pageOf(stepSchema.extend({ id: z.string(), at: timeSchema, node: z.string() }));

// ── documents and everything ──────────────────────────────────────────────────────────────────────────────

const SORTS = ['cost', 'cpuMs', 'bytes', 'updates', 'connections'] as const;
export const documentsQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(20),
  sort: z.enum(SORTS).default('cost'),
});
const documentCostSchema = z
  .object({
    document: z.string(),
    state: z.string(),
    connections: z.number(),
    bytes: z.number().describe('Of its state in memory.'),
    storedBytes: z.number(),
    updates: z.number().describe('Over its life.'),
    uncompactedUpdates: z.number(),
    cpuMs: z.number().describe('Time spent on its edits and their fan-out since it was loaded.'),
    bytesIn: z.number().describe('From its present connections.'),
    bytesOut: z.number(),
    lagBytes: z.number(),
    cost: z.number().describe('Percent of what all open documents of this node cost.'),
    health: z.number().describe('0 to 100.'),
    reasons: z.array(z.string()).describe('Why its health is below 100.'),
    changedAt: timeSchema.nullable(),
  })
  .meta({ id: 'DocumentCost' });
export const documentListSchema = pageOf(documentCostSchema);

export const overviewSchema = z.object({
  pools: z.array(poolSchema),
  queues: z.array(queueSchema),
  deadLetters: z.object({ count: z.number(), lost: z.number().describe('Not even kept: too many at once.') }),
  breakers: z.array(breakerSchema),
  tuner: tunerSchema,
  store: z.object({ state: z.enum(['ok', 'failing', 'closed']) }),
  advice: z.array(z.object({ severity: z.enum(['info', 'warning', 'critical']), about: z.string(), text: z.string() })),
});
export type OptimizationAdvice = z.infer<typeof overviewSchema>['advice'][number];
