/**
 * Long work that callers poll: kept as records `operations/<id>` for a week, so that every node can answer.
 *
 * Its end is an event of the feed. Who runs it writes now and then; an operation that nobody has written for a minute was ended by the end of its node.
 */
import { uuidv7 } from 'uuidv7';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { EventPublisher } from '../../server/events/index.js';
import type { RecordKey, RecordStore } from '../../server/storage/index.js';
import { Problem } from '../http/problem.js';

const storedSchema = z.object({
  id: z.string(),
  kind: z.string(),
  /** Who may follow it beside administrators: the id of the principal that began it. */
  owner: z.string().optional(),
  state: z.enum(['running', 'done', 'failed']),
  /** 0 to 1. */
  progress: z.number(),
  result: z.unknown().optional(),
  error: z.string().optional(),
  /** Unix time in milliseconds. */
  createdAt: z.number(),
  updatedAt: z.number(),
});
export type Operation = z.infer<typeof storedSchema>;

/** Answers the result: JSON. What it throws is the error of the operation. */
/** Work that may be long ends early when `signal` is aborted: the server stops. */
export type Work = (onProgress: (progress: number) => void, id: string, signal: AbortSignal) => Promise<unknown>;

const KEPT_MS = 7 * 24 * 60 * 60 * 1_000;
const SAVE_MS = 5_000;
const SILENT_MS = 60_000;

export class Operations {
  readonly #running = new Map<string, { readonly operation: Operation; readonly end: Promise<void> }>();
  readonly #stop = new AbortController();

  constructor(
    private readonly records: RecordStore,
    private readonly clock: () => number,
    private readonly logger: Logger,
    private readonly events: EventPublisher,
  ) {}

  /** Begins the work and answers at once. */
  async start(kind: string, work: Work, owner?: string): Promise<Operation> {
    const now = this.clock();
    const operation: Operation = {
      id: uuidv7(),
      ...(owner === undefined ? {} : { owner }),
      ...{ kind, state: 'running' as const, progress: 0, createdAt: now, updatedAt: now },
    };
    await this.#save(operation);
    const answer = { ...operation };
    this.#running.set(operation.id, { operation, end: this.#run(operation, work) });
    return answer;
  }

  /** @throws Problem `operation_not_found` */
  async get(id: string): Promise<Operation> {
    const running = this.#running.get(id);
    if (running !== undefined) return { ...running.operation };
    const record = await this.records.get(keyOf(id));
    if (record === undefined) throw new Problem('operation_not_found', `There is no operation "${id}".`);
    const operation = storedSchema.parse(JSON.parse(Buffer.from(record.value).toString()));
    const isSilent = operation.state === 'running' && operation.updatedAt < this.clock() - SILENT_MS;
    return isSilent ? { ...operation, state: 'failed', error: 'The node that worked on it has ended.' } : operation;
  }

  isRunning(kind: string): boolean {
    return [...this.#running.values()].some(({ operation }) => operation.kind === kind);
  }

  /** Ends what can be ended early; resolves when all that runs here has ended. */
  async close(): Promise<void> {
    this.#stop.abort(new Error('The server was stopped.'));
    await Promise.all(Array.from(this.#running.values(), ({ end }) => end));
  }

  async #run(operation: Operation, work: Work): Promise<void> {
    let saving = Promise.resolve();
    const save = (): void => {
      operation.updatedAt = this.clock();
      saving = saving
        .then(() => this.#save(operation))
        .catch((error: unknown) => this.logger.warn({ err: error }, 'the progress of an operation could not be saved'));
    };
    const timer = setInterval(save, SAVE_MS);
    timer.unref();
    try {
      operation.result = await work((progress) => (operation.progress = progress), operation.id, this.#stop.signal);
      operation.state = 'done';
      operation.progress = 1;
    } catch (error) {
      operation.state = 'failed';
      operation.error = error instanceof Error ? error.message : String(error);
      const facts = { err: error, operation: operation.id, kind: operation.kind };
      if (error === this.#stop.signal.reason) this.logger.warn(facts, 'an operation was given up');
      else this.logger.error(facts, 'an operation failed');
    }
    clearInterval(timer);
    save();
    await saving;
    this.#running.delete(operation.id);
    await this.#tellEnd(operation);
  }

  async #tellEnd({ id, kind, state, owner }: Operation): Promise<void> {
    await this.events.publish({
      type: `operation.${state}`,
      ...(owner === undefined ? {} : { userId: owner, recipient: owner }),
      data: { operationId: id, kind },
    });
  }

  async #save(operation: Operation): Promise<void> {
    const expiresAt = operation.createdAt + KEPT_MS;
    await this.records.put(keyOf(operation.id), Buffer.from(JSON.stringify(operation)), { expiresAt });
  }
}

const keyOf = (id: string): RecordKey => ['operations', id];
