/**
 * How many connections there may be, by pool. A pool admits what its rule matches; `default` takes everyone else.
 *
 *   default    1,000 connections, idle after 30 s
 *   priority     500 connections, idle after 15 s: admins and owners, so that whoever must act in a storm gets in
 *
 * Custom pools are tried in the order in which they were put, then `priority`, then `default`. A full pool refuses,
 * except `priority`, which is a reserve: what it can't take goes to `default`. Changes apply to newcomers; nobody is
 * disconnected when a pool shrinks or goes.
 */
export interface PoolRule {
  /** Any of these roles on the document. Roles count only when callers prove who they are (`areRolesProven`). */
  readonly roles?: readonly string[];
  readonly documentPrefix?: string;
  /** A header with this value, or with any. */
  readonly header?: { readonly name: string; readonly value?: string };
}

export interface PoolSettings {
  /** Connections. */
  readonly size: number;
  readonly idleTimeoutMs: number;
  /** All members must hold; absent for `default`, which takes everyone. */
  readonly rule?: PoolRule;
}

export interface PoolInfo extends PoolSettings {
  readonly name: string;
  /** Open now; above `size` after a pool was made smaller. */
  readonly connections: number;
  readonly refused: number;
}

export interface AdmissionRequest {
  readonly document: string;
  readonly role: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export type Admission =
  | { readonly admitted: true; readonly pool: string; readonly idleTimeoutMs: number; release(): void }
  | { readonly admitted: false; readonly retryAfterSeconds: number; readonly reason: string };

export interface AdmissionPoolsOptions {
  /** Connections of `default`. */
  readonly connectionPoolSize?: number;
  /** False under AUTH=off, where everyone is admin: the reserve would be everybody's. */
  readonly areRolesProven: boolean;
  /** 0 to 1, for the jitter of `retryAfterSeconds`. */
  readonly random?: () => number;
}

/** A pool that cannot be: a wrong name, too many pools, or the removal of a built-in one. */
export class PoolError extends Error {
  readonly code = 'pool_invalid';
  constructor(message: string) {
    super(message);
    this.name = 'PoolError';
  }
}

interface Pool {
  readonly name: string;
  settings: PoolSettings;
  connections: number;
  refused: number;
}

const DEFAULT = 'default';
const PRIORITY = 'priority';
const NAME = /^[A-Za-z0-9_-]{1,64}$/;
const MAX_POOLS = 30;
/** A full pool empties slowly: retries are spread over this. */
const RETRY_SPREAD_SECONDS = 10;

export class AdmissionPools {
  readonly #default: Pool;
  readonly #priority: Pool;
  readonly #custom = new Map<string, Pool>();
  readonly #areRolesProven: boolean;
  readonly #random: () => number;

  constructor({ connectionPoolSize = 1_000, areRolesProven, random = Math.random }: AdmissionPoolsOptions) {
    this.#default = poolOf(DEFAULT, { size: connectionPoolSize, idleTimeoutMs: 30_000 });
    this.#priority = poolOf(PRIORITY, { size: 500, idleTimeoutMs: 15_000, rule: { roles: ['admin', 'owner'] } });
    this.#areRolesProven = areRolesProven;
    this.#random = random;
  }

