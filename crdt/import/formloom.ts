import { allFields, variablesOf } from '../logic/evaluate.js';
import type { FieldJson, FormJson, Json, PageJson } from '../form/form-json.js';
import { formSchema } from '../form/form-schema.js';
import { ImportError, type ImportIssue } from './import-error.js';
import { ImportLimits } from './import-limits.js';
import { pointer, type LossReport } from './loss-report.js';

/**
 * Our own format: checked, and freed of rules and jumps to what is not there.
 * @throws {ImportError}
 */
export function importFormloom(source: Json, report: LossReport): FormJson {
  const parsed = formSchema.safeParse(source);
  if (!parsed.success) {
    throw new ImportError(
      'invalid_source',
      parsed.error.issues.map(({ path, message }) => ({
        path: path.reduce<string>((at, segment) => pointer(at, String(segment)), ''),
        message,
      })),
    );
  }
  const form = parsed.data;
  refuseDuplicates(form);
  const limits = new ImportLimits();
  const fieldIds = new Set(form.pages.flatMap((page) => allFields(page.fields)).map((field) => field.id));
  const pageIds = new Set(form.pages.map((page) => page.id)).add('end');
  const isSound = (rule: Json | undefined, path: string): boolean => {
    const unknown = [...variablesOf(rule)].filter((id) => !fieldIds.has(id));
    if (unknown.length > 0) report.add(path, `left out: there is no field "${unknown.join('", "')}"`);
    return unknown.length === 0;
  };
  const cleanField = (field: FieldJson, path: string): void => {
    limits.countElement(path);
    limits.countOptions((field.options?.length ?? 0) + (field.rows?.length ?? 0), path);
    for (const member of ['visibleIf', 'requiredIf', 'enabledIf', 'calculate'] as const) {
      if (!isSound(field[member], pointer(path, member))) Reflect.deleteProperty(field, member);
    }
    field.fields?.forEach((child, i) => cleanField(child, `${path}/fields/${i}`));
  };
  const cleanPage = (page: PageJson, path: string): void => {
    if (!isSound(page.visibleIf, `${path}/visibleIf`)) delete page.visibleIf;
    const jumps = page.jumps?.filter((jump, i) => {
      if (!pageIds.has(jump.to)) report.add(`${path}/jumps/${i}/to`, `left out: there is no page "${jump.to}"`);
      return isSound(jump.if, `${path}/jumps/${i}/if`) && pageIds.has(jump.to);
    });
    if (jumps !== undefined) page.jumps = jumps;
    page.fields.forEach((field, i) => cleanField(field, `${path}/fields/${i}`));
  };
  form.pages.forEach((page, i) => cleanPage(page, `/pages/${i}`));
  return form;
}

function refuseDuplicates(form: FormJson): void {
  const issues: ImportIssue[] = [];
  const check = (items: readonly { readonly id: string }[], seen: Set<string>, path: string): void =>
    items.forEach(({ id }, i) => {
      if (seen.has(id)) issues.push({ path: `${path}/${i}/id`, message: `the id "${id}" occurs twice` });
      seen.add(id);
    });
  const fieldIds = new Set<string>();
  const checkFields = (fields: readonly FieldJson[], path: string): void => {
    check(fields, fieldIds, path);
    fields.forEach((field, i) => {
      check(field.options ?? [], new Set(), `${path}/${i}/options`);
      check(field.rows ?? [], new Set(), `${path}/${i}/rows`);
      checkFields(field.fields ?? [], `${path}/${i}/fields`);
    });
  };
  check(form.pages, new Set(), '/pages');
  form.pages.forEach((page, i) => checkFields(page.fields, `/pages/${i}/fields`));
  if (issues.length > 0) throw new ImportError('invalid_source', issues);
}
