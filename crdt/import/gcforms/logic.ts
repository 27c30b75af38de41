import type { FieldJson, Json } from '../../form/form-json.js';
import { pointer } from '../loss-report.js';
import { SourceObject } from '../source-object.js';
import type { GcContext } from './element.js';

/** GC Forms' word for "none of the other choices". */
const CATCH_ALL = 'catch-all';

export const isCatchAll = (choiceId: string): boolean => choiceId === '' || choiceId.includes(CATCH_ALL);

/** The rule that the option of `<element id>.<choice index>` is chosen; undefined when there is none. */
export function choiceRule(choiceId: string, fields: ReadonlyMap<string, FieldJson>): Json | undefined {
  const dot = choiceId.lastIndexOf('.');
  const field = fields.get(choiceId.slice(0, dot));
  const option = field?.options?.find(({ id }) => id === `o${choiceId.slice(dot + 1)}`);
  if (dot < 1 || field === undefined || option === undefined) return undefined;
  return chosenRule(field, option.id);
}

/** @param option what the answer holds when it is chosen: its value, or its id when it has none */
export function chosenRule(field: FieldJson, option: string | number | boolean): Json {
  const answer = { var: field.id };
  return field.type === 'choices' ? { in: [option, answer] } : { '==': [answer, option] };
}

/** Sets `visibleIf` of every field that has conditional rules: any of them shows it. */
export function applyRules(context: GcContext): void {
  for (const { field, rules, path } of context.rules) {
    const found: Json[] = [];
    rules.forEach((item, i) => {
      const at = pointer(path, i);
      const source = SourceObject.from(item, at);
      const choiceId = source?.string('choiceId');
      const rule = choiceId === undefined ? undefined : choiceRule(choiceId, context.fieldsByElement);
      if (rule === undefined) context.report.add(at, 'left out: the rule speaks of no choice of this form');
      else if (!found.some((other) => JSON.stringify(other) === JSON.stringify(rule))) found.push(rule);
      source?.loseRest(context.report);
    });
    const [only] = found;
    if (only !== undefined) field.visibleIf = found.length === 1 ? only : { or: found };
  }
}