  /** `release` gives the place back; calling it again does nothing. */
  admit(request: AdmissionRequest): Admission {
    const matching = this.#match(request);
    const pool = matching === this.#priority && isFull(matching) ? this.#default : matching;
    if (isFull(pool)) {
      pool.refused += 1;
      const retryAfterSeconds = 1 + Math.floor(this.#random() * RETRY_SPREAD_SECONDS);
      return { admitted: false, retryAfterSeconds, reason: `the pool "${pool.name}" is full` };
    }
    pool.connections += 1;
    return new Place(pool);
  }

  list(): PoolInfo[] {
    return [this.#default, this.#priority, ...this.#custom.values()].map(describe);
  }

  get(name: string): PoolInfo | undefined {
    const pool = this.#find(name);
    return pool === undefined ? undefined : describe(pool);
  }

  /**
   * Makes a pool or changes it; connections that are in it stay.
   * @throws PoolError
   */
  put(name: string, settings: PoolSettings): PoolInfo {
    const pool = this.#find(name) ?? this.#add(name);
    if (pool === this.#default && settings.rule !== undefined)
      throw new PoolError('The pool "default" has no rule: it takes everyone else.');
    if (pool !== this.#default && !hasCondition(settings.rule)) throw new PoolError(`The pool "${name}" needs a rule.`);
    pool.settings = settings;
    this.#custom.delete(name);
    if (pool !== this.#default && pool !== this.#priority) this.#custom.set(name, pool);
    return describe(pool);
  }

  /** For the tuner. False when there is no such pool. */
  resize(name: string, size: number): boolean {
    const pool = this.#find(name);
    if (pool === undefined) return false;
    pool.settings = { ...pool.settings, size };
    return true;
  }

  /** @throws PoolError for a built-in pool. */
  requireDeletable(name: string): void {
    if (name === DEFAULT || name === PRIORITY)
      throw new PoolError(`The pool "${name}" is built in; make it smaller instead.`);
  }

  /**
   * False when there is no such pool. Its connections stay open, and uncounted.
   * @throws PoolError for a built-in pool.
   */
  delete(name: string): boolean {
    this.requireDeletable(name);
    return this.#custom.delete(name);
  }

  #find(name: string): Pool | undefined {
    if (name === DEFAULT) return this.#default;
    return name === PRIORITY ? this.#priority : this.#custom.get(name);
  }

  #add(name: string): Pool {
    if (!NAME.test(name)) throw new PoolError('The name of a pool has 1 to 64 of A-Z a-z 0-9 _ -.');
    if (this.#custom.size >= MAX_POOLS)
      throw new PoolError(`There are at most ${MAX_POOLS} pools besides the built-in ones.`);
    return poolOf(name, { size: 0, idleTimeoutMs: 30_000 });
  }

  #match(request: AdmissionRequest): Pool {
    for (const pool of this.#custom.values()) {
      if (this.#holds(pool.settings.rule, request)) return pool;
    }
    return this.#holds(this.#priority.settings.rule, request) ? this.#priority : this.#default;
  }

  #holds(rule: PoolRule | undefined, { document, role, headers }: AdmissionRequest): boolean {
    if (rule === undefined) return false;
    if (rule.roles !== undefined) {
      if (!this.#areRolesProven || role === undefined || !rule.roles.includes(role)) return false;
    }
    if (rule.documentPrefix !== undefined && !document.startsWith(rule.documentPrefix)) return false;
    if (rule.header === undefined) return true;
    const value = headers[rule.header.name.toLowerCase()];
    return value !== undefined && (rule.header.value === undefined || [value].flat().includes(rule.header.value));
  }
}

class Place {
  readonly admitted = true;
  readonly pool: string;
  /** As it was on admission: changes apply to newcomers. */
  readonly idleTimeoutMs: number;
  #isHeld = true;

  constructor(private readonly of: Pool) {
    this.pool = of.name;
    this.idleTimeoutMs = of.settings.idleTimeoutMs;
  }

  release(): void {
    if (this.#isHeld) this.of.connections -= 1;
    this.#isHeld = false;
  }
}

function poolOf(name: string, settings: PoolSettings): Pool {
  return { name, settings, connections: 0, refused: 0 };
}

function isFull(pool: Pool): boolean {
  return pool.connections >= pool.settings.size;
}

function hasCondition(rule: PoolRule | undefined): boolean {
  return rule?.roles !== undefined || rule?.documentPrefix !== undefined || rule?.header !== undefined;
}

function describe({ name, settings, connections, refused }: Pool): PoolInfo {
  return { name, ...settings, connections, refused };
}
