import type { FieldJson, FormJson, OptionJson, PageJson, Texts } from '../form-json.js';
import { CHOICE_TYPES } from '../shape.js';

/**
 * The form as the projection writes it: members in one order, texts and keys sorted, empty optional members left out.
 * Two forms mean the same exactly when their normal forms are equal.
 */
export function normalize(form: FormJson): FormJson {
  return {
    id: form.id,
    title: sorted(form.title),
    description: sorted(form.description),
    languages: [...new Set(form.languages)],
    settings: sorted(form.settings),
    pages: form.pages.map(normalizePage),
  };
}

function normalizePage(page: PageJson): PageJson {
  const normal: PageJson = {
    id: page.id,
    title: sorted(page.title),
    description: sorted(page.description),
    fields: page.fields.map(normalizeField),
  };
  if (page.visibleIf !== undefined) normal.visibleIf = page.visibleIf;
  if (page.jumps !== undefined) normal.jumps = page.jumps;
  return normal;
}

function normalizeField(field: FieldJson): FieldJson {
  const normal: FieldJson = {
    id: field.id,
    type: field.type,
    title: sorted(field.title),
    description: sorted(field.description),
    required: field.required,
    validation: sorted(withoutUndefined(field.validation)),
  };
  if (field.placeholder !== undefined && Object.keys(field.placeholder).length > 0) {
    normal.placeholder = sorted(field.placeholder);
  }
  const options = field.options ?? [];
  if (options.length > 0 || CHOICE_TYPES.has(field.type)) normal.options = options.map(normalizeOption);
  const rows = field.rows ?? [];
  if (rows.length > 0 || field.type === 'matrix') normal.rows = rows.map(normalizeOption);
  for (const member of ['visibleIf', 'requiredIf', 'enabledIf', 'calculate', 'defaultValue'] as const) {
    if (field[member] !== undefined) normal[member] = field[member];
  }
  if (field.repeat !== undefined) normal.repeat = withoutUndefined(field.repeat);
  const properties = withoutUndefined(field.properties ?? {});
  if (Object.keys(properties).length > 0) normal.properties = sorted(properties);
  if (field.type === 'group') normal.fields = (field.fields ?? []).map(normalizeField);
  return normal;
}

function normalizeOption(option: OptionJson): OptionJson {
  const label: Texts = sorted(option.label);
  return option.value === undefined ? { id: option.id, label } : { id: option.id, label, value: option.value };
}

function sorted<T extends object>(record: T): T {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1))) as T;
}

function withoutUndefined<T extends object>(record: T): T {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as T;
}
