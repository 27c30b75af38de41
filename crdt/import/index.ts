/** Forms of other builders as ours. Pure: JSON in, JSON out; the same source gives the same form. */
import type { FormJson, LossReportEntry } from '../form/form-json.js';
import { formSchema, idSchema } from '../form/form-schema.js';
import { importFormloom } from './formloom.js';
import { importGcForms } from './gcforms/form.js';
import { ImportError, invalidSource } from './import-error.js';
import { LossReport } from './loss-report.js';
import { readSource } from './read-source.js';
import { importSurveyJs } from './surveyjs/form.js';

export { ImportError, type ImportErrorCode, type ImportIssue } from './import-error.js';

export const IMPORT_FORMATS = ['formloom', 'gcforms', 'surveyjs'] as const;
export type ImportFormat = (typeof IMPORT_FORMATS)[number];

export interface ImportResult {
  /** Satisfies `formSchema`; ids are unique and every rule speaks of fields that exist. */
  readonly form: FormJson;
  /** What has no counterpart here, each with its JSON Pointer in the source. */
  readonly report: LossReportEntry[];
}

const DEFAULT_FORM_ID = 'form';

/**
 * @param source parsed JSON of any origin, at most 5,000 elements and nested at most 64 deep
 * @param options.formId the id of the form; without it that of the source (Formloom) or `form`
 * @throws {ImportError} and nothing else, when the source cannot be read
 */
export function importForm(format: ImportFormat, source: unknown, options: { formId?: string } = {}): ImportResult {
  const { formId } = options;
  if (!IMPORT_FORMATS.includes(format)) {
    // A caller without types may hand over anything.
    const given: unknown = format;
    throw new ImportError('unsupported_format', [{ path: '', message: `there is no import of "${String(given)}"` }]);
  }
  if (formId !== undefined && !idSchema.safeParse(formId).success) throw invalidSource('', 'the form id is not valid');
  const report = new LossReport();
  const json = readSource(source, report);
  const form = read(format, json, formId ?? DEFAULT_FORM_ID, report);
  // Importers build valid forms; this turns a mistake of theirs into the one error that callers know.
  const checked = formSchema.safeParse(formId === undefined ? form : { ...form, id: formId });
  if (!checked.success) {
    throw new ImportError(
      'invalid_source',
      checked.error.issues.map(({ path, message }) => ({ path: '', message: `${path.join('.')}: ${message}` })),
    );
  }
  return { form: checked.data, report: report.entries() };
}

function read(format: ImportFormat, json: ReturnType<typeof readSource>, formId: string, report: LossReport): FormJson {
  switch (format) {
    case 'formloom':
      return importFormloom(json, report);
    case 'gcforms':
      return importGcForms(json, formId, report);
    case 'surveyjs':
      return importSurveyJs(json, formId, report);
  }
}
