/**
 * Transitions of alerts on their way to the store and to those who are told. They happen in memory first: that the store
 * fails is itself an alert. What cannot be stored yet waits, in order, and is tried again.
 */
import type { Logger } from 'pino';
import type { Alert } from './alert.js';
import type { AlertStore } from './alert-store.js';

export interface Settlement {
  /** As it is in memory, for when nothing is stored yet. */
  readonly alert: Alert;
  /** Applied to what is stored. Answers the same alert when there is nothing to change. */
  change(stored: Alert): Alert;
  /** Once it is durable. */
  settled(stored: Alert): Promise<void>;
}

const MAX_WAITING = 1_000;

export class Settlements {
  #waiting: Settlement[] = [];
  #draining: Promise<void> | undefined;

  constructor(
    private readonly alerts: AlertStore,
    private readonly logger: Logger,
  ) {}

  add(settlement: Settlement): void {
    this.#waiting.push(settlement);
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift();
    void this.drain();
  }

  /** Tries what waits. Never rejects. */
  drain(): Promise<void> {
    this.#draining ??= this.#drain().finally(() => (this.#draining = undefined));
    return this.#draining;
  }

  async #drain(): Promise<void> {
    for (;;) {
      const settlement = this.#waiting[0];
      if (settlement === undefined) return;
      try {
        const stored = await this.alerts.change(settlement.alert, (alert) => settlement.change(alert));
        if (this.#waiting[0] === settlement) this.#waiting.shift();
        await settlement.settled(stored);
      } catch (error) {
        this.logger.debug({ err: error, alert: settlement.alert.id }, 'an alert waits for the store');
        return;
      }
    }
  }
}
