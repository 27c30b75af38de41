import type { FieldJson } from './form-json.js';

/** Fields and all that stand inside them, in order of reading. */
export function allFields(fields: readonly FieldJson[]): FieldJson[] {
  return fields.flatMap((field) => [field, ...allFields(field.fields ?? [])]);
}
