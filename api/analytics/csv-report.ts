/** The figures of a form as CSV. */
import { timeOf } from '../http/pages.js';
import { Problem } from '../http/problem.js';
import { csvRow } from '../submissions/lists/csv.js';
import { METRICS, type Metric } from './metrics.js';
import type { REPORTS } from './schemas.js';
import type { AnalyticsService, Range } from './service.js';

export interface CsvQuestion extends Range {
  readonly report: (typeof REPORTS)[number];
  readonly fieldId: string | undefined;
  /** All when absent. */
  readonly metric: Metric | undefined;
}

/** @throws Problem `form_not_found`, `field_not_found`, `validation_failed` */
export async function csvReport(service: AnalyticsService, formId: string, question: CsvQuestion): Promise<string> {
  const rows = await rowsOf(service, formId, question);
  return rows.map(csvRow).join('');
}

type Row = (string | number | null)[];

async function rowsOf(service: AnalyticsService, formId: string, question: CsvQuestion): Promise<Row[]> {
  switch (question.report) {
    case 'summary': {
      const { devices, conflicts, ...figures } = await service.form(formId);
      return [
        ['figure', 'value'],
        ...Object.entries(figures),
        ['conflictsOpened', conflicts.opened],
        ['conflictsResolved', conflicts.resolved],
        ...Object.entries(devices).map(([device, count]): Row => [`device.${device}`, count]),
      ];
    }
    case 'timeseries': {
      const metrics = question.metric === undefined ? METRICS : [question.metric];
      const { points } = await service.series(formId, question);
      return [
        ['time', ...metrics],
        ...points.map(({ time, values }): Row => [timeOf(time), ...metrics.map((metric) => values[metric])]),
      ];
    }
    case 'funnel': {
      const { pages } = await service.funnel(formId);
      const stages = pages.flatMap(({ fields, ...page }) => [
        { kind: 'page', page: page.id, ...page },
        ...fields.map((field) => ({ kind: 'field', page: page.id, ...field })),
      ]);
      return [
        ['kind', 'page', 'id', 'reached', 'answered', 'left'],
        ...stages.map(({ kind, page, id, reached, answered, left }): Row => [kind, page, id, reached, answered, left]),
      ];
    }
    case 'field':
      return fieldRows(service, formId, question.fieldId);
    case 'collaboration': {
      const { data } = await service.collaboration(formId);
      return [
        ['userId', 'edits', 'bytes', 'comments', 'lastAt'],
        ...data.map(({ userId, edits, bytes, comments, lastAt }): Row => [userId, edits, bytes, comments, lastAt]),
      ];
    }
  }
}

async function fieldRows(service: AnalyticsService, formId: string, fieldId: string | undefined): Promise<Row[]> {
  if (fieldId === undefined) {
    const errors = [{ path: 'querystring.fieldId', message: 'is needed for this report' }];
    throw new Problem('validation_failed', 'The report on a field needs a field.', { errors });
  }
  const { distribution, ...figures } = await service.field(formId, fieldId);
  const { values = [], numbers, texts } = distribution;
  const { bins = [], ...moments } = numbers ?? {};
  return [
    ['figure', 'value'],
    ...Object.entries(figures),
    ['answers', distribution.answers],
    ...values.map(({ value, count }): Row => [`value.${value}`, count]),
    ...Object.entries(moments),
    ...bins.map(({ from, to, count }): Row => [`from ${from} to ${to}`, count]),
    ...Object.entries(texts ?? {}),
  ];
}
