/** Fields of a form by id, with those inside of groups. */
import type { FieldJson, FormJson } from '../../client/index.js';

export function fieldsOf(form: FormJson): readonly FieldJson[] {
  return form.pages.flatMap(({ fields }) => fields.flatMap(withInner));
}

function withInner(field: FieldJson): FieldJson[] {
  return [field, ...(field.fields ?? []).flatMap(withInner)];
}
