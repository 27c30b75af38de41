/** An alert: that a rule's condition holds, or held, for one group of facts. */
import { z } from 'zod';
import { ALERT_SEVERITIES } from './rules/rule.js';

export const ALERT_STATES = ['firing', 'acknowledged', 'resolved'] as const;

export const alertSchema = z.object({
  id: z.string(),
  ruleId: z.string(),
  name: z.string(),
  severity: z.enum(ALERT_SEVERITIES),
  state: z.enum(ALERT_STATES),
  /** What it is about: `rule`, `severity`, `node` for facts of a node, and the rule's grouping. */
  labels: z.record(z.string(), z.string()),
  /** Of the node that watches it; null: whoever watches for the cluster. */
  node: z.string().nullable(),
  evidence: z.record(z.string(), z.unknown()),
  /** Times in Unix milliseconds. */
  firedAt: z.number(),
  resolvedAt: z.number().nullable(),
  /** A user id, or `system`: the condition was over. */
  resolvedBy: z.string().nullable(),
  /** Null while a silence keeps it quiet. */
  announcedAt: z.number().nullable(),
  history: z.array(
    z.object({
      at: z.number(),
      by: z.string(),
      action: z.enum(['fired', 'acknowledged', 'resolved']),
      note: z.string(),
    }),
  ),
});
export type Alert = z.infer<typeof alertSchema>;
export type AlertState = Alert['state'];
export type AlertAction = Alert['history'][number]['action'];

const STATE_AFTER = { fired: 'firing', acknowledged: 'acknowledged', resolved: 'resolved' } as const;
const MAX_HISTORY = 50;

/** An alert that is resolved stays so: it answers the same alert. */
export function after(alert: Alert, action: AlertAction, by: string, note: string, at: number): Alert {
  if (alert.state === 'resolved') return alert;
  return {
    ...alert,
    state: STATE_AFTER[action],
    ...(action === 'resolved' ? { resolvedAt: at, resolvedBy: by } : {}),
    history: [...alert.history, { at, by, action, note }].slice(-MAX_HISTORY),
  };
}

/** Two observations with the same labels of the same rule are one alert. */
export function alertKey(ruleId: string, labels: Readonly<Record<string, string>>): string {
  return JSON.stringify([ruleId, ...Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))]);
}
