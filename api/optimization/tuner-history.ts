/** Steps of the tuners of all nodes, each with what was felt before and after; kept for 30 days. */
import type { Logger } from 'pino';
import { uuidv7 } from 'uuidv7';
import { z } from 'zod';
import type { RecordStore } from '../../server/storage/record-store.js';
import type { TunerStep } from '../../server/tuner/index.js';
import { stepSchema } from './schemas.js';

const keptSchema = stepSchema.extend({ id: z.string(), at: z.number(), node: z.string() });
export type KeptStep = z.infer<typeof keptSchema>;

const PREFIX = 'tuner-step';
const KEPT_MS = 30 * 24 * 3_600_000;

export class TunerHistory {
  readonly #writing = new Set<Promise<void>>();

  constructor(
    private readonly records: RecordStore,
    private readonly node: string,
    private readonly logger: Logger,
    /** Unix time in milliseconds. */
    private readonly clock: () => number,
  ) {}

  /** Never throws: a step that cannot be kept was made all the same. */
  add(step: TunerStep): void {
    const [id, at] = [uuidv7(), this.clock()];
    const content = Buffer.from(JSON.stringify({ ...step, id, at, node: this.node }));
    const writing = this.records
      .put([PREFIX, id], content, { expiresAt: at + KEPT_MS })
      .then(
        () => undefined,
        (error: unknown) => this.logger.warn({ err: error, knob: step.knob }, 'a step of the tuner could not be kept'),
      )
      .finally(() => this.#writing.delete(writing));
    this.#writing.add(writing);
  }

  /** Newest first. */
  async list(limit: number, cursor: string | undefined): Promise<{ data: KeptStep[]; nextCursor: string | null }> {
    await this.settled();
    const data: KeptStep[] = [];
    const after = cursor === undefined ? {} : { after: [PREFIX, cursor] as const };
    for await (const { value } of this.records.scan([PREFIX], { reverse: true, ...after })) {
      if (data.length === limit) return { data, nextCursor: data.at(-1)?.id ?? null };
      data.push(keptSchema.parse(JSON.parse(Buffer.from(value).toString())));
    }
    return { data, nextCursor: null };
  }

  async settled(): Promise<void> {
    await Promise.all(this.#writing);
  }
}
