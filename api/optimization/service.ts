/** Pools, queues and the tuner as operators set them: live at once, and stored for the next start. Knows no HTTP. */
import type { Logger } from 'pino';
import {
  OUTBOUND_CLASSES,
  PoolError,
  type AdmissionPools,
  type OutboundQueues,
  type PoolInfo,
  type PoolSettings,
  type QueueInfo,
  type QueueSettings,
} from '../../server/limits/index.js';
import type { Subscription } from '../../server/storage/document-log.js';
import type { Knobs, KnobBounds, Tuner } from '../../server/tuner/index.js';
import { Problem } from '../http/problem.js';
import type { PoolChange, TunerChange } from './schemas.js';
import { clean, type SettingsStore, type StoredSettings, type TunerSettings } from './settings-store.js';

export interface OptimizationSettingsOptions {
  readonly store: SettingsStore;
  readonly pools: AdmissionPools;
  readonly queues: OutboundQueues;
  readonly tuner: Tuner;
  readonly knobs: Knobs;
  readonly logger: Logger;
}

/** It looks and says what it would do; whoever wants it to act says so. */
const DEFAULT_TUNER: TunerSettings = { mode: 'advise', bounds: {}, targets: {} };
const NEW_POOL = { idleTimeoutMs: 30_000 };

export class OptimizationSettings {
  #tunerSettings = DEFAULT_TUNER;
  /** Versions of the stored pools that are live. */
  readonly #poolVersions = new Map<string, string>();
  /** What an operator gave each pool; the tuner may have made it smaller since. */
  readonly #poolSizes = new Map<string, number>();
  #applying: Promise<void> = Promise.resolve();
  #subscription: Subscription | undefined;

  constructor(private readonly options: OptimizationSettingsOptions) {
    for (const { name, size } of options.pools.list()) this.#poolSizes.set(name, size);
  }

