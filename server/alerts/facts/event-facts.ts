/** Recent activity and security events, counted as event rules ask for them. */
import { isOfType } from '../../events/index.js';
import type { Activity } from '../../system-events/index.js';
import type { EventCondition, Observation } from '../rules/rule.js';

const KEPT_MS = 3_600_000;
const MAX_EVENTS = 20_000;
/** An attacker with many addresses does not make an alert of each. */
const MAX_GROUPS = 50;
const EXAMPLES = 5;

export class EventFacts {
  #events: Activity[] = [];

  /** In the order of time, as far as one log goes. */
  add(events: readonly Activity[]): void {
    this.#events.push(...events);
  }

  clear(): void {
    this.#events = [];
  }

  forget(now: number): void {
    this.#events = this.#events.filter(({ at }) => at > now - KEPT_MS).slice(-MAX_EVENTS);
  }

  observe(condition: EventCondition, now: number): Observation[] {
    const { type, where, count, windowSeconds, groupBy } = condition;
    const groups = new Map<string, { labels: Record<string, string>; value: number; events: Activity[] }>();
    for (const event of this.#events) {
      if (event.at <= now - windowSeconds * 1_000 || !isOfType(event.type, type)) continue;
      const wanted = Object.entries(where) as [keyof typeof where, string][];
      if (wanted.some(([member, value]) => event[member] !== value)) continue;
      const labels: Record<string, string> = {};
      for (const field of groupBy) labels[field] = event[field] ?? '';
      let key = JSON.stringify(labels);
      if (groupBy.length > 0 && !groups.has(key) && groups.size >= MAX_GROUPS) {
        for (const field of groupBy) labels[field] = 'others';
        key = JSON.stringify(labels);
      }
      const group = groups.get(key) ?? { labels, value: 0, events: [] };
      groups.set(key, group);
      group.value += event.count;
      group.events.push(event);
    }
    return Array.from(groups.values(), ({ labels, value, events }) => ({
      labels,
      value,
      isOver: value >= count,
      isClear: value < count,
      evidence: { type, value, threshold: count, windowSeconds, examples: events.slice(-EXAMPLES).map(example) },
    }));
  }
}

function example({ id, at, type, userId, formId, document, address, node }: Activity): Record<string, unknown> {
  const facts = { id, at: new Date(at).toISOString(), type, userId, formId, document, address, node };
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
}
