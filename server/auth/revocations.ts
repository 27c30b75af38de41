/**
 * Tokens that no longer count. Kept in the record store, known in memory on every node.
 *
 * A revocation by `jti` ends one token; one by `sub` ends every token of that subject issued until then. The bus tells
 * the other nodes at once; as it delivers at most once, every node also reads the records again now and then.
 *
 * Records: `auth/revocation/jti/<jti>` and `auth/revocation/sub/<sub>`. That of a token minted here ends with the token
 * (its id tells when); any other is kept, because a token whose end is unknown must never come back.
 */
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Bus } from '../storage/bus.js';
import type { Subscription } from '../storage/document-log.js';
import type { RecordKey, RecordStore } from '../storage/record-store.js';
import type { Principal } from './principal.js';
import { endOfMintedToken } from './token-id.js';

export interface Revocation {
  readonly jti?: string;
  readonly sub?: string;
  /** Unix time in milliseconds; tokens of `sub` issued later are fine. */
  readonly at: number;
}

export type RevocationTarget = { readonly jti: string } | { readonly sub: string };

export interface RevocationsOptions {
  readonly records: RecordStore;
  readonly bus: Bus;
  readonly logger: Logger;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
  readonly refreshEveryMs?: number;
}

const CHANNEL = 'auth:revocations';
const PREFIX = ['auth', 'revocation'] as const;
const REFRESH_EVERY_MS = 15_000;

const revocationSchema = z.union([
  z.object({ jti: z.string().min(1), at: z.number() }),
  z.object({ sub: z.string().min(1), at: z.number() }),
]);

export class Revocations {
  /** Time of the revocation by token id and by subject. */
  readonly #tokens = new Map<string, number>();
  readonly #subjects = new Map<string, number>();
  readonly #listeners = new Set<(revocation: Revocation) => void>();
  #subscription: Subscription | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(private readonly options: RevocationsOptions) {}

  /** Subscribes before it reads, so that nothing falls between. */
  async start(): Promise<void> {
    this.#subscription = await this.options.bus.subscribe(CHANNEL, (message) => this.#onMessage(message));
    await this.refresh();
    this.#timer = setInterval(() => {
      this.refresh().catch((error: unknown) => {
        if (!this.#isClosed) this.options.logger.warn({ err: error }, 'revocations could not be read');
      });
    }, this.options.refreshEveryMs ?? REFRESH_EVERY_MS);
    this.#timer.unref();
  }

  /** Takes up what the bus did not deliver; forgets tokens that have ended. */
  async refresh(): Promise<void> {
    for await (const record of this.options.records.scan([...PREFIX])) {
      const revocation = parse(record.value);
      if (revocation === undefined) this.options.logger.error({ key: record.key }, 'a revocation cannot be read');
      else this.#take(revocation);
    }
    const now = this.options.clock();
    for (const jti of this.#tokens.keys()) {
      if ((endOfMintedToken(jti) ?? Infinity) <= now) this.#tokens.delete(jti);
    }
  }

  /** Resolves when it is durable and known on this node; other nodes know within milliseconds. */
  async revoke(target: RevocationTarget): Promise<void> {
    const revocation: Revocation = { ...target, at: this.options.clock() };
    const message = Buffer.from(JSON.stringify(revocation));
    const end = 'jti' in target ? endOfMintedToken(target.jti) : undefined;
    await this.options.records.put(keyOf(target), message, end === undefined ? {} : { expiresAt: end });
    this.#take(revocation);
    await this.options.bus.publish(CHANNEL, message).catch((error: unknown) => {
      // It is saved: the other nodes find it at their next reading.
      this.options.logger.warn({ err: error }, 'a revocation could not be announced');
    });
  }

  isRevoked({ jti, id, issuedAt }: Pick<Principal, 'jti' | 'id' | 'issuedAt'>): boolean {
    if (jti !== undefined && this.#tokens.has(jti)) return true;
    const at = this.#subjects.get(id);
    // A token that does not tell its age counts as old.
    return at !== undefined && (issuedAt ?? 0) <= at;
  }

  /** When the subject's tokens were last revoked. */
  revokedAt(sub: string): number | undefined {
    return this.#subjects.get(sub);
  }

  onRevoked(listener: (revocation: Revocation) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#listeners.clear();
    await this.#subscription?.close();
    this.#subscription = undefined;
  }

  #onMessage(message: Uint8Array): void {
    const revocation = parse(message);
    if (revocation === undefined) this.options.logger.error('a revocation on the bus cannot be read');
    else this.#take(revocation);
  }

  /** Tells the listeners once, however often it comes. */
  #take(revocation: Revocation): void {
    const [known, id] =
      revocation.jti === undefined ? [this.#subjects, revocation.sub ?? ''] : [this.#tokens, revocation.jti];
    if ((known.get(id) ?? -Infinity) >= revocation.at) return;
    known.set(id, revocation.at);
    for (const listener of this.#listeners) {
      try {
        listener(revocation);
      } catch (error) {
        this.options.logger.error({ err: error }, 'a listener of revocations failed');
      }
    }
  }
}

function keyOf(target: RevocationTarget): RecordKey {
  return 'jti' in target ? [...PREFIX, 'jti', target.jti] : [...PREFIX, 'sub', target.sub];
}

function parse(bytes: Uint8Array): Revocation | undefined {
  try {
    return revocationSchema.safeParse(JSON.parse(Buffer.from(bytes).toString())).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