  /** Applies what is stored, and from then on what other nodes store. */
  async start(): Promise<void> {
    const { store, tuner, logger } = this.options;
    tuner.configure(this.#tunerSettings.mode, this.#tunerSettings.bounds, this.#tunerSettings.targets);
    await this.#apply();
    this.#subscription = await store.onChanged(() => {
      this.#apply().catch((error: unknown) => logger.warn({ err: error }, 'changed settings could not be read'));
    });
  }

  async close(): Promise<void> {
    await this.#subscription?.close();
    await this.#applying.catch(() => undefined);
  }

  // ── pools ───────────────────────────────────────────────────────────────────────────────────────────────

  /** The size that an operator or the configuration gave it. */
  sizeOf(pool: string): number | undefined {
    return this.#poolSizes.get(pool);
  }

  /** @throws Problem `validation_failed`, `conflict` */
  async putPool(name: string, change: PoolChange): Promise<PoolInfo> {
    const { pools, store } = this.options;
    const before = pools.get(name);
    const settings = settingsFrom(name, change, before);
    const pool = this.#put(name, settings);
    try {
      await store.savePool(name, settings);
    } catch (error) {
      // What would be gone after a restart is not in force before it either.
      if (before === undefined) pools.delete(name);
      else this.#put(name, settingsOf(before));
      throw error;
    }
    return pool;
  }

  #put(name: string, settings: PoolSettings): PoolInfo {
    try {
      const pool = this.options.pools.put(name, settings);
      this.#poolSizes.set(name, settings.size);
      return pool;
    } catch (error) {
      if (!(error instanceof PoolError)) throw error;
      throw new Problem('conflict', error.message, { cause: error });
    }
  }

  /** Its connections stay open. @throws Problem `pool_not_found`, `conflict` for a built-in one */
  async deletePool(name: string): Promise<void> {
    const { pools, store } = this.options;
    if (pools.get(name) === undefined) throw new Problem('pool_not_found', `There is no pool "${name}".`);
    try {
      pools.requireDeletable(name);
    } catch (error) {
      if (!(error instanceof PoolError)) throw error;
      throw new Problem('conflict', error.message, { cause: error });
    }
    // First what lasts: what would be back after a restart is not gone before it either.
    await store.deletePool(name);
    pools.delete(name);
    this.#poolVersions.delete(name);
    this.#poolSizes.delete(name);
  }

  // ── queues ──────────────────────────────────────────────────────────────────────────────────────────────

  /** @throws Problem `queue_not_found` */
  async putQueue(name: string, change: Partial<QueueSettings>): Promise<QueueInfo> {
    const { queues, store } = this.options;
    const known = OUTBOUND_CLASSES.find((one) => one === name);
    const before = queues.list().find((queue) => queue.name === known);
    if (known === undefined || before === undefined) {
      throw new Problem('queue_not_found', `There is no queue "${name}"; there are ${OUTBOUND_CLASSES.join(', ')}.`);
    }
    const { capacity, ratePerSecond } = { ...before, ...change };
    await store.saveQueue(known, { capacity, ratePerSecond });
    return queues.configure(known, { capacity, ratePerSecond });
  }

  // ── tuner ───────────────────────────────────────────────────────────────────────────────────────────────

  get tunerSettings(): TunerSettings {
    return this.#tunerSettings;
  }

  /** What is left out stays. @throws Problem `validation_failed` */
  /** Back to what operators want, after something else was tried. */
  applyTuner(): void {
    this.#setTuner(this.#tunerSettings);
  }

  async putTuner({ mode = this.#tunerSettings.mode, bounds, targets }: TunerChange): Promise<void> {
    if (bounds !== undefined) this.#requireBounds(bounds);
    const now = this.#tunerSettings;
    const settings = { mode, bounds: bounds ?? now.bounds, targets: targets ?? now.targets };
    await this.options.store.saveTuner(settings);
    this.#setTuner(settings);
  }

  #setTuner(settings: TunerSettings): void {
    this.#tunerSettings = settings;
    this.options.tuner.configure(settings.mode, settings.bounds, settings.targets);
  }

  #requireBounds(bounds: Readonly<Record<string, KnobBounds>>): void {
    const { knobs } = this.options;
    const errors = Object.entries(bounds).flatMap(([name, { min, max }]) => {
      const path = `bounds.${name}`;
      const knob = knobs.find((one) => one.name === name);
      if (knob === undefined)
        return [{ path, message: `there are the knobs ${knobs.map((one) => one.name).join(', ')}` }];
      if ((min ?? knob.min) > (max ?? knob.max)) return [{ path, message: 'min is above max' }];
      const isWithin = [min, max].every((value) => value === undefined || (value >= knob.min && value <= knob.max));
      return isWithin ? [] : [{ path, message: `it goes from ${knob.min} to ${knob.max}` }];
    });
    if (errors.length === 0) return;
    throw new Problem('validation_failed', `${errors[0]?.path}: ${errors[0]?.message}`, { errors });
  }

  // ── what is stored ──────────────────────────────────────────────────────────────────────────────────────

  /** One after the other: an older reading must not follow a newer one. */
  #apply(): Promise<void> {
    const apply = async (): Promise<void> => this.#set(await this.options.store.read());
    this.#applying = this.#applying.then(apply, apply);
    return this.#applying;
  }

  #set({ pools: stored, queues: storedQueues, tuner }: StoredSettings): void {
    const { pools, queues, logger } = this.options;
    for (const { name, version, settings } of stored) {
      if (this.#poolVersions.get(name) === version) continue;
      this.#poolVersions.set(name, version);
      try {
        this.#put(name, settings);
      } catch (error) {
        logger.error({ err: error, pool: name }, 'a stored pool cannot be');
      }
    }
    for (const name of [...this.#poolVersions.keys()]) {
      if (stored.some((pool) => pool.name === name)) continue;
      this.#poolVersions.delete(name);
      this.#poolSizes.delete(name);
      pools.delete(name);
    }
    for (const queue of queues.list()) {
      const settings = storedQueues.get(queue.name);
      if (settings !== undefined && !isSame(queue, settings)) queues.configure(queue.name, settings);
    }
    if (tuner !== undefined && JSON.stringify(tuner) !== JSON.stringify(this.#tunerSettings)) this.#setTuner(tuner);
  }
}

function settingsFrom(
  name: string,
  { size, idleTimeoutSeconds, rule }: PoolChange,
  before: PoolInfo | undefined,
): PoolSettings {
  const wanted = rule === undefined ? before?.rule : rule === null ? undefined : clean(rule);
  const [newSize, idleTimeoutMs] = [size ?? before?.size, (idleTimeoutSeconds ?? 0) * 1_000];
  const errors = [
    ...(newSize === undefined ? [{ path: 'size', message: 'a new pool needs a size' }] : []),
    ...(name === 'default' && wanted !== undefined
      ? [{ path: 'rule', message: 'default has no rule: it takes everyone else' }]
      : []),
    ...(name !== 'default' && wanted === undefined ? [{ path: 'rule', message: 'a pool needs a rule' }] : []),
  ];
  if (newSize === undefined || errors.length > 0) {
    throw new Problem('validation_failed', `${errors[0]?.path}: ${errors[0]?.message}`, { errors });
  }
  return {
    size: newSize,
    idleTimeoutMs: idleTimeoutSeconds === undefined ? (before ?? NEW_POOL).idleTimeoutMs : idleTimeoutMs,
    ...(wanted === undefined ? {} : { rule: wanted }),
  };
}

function settingsOf({ size, idleTimeoutMs, rule }: PoolInfo): PoolSettings {
  return { size, idleTimeoutMs, ...(rule === undefined ? {} : { rule }) };
}

function isSame(a: { capacity: number; ratePerSecond: number }, b: QueueSettings): boolean {
  return a.capacity === b.capacity && a.ratePerSecond === b.ratePerSecond;
}
