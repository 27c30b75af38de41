/** Our forms in the formats of others. Pure: JSON in, JSON out. */
import type { FormJson, LossReportEntry } from '../form/form-json.js';
import { ImportError } from '../import/import-error.js';
import { LossReport } from '../import/loss-report.js';
import { exportGcForms } from './gcforms/form.js';
import { exportJsonSchema } from './json-schema.js';
import { exportSurveyJs } from './surveyjs/form.js';

export const EXPORT_FORMATS = ['formloom', 'gcforms', 'surveyjs', 'json-schema'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export interface ExportResult {
  /** JSON. */
  readonly content: unknown;
  /** What the format has no place for, each with its JSON Pointer in our form. */
  readonly report: LossReportEntry[];
}

/**
 * @param form satisfies `formSchema`
 * @param format `json-schema` describes the answers (JSON Schema 2020-12), the others the form
 * @throws {ImportError} `unsupported_format`
 */
export function exportForm(form: FormJson, format: ExportFormat): ExportResult {
  const report = new LossReport();
  const content = write(form, format, report);
  return { content, report: report.entries() };
}

function write(form: FormJson, format: ExportFormat, report: LossReport): unknown {
  switch (format) {
    case 'formloom':
      return structuredClone(form);
    case 'gcforms':
      return exportGcForms(form, report);
    case 'surveyjs':
      return exportSurveyJs(form, report);
    case 'json-schema':
      return exportJsonSchema(form, report);
    default:
      throw new ImportError('unsupported_format', [{ path: '', message: `there is no export as "${String(format)}"` }]);
  }
}
