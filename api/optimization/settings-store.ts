/** What operators set here, in records: applied at the start of every node, and on all nodes when one is told. */
import type { Logger } from 'pino';
import { z } from 'zod';
import {
  OUTBOUND_CLASSES,
  type OutboundClass,
  type PoolSettings,
  type QueueSettings,
} from '../../server/limits/index.js';
import type { Bus } from '../../server/storage/bus.js';
import type { Subscription } from '../../server/storage/document-log.js';
import type { RecordKey, RecordStore, StoredRecord } from '../../server/storage/record-store.js';
import { READINGS, TUNER_MODES, type KnobBounds, type Targets, type TunerMode } from '../../server/tuner/index.js';

const poolSchema = z.object({
  /** When it was set: pools are tried in this order. Unix time in milliseconds. */
  at: z.number(),
  size: z.number(),
  idleTimeoutMs: z.number(),
  rule: z
    .object({
      roles: z.array(z.string()).optional(),
      documentPrefix: z.string().optional(),
      header: z.object({ name: z.string(), value: z.string().optional() }).optional(),
    })
    .optional(),
});
const queueSchema = z.object({ capacity: z.number(), ratePerSecond: z.number() });
const tunerSchema = z.object({
  mode: z.enum(TUNER_MODES),
  bounds: z.record(z.string(), z.object({ min: z.number().optional(), max: z.number().optional() })),
  targets: z.partialRecord(z.enum(READINGS), z.number()).default({}),
});

export interface TunerSettings {
  readonly mode: TunerMode;
  readonly bounds: Readonly<Record<string, KnobBounds>>;
  readonly targets: Targets;
}

export interface StoredPool {
  readonly name: string;
  /** Changes with every write. */
  readonly version: string;
  readonly settings: PoolSettings;
}

export interface StoredSettings {
  /** In the order in which they were set. */
  readonly pools: readonly StoredPool[];
  readonly queues: ReadonlyMap<OutboundClass, QueueSettings>;
  readonly tuner: TunerSettings | undefined;
}

const POOL = 'optimization-pool';
const QUEUE = 'optimization-queue';
const TUNER: RecordKey = ['optimization-tuner', 'settings'];
const CHANNEL = 'optimization';

export class SettingsStore {
  constructor(
    private readonly records: RecordStore,
    private readonly bus: Bus,
    private readonly logger: Logger,
    /** Unix time in milliseconds. */
    private readonly clock: () => number,
  ) {}

  /** Damaged records are logged and left out: the node must start. */
  async read(): Promise<StoredSettings> {
    const pools: (StoredPool & { at: number })[] = [];
    for await (const record of this.records.scan([POOL])) {
      const { data } = this.#parse(poolSchema, record);
      if (data === undefined) continue;
      const { at, size, idleTimeoutMs, rule } = data;
      const settings = { size, idleTimeoutMs, ...(rule === undefined ? {} : { rule: clean(rule) }) };
      pools.push({ name: record.key[1] ?? '', version: record.version, at, settings });
    }
    const queues = new Map<OutboundClass, QueueSettings>();
    for (const name of OUTBOUND_CLASSES) {
      const record = await this.records.get([QUEUE, name]);
      const data = record === undefined ? undefined : this.#parse(queueSchema, record).data;
      if (data !== undefined) queues.set(name, data);
    }
    const record = await this.records.get(TUNER);
    const tuner = record === undefined ? undefined : this.#parse(tunerSchema, record).data;
    return { pools: pools.sort((a, b) => a.at - b.at), queues, tuner };
  }

  async savePool(name: string, { size, idleTimeoutMs, rule }: PoolSettings): Promise<void> {
    await this.#save([POOL, name], { at: this.clock(), size, idleTimeoutMs, rule });
  }

  async deletePool(name: string): Promise<void> {
    await this.records.delete([POOL, name]);
    this.#tellOthers();
  }

  async saveQueue(name: OutboundClass, { capacity, ratePerSecond }: QueueSettings): Promise<void> {
    await this.#save([QUEUE, name], { capacity, ratePerSecond });
  }

  async saveTuner({ mode, bounds, targets }: TunerSettings): Promise<void> {
    await this.#save(TUNER, { mode, bounds, targets });
  }

  /** Calls when some node has saved something, this one too. */
  async onChanged(listener: () => void): Promise<Subscription> {
    return this.bus.subscribe(CHANNEL, listener);
  }

  async #save(key: RecordKey, value: object): Promise<void> {
    await this.records.put(key, Buffer.from(JSON.stringify(value)));
    this.#tellOthers();
  }

  #tellOthers(): void {
    this.bus.publish(CHANNEL, new Uint8Array()).catch((error: unknown) => {
      this.logger.warn({ err: error }, 'other nodes were not told of a change; they read it at their next start');
    });
  }

  #parse<T>(schema: z.ZodType<T>, { key, value }: StoredRecord): { data: T | undefined } {
    try {
      return { data: schema.parse(JSON.parse(Buffer.from(value).toString())) };
    } catch (error) {
      this.logger.error({ err: error, record: key.join('/') }, 'a stored setting cannot be read and is left out');
      return { data: undefined };
    }
  }
}

type StoredRule = NonNullable<z.infer<typeof poolSchema>['rule']>;

/** Absent members instead of undefined ones. */
export function clean({ roles, documentPrefix, header }: StoredRule): NonNullable<PoolSettings['rule']> {
  return {
    ...(roles === undefined ? {} : { roles }),
    ...(documentPrefix === undefined ? {} : { documentPrefix }),
    ...(header === undefined
      ? {}
      : { header: header.value === undefined ? { name: header.name } : { name: header.name, value: header.value } }),
  };
}
