/** A form in one language. */
import type { FieldJson, FormJson, OptionJson, Texts } from '../../crdt/index.js';

/** Texts in `language` alone; where one is missing, that of the form's first language which has it. */
export function localized(form: FormJson, language: string): FormJson {
  const order = [language, ...form.languages];
  const text = (texts: Texts): Texts => {
    const found = order.find((candidate) => texts[candidate] !== undefined) ?? Object.keys(texts)[0];
    const value = found === undefined ? undefined : texts[found];
    return found === undefined || value === undefined ? {} : { [found]: value };
  };
  const option = (item: OptionJson): OptionJson => ({ ...item, label: text(item.label) });
  const field = (item: FieldJson): FieldJson => ({
    ...item,
    title: text(item.title),
    description: text(item.description),
    ...(item.placeholder === undefined ? {} : { placeholder: text(item.placeholder) }),
    ...(item.options === undefined ? {} : { options: item.options.map(option) }),
    ...(item.rows === undefined ? {} : { rows: item.rows.map(option) }),
    ...(item.fields === undefined ? {} : { fields: item.fields.map(field) }),
  });
  return {
    ...form,
    title: text(form.title),
    description: text(form.description),
    pages: form.pages.map((page) => ({
      ...page,
      title: text(page.title),
      description: text(page.description),
      fields: page.fields.map(field),
    })),
  };
}
