import type { Json } from '../../form/form-json.js';
import { chosenRule } from '../../import/gcforms/logic.js';
import { isObject } from '../../import/source-object.js';
import type { GcExport } from './element.js';

/** Conditional rules that say the same; undefined when there are none that do. */
export function conditionalRules(rule: Json | undefined, context: GcExport): Json[] | undefined {
  if (rule === undefined) return [];
  const any = isObject(rule) && Array.isArray(rule['or']) ? rule['or'] : [rule];
  const choiceIds = any.map((part) => choiceIdOf(part, context));
  return choiceIds.every((id) => id !== undefined) ? choiceIds.map((choiceId) => ({ choiceId })) : undefined;
}

/** `<element id>.<choice index>` of a rule that one option is chosen. */
export function choiceIdOf(rule: Json, context: GcExport): string | undefined {
  if (!isObject(rule)) return undefined;
  const operands = Object.values(rule)[0];
  if (!Array.isArray(operands)) return undefined;
  const fieldId = operands
    .map((operand) => (isObject(operand) ? operand['var'] : undefined))
    .find((name) => name !== undefined);
  const answer = operands.find(
    (operand) => typeof operand === 'string' || typeof operand === 'number' || typeof operand === 'boolean',
  );
  const field = typeof fieldId === 'string' ? context.fields.get(fieldId) : undefined;
  const index = field?.options?.findIndex((option) => (option.value ?? option.id) === answer) ?? -1;
  const elementId = field === undefined ? undefined : context.elementIds.get(field.id);
  if (field === undefined || elementId === undefined || index < 0 || answer === undefined) return undefined;
  const expected = chosenRule(field, answer);
  return JSON.stringify(expected) === JSON.stringify(rule) ? `${elementId}.${index}` : undefined;
}
