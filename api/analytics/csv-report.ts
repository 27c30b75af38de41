/** The figures of analytics as CSV: each report is one table. */
import { timeOf } from '../http/pages.js';
import { Problem } from '../http/problem.js';
import { csvRow } from '../submissions/lists/csv.js';
import { METRICS, type Metric } from './metrics.js';
import type { REPORTS } from './schemas.js';
import type { AnalyticsService, Range } from './service.js';

export interface CsvQuestion extends Range {
  readonly report: (typeof REPORTS)[number];
  readonly fieldId: string | undefined;
  /** Of whom the report `user` tells. */
  readonly userId: string | undefined;
  /** All when absent. */
  readonly metric: Metric | undefined;
}

/** Of a form. @throws Problem `form_not_found`, `field_not_found`, `validation_failed` */
export async function csvReport(service: AnalyticsService, formId: string, question: CsvQuestion): Promise<string> {
  return csvOf(await rowsOf(service, formId, question));
}

type Answer<K extends 'overview' | 'user' | 'live'> = Awaited<ReturnType<AnalyticsService[K]>>;

/** Of all forms. */
export function csvOverview({ forms, totals, live, busiest }: Answer<'overview'>): string {
  return csvOf([
    ['figure', 'value'],
    ['forms', forms],
    ...Object.entries(totals),
    ...Object.entries(live).map(([name, value]): Row => [`live.${name}`, value]),
    ...busiest.map(({ formId, activity }): Row => [`busiest.${formId}`, activity]),
  ]);
}

/** What a user did, by form. */
export function csvUser({ forms }: Answer<'user'>): string {
  const rows = forms.map(({ formId, edits, bytes, comments, views, starts, submissions, lastAt }): Row => {
    return [formId, edits, bytes, comments, views, starts, submissions, lastAt];
  });
  return csvOf([['formId', 'edits', 'bytes', 'comments', 'views', 'starts', 'submissions', 'lastAt'], ...rows]);
}

/** Who is on which form now. */
export const csvLive = ({ data }: Answer<'live'>): string => csvOf(liveRows(data));

const liveRows = (data: Answer<'live'>['data']): Row[] => [
  ['formId', 'editors', 'respondents', 'editsPerMinute'],
  ...data.map(({ formId, editors, respondents, editsPerMinute }): Row => [
    formId,
    editors,
    respondents,
    editsPerMinute,
  ]),
];

const csvOf = (rows: readonly Row[]): string => rows.map(csvRow).join('');

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
      return fieldRows(service, formId, required('fieldId', question.fieldId));
    case 'live':
      await service.form(formId);
      return liveRows(service.live((id) => id === formId, 1).data);
    case 'user': {
      await service.form(formId);
      const { forms } = await service.user(required('userId', question.userId));
      const figures = Object.entries(forms.find((one) => one.formId === formId) ?? {});
      return [['figure', 'value'], ...figures.filter(([figure]) => figure !== 'formId')];
    }
    case 'collaboration': {
      const { data } = await service.collaboration(formId);
      return [
        ['userId', 'edits', 'bytes', 'comments', 'lastAt'],
        ...data.map(({ userId, edits, bytes, comments, lastAt }): Row => [userId, edits, bytes, comments, lastAt]),
      ];
    }
  }
}

/** @throws Problem `validation_failed` */
function required(name: 'fieldId' | 'userId', value: string | undefined): string {
  if (value !== undefined) return value;
  const errors = [{ path: `querystring.${name}`, message: 'is needed for this report' }];
  throw new Problem('validation_failed', `This report needs ${name}.`, { errors });
}

async function fieldRows(service: AnalyticsService, formId: string, fieldId: string): Promise<Row[]> {
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
