/** When the server takes snapshots by itself, and how many of them it keeps. One policy for the installation. */
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Bus } from '../storage/bus.js';
import type { Subscription } from '../storage/document-log.js';
import type { RecordKey, RecordStore } from '../storage/record-store.js';

const kept = (what: string): z.ZodDefault<z.ZodNumber> =>
  z.number().int().min(0).max(10_000).default(0).describe(`${what} Left out: 0.`);

export const snapshotPolicySchema = z.strictObject({
  every: z
    .strictObject({
      updates: z
        .number()
        .int()
        .min(1)
        .max(1_000_000)
        .nullable()
        .default(null)
        .describe('A snapshot when so many updates came since the last one; null or left out: never for that.'),
      minutes: z
        .number()
        .min(0.1)
        .max(100_000)
        .nullable()
        .default(null)
        .describe('A snapshot so long after the first change since the last one; null or left out: never for that.'),
    })
    .default({ updates: 1_000, minutes: 15 })
    .describe('Of a document that changes. Both null: none.'),
  onPublish: z.boolean().default(true).describe('Keep the state of a form that is published.'),
  beforeRestore: z.boolean().default(true).describe('Keep what was there before a snapshot is restored.'),
  retention: z
    .strictObject({
      recent: kept('The newest, whatever their age.'),
      hourly: kept('The newest of each of so many hours that have one.'),
      daily: kept('The same for days.'),
      weekly: kept('The same for weeks, which begin on Monday.'),
    })
    .default({ recent: 10, hourly: 24, daily: 7, weekly: 4 })
    .describe('Of each document. Snapshots that a person took stay until a person deletes them. Times in UTC.'),
});

export type SnapshotPolicy = z.infer<typeof snapshotPolicySchema>;

const DEFAULT_POLICY: SnapshotPolicy = snapshotPolicySchema.parse({});

const KEY: RecordKey = ['snapshot-policy', 'settings'];
const CHANNEL = 'snapshot-policy';
/** A message to other nodes that was lost is made up for by then. */
const REREAD_MS = 30_000;

export class SnapshotPolicies {
  /** What holds now, on this node. */
  current: SnapshotPolicy = DEFAULT_POLICY;
  #subscription: Subscription | undefined;
  #reread: NodeJS.Timeout | undefined;

  constructor(
    private readonly records: RecordStore,
    private readonly bus: Bus,
    private readonly logger: Logger,
  ) {}

  async start(): Promise<void> {
    this.#subscription = await this.bus.subscribe(CHANNEL, () => void this.#read());
    this.#reread = setInterval(() => void this.#read(), REREAD_MS);
    this.#reread.unref();
    await this.#read();
  }

  /** Holds here at once, on other nodes within a moment. Durable when it resolves. */
  async set(policy: SnapshotPolicy): Promise<void> {
    await this.records.put(KEY, Buffer.from(JSON.stringify(policy)));
    this.current = policy;
    this.bus.publish(CHANNEL, new Uint8Array()).catch((error: unknown) => {
      this.logger.warn({ err: error }, 'other nodes were not told of the policy for snapshots; they read it soon');
    });
  }

  async close(): Promise<void> {
    clearInterval(this.#reread);
    await this.#subscription?.close();
  }

  /** Never rejects: what held goes on holding. */
  async #read(): Promise<void> {
    try {
      const record = await this.records.get(KEY);
      if (record !== undefined)
        this.current = snapshotPolicySchema.parse(JSON.parse(Buffer.from(record.value).toString()));
    } catch (error) {
      this.logger.warn({ err: error }, 'the policy for snapshots cannot be read; the one before holds');
    }
  }
}
