/** Alerts as an operator sees them, and rules that fire and end sooner. */
import type { RestClient } from './rest-client.js';
import { until } from './until.js';

export interface ShownAlert {
  readonly id: string;
  readonly state: string;
  readonly labels: Record<string, string>;
  readonly evidence: Record<string, unknown>;
  readonly isSilenced: boolean;
}

/** The same rule, sooner over and easier to set off. */
export async function hasten(rest: RestClient, id: string, condition: object = {}): Promise<void> {
  const facts = ['id', 'isBuiltIn', 'changedAt', 'changedBy'];
  const rule = (await rest.get(`/alert-rules/${id}`)).body as { condition: object };
  const settings = Object.fromEntries(Object.entries(rule).filter(([member]) => !facts.includes(member)));
  const quick = { forSeconds: 0, resolveAfterSeconds: 0 };
  const body = { ...settings, ...quick, condition: { ...rule.condition, ...condition } };
  const answer = await rest.put(`/alert-rules/${id}`, body);
  if (answer.status !== 200) throw new Error(answer.text);
}

export async function alertsOf(rest: RestClient, rule: string, state = 'open'): Promise<ShownAlert[]> {
  return (await rest.get(`/alerts?rule=${rule}&state=${state}`)).body.data;
}

/** Also when it is over already. @param again while it has not fired */
export async function fired(
  rest: RestClient,
  rule: string,
  again: () => unknown = () => undefined,
): Promise<ShownAlert> {
  let found: ShownAlert | undefined;
  await until(
    async () => {
      await again();
      return (found = (await rest.get(`/alerts?rule=${rule}`)).body.data[0]) !== undefined;
    },
    { what: `${rule} fires` },
  );
  return found!;
}

export async function resolved(rest: RestClient, rule: string): Promise<void> {
  await until(
    async () => (await alertsOf(rest, rule)).length === 0 && (await alertsOf(rest, rule, 'resolved')).length > 0,
    // Not oftener: asking is work of the processor too, which one of the rules watches.
    { what: `${rule} is resolved`, everyMs: 100 },
  );
}
