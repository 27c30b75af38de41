import type { CommandPipeline } from './command-pipeline.js';
import type { Health } from './health.js';
import type { RedisLink } from './link.js';

const INTERVAL_MS = 500;
/** Longer than WAIT waits for replicas. */
const STALL_MS = 1_500;

/** Notices a Redis that holds its connections but doesn't answer, also while nobody asks it anything. */
export class Heartbeat {
  readonly #health: Health;
  readonly #links: readonly RedisLink[];
  readonly #pipelines: readonly CommandPipeline[];
  readonly #timer: NodeJS.Timeout;
  readonly #stopListening: (() => void)[];
  #roundStartedAt: number | undefined;

  constructor(health: Health, links: readonly RedisLink[], pipelines: readonly CommandPipeline[]) {
    this.#health = health;
    this.#links = links;
    this.#pipelines = pipelines;
    this.#timer = setInterval(() => this.#beat(), INTERVAL_MS);
    this.#stopListening = links.map((link) => link.onChange(() => this.#judgeConnection()));
  }

  close(): void {
    clearInterval(this.#timer);
    for (const stop of this.#stopListening) stop();
  }

  #beat(): void {
    const sentAt = [this.#roundStartedAt, ...this.#pipelines.map(({ oldestSentAt }) => oldestSentAt)];
    const oldest = Math.min(...sentAt.filter((time) => time !== undefined));
    if (Date.now() - oldest > STALL_MS) this.#health.raise('stall', 'Redis does not answer');
    else this.#health.clear('stall');
    if (this.#roundStartedAt === undefined) void this.#round();
  }

  async #round(): Promise<void> {
    this.#roundStartedAt = Date.now();
    const masters = this.#links.filter(({ isReady }) => isReady).flatMap((link) => link.masters());
    const failures = (await Promise.allSettled(masters.map((master) => master.ping()))).flatMap((outcome) =>
      outcome.status === 'rejected' ? [String(outcome.reason)] : [],
    );
    this.#roundStartedAt = undefined;
    if (failures[0] === undefined) this.#judgeConnection();
    else this.#health.raise('connection', `Redis is unreachable: ${failures[0]}`);
  }

  #judgeConnection(): void {
    const down = this.#links.find(({ isReady }) => !isReady);
    if (down === undefined) this.#health.clear('connection');
    else this.#health.raise('connection', `Redis is unreachable: ${down.lastError ?? 'the connection was closed'}`);
  }
}
