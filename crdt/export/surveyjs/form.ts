import type { FieldJson, FormJson, Json } from '../../form/form-json.js';
import type { LossReport } from '../../import/loss-report.js';
import { isObject } from '../../import/source-object.js';
import { allFields, variablesOf } from '../../logic/evaluate.js';
import type { NamedField } from './expression.js';
import { localized, visibility, writeQuestion, type SurveyExport } from './question.js';

/** A form as a SurveyJS survey; names and question types that were imported come back. */
export function exportSurveyJs(form: FormJson, report: LossReport): Record<string, Json> {
  const defaultLanguage = form.languages[0] ?? 'en';
  const context: SurveyExport = { report, defaultLanguage, fields: namesOf(form) };
  const settings = new Map(Object.entries(form.settings));
  const pages = form.pages.map((page, i) => {
    const path = `/pages/${i}`;
    const kept = settings.get(`page.${page.id}`);
    settings.delete(`page.${page.id}`);
    if (page.jumps !== undefined && page.jumps.length > 0) {
      report.add(`${path}/jumps`, 'lost: SurveyJS shows pages by their own conditions');
    }
    return {
      name: page.id,
      ...(isObject(kept) && kept),
      ...localized('title', page.title, context),
      ...localized('description', page.description, context),
      ...visibility(page.visibleIf, path, context),
      elements: page.fields.map((field, j) => writeQuestion(field, `${path}/fields/${j}`, context)),
    };
  });
  return {
    ...Object.fromEntries(settings),
    ...(defaultLanguage !== 'en' && { locale: defaultLanguage }),
    ...localized('title', form.title, context),
    ...localized('description', form.description, context),
    pages,
  };
}

/**
 * The name it was imported with. Sources may use a name twice; of such fields only the first can be meant in an
 * expression, so another that a rule reads goes by its id.
 */
function namesOf(form: FormJson): Map<string, NamedField> {
  const fields = form.pages.flatMap((page) => allFields(page.fields));
  const read = new Set<string>();
  const collect = (rule: Json | undefined): void => variablesOf(rule).forEach((id) => read.add(id));
  form.pages.forEach((page) => collect(page.visibleIf));
  for (const field of fields) {
    for (const member of ['visibleIf', 'requiredIf', 'enabledIf', 'calculate'] as const) collect(field[member]);
  }
  const taken = new Set<string>();
  const named = (field: FieldJson): [string, NamedField] => {
    const original = field.properties?.['name'];
    const isUsable = typeof original === 'string' && !(taken.has(original) && read.has(field.id));
    const name = isUsable ? original : field.id;
    taken.add(name);
    return [field.id, { name, type: field.type }];
  };
  return new Map(fields.map(named));
}
