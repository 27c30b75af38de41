/** Rules at rest, `alert-rule/<id>`: those that were made, and the built-in ones that were changed. In memory for reading. */
import { z } from 'zod';
import type { RecordStore } from '../../storage/record-store.js';
import { BUILT_IN_RULES } from './built-in-rules.js';
import { ruleSettingsSchema, type Rule, type RuleSettings } from './rule.js';

const PREFIX = 'alert-rule';
const storedSchema = z.object({ settings: ruleSettingsSchema, changedAt: z.number(), changedBy: z.string() });
const BUILT_IN = new Map(BUILT_IN_RULES.map((rule) => [rule.id, rule]));

export class RuleStore {
  #rules: ReadonlyMap<string, Rule> = BUILT_IN;

  constructor(private readonly records: RecordStore) {}

  /** Reads what others have changed. */
  async refresh(): Promise<void> {
    const rules = new Map(BUILT_IN);
    for await (const { key, value } of this.records.scan([PREFIX])) {
      const id = key[1];
      if (id === undefined) continue;
      const { settings, changedAt, changedBy } = storedSchema.parse(JSON.parse(Buffer.from(value).toString()));
      rules.set(id, { id, isBuiltIn: BUILT_IN.has(id), changedAt, changedBy, ...settings });
    }
    this.#rules = rules;
  }

  /** Built-in ones first. */
  all(): Rule[] {
    return [...this.#rules.values()];
  }

  get(id: string): Rule | undefined {
    return this.#rules.get(id);
  }

  async put(rule: Rule): Promise<void> {
    const { id, changedAt, changedBy } = rule;
    const settings = settingsOf(rule);
    await this.records.put([PREFIX, id], Buffer.from(JSON.stringify({ settings, changedAt, changedBy })));
    await this.refresh();
  }

  /** A built-in rule is as it was made again. */
  async delete(id: string): Promise<void> {
    await this.records.delete([PREFIX, id]);
    await this.refresh();
  }
}

function settingsOf(rule: Rule): RuleSettings {
  const { name, description, condition, forSeconds, resolveAfterSeconds, severity, channels, recipients } = rule;
  return {
    ...{ name, description, condition, forSeconds, resolveAfterSeconds, severity, channels, recipients },
    isEnabled: rule.isEnabled,
  };
}
