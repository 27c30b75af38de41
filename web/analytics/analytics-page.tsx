/** What became of a form: who saw it, who handed it in, where they left, what they answered, who worked on it. */
import { useCallback, type ReactNode } from 'react';
import type { FormJson } from '../../client/index.js';
import { fileLink } from '../app/file-link.js';
import { useLoaded } from '../app/hooks.js';
import { textIn, useWording } from '../app/language.js';
import { server } from '../app/session.js';
import { figure, share } from '../charts/format.js';
import { Bars } from '../charts/bars.js';
import { Problem, Shell } from '../parts/shell.js';
import { Collaboration } from './collaboration.js';
import { FieldAnswers } from './field-answers.js';
import { Funnel } from './funnel.js';
import { OverTime } from './over-time.js';
import { useFormFeed, useReport, type FormReport, type LiveReport } from './reports.js';
import '../style/analytics.css';

const REPORTS = [
  ['summary', 'csvSummary'],
  ['timeseries', 'csvTimeseries'],
  ['funnel', 'csvFunnel'],
  ['collaboration', 'csvCollaboration'],
] as const;

export default function AnalyticsPage({ formId }: { readonly formId: string }): ReactNode {
  const { t, language } = useWording();
  const load = useCallback(() => server().rest.request<FormJson>('GET', `/forms/${formId}`), [formId]);
  const { data: form, error } = useLoaded(load);
  useFormFeed(formId);
  const title = textIn(form?.title, language) || t('untitled');
  return (
    <Shell title={form === undefined ? t('analytics') : t('analyticsNamed', { title })}>
      <div className="wide analytics">
        <header className="page-head">
          <h1>{form === undefined ? t('analytics') : t('analyticsNamed', { title })}</h1>
          <a className="button" href={`/app/forms/${formId}`}>
            {t('editForm')}
          </a>
        </header>
        <Problem>{error}</Problem>
        {form !== undefined && (
          <>
            <Totals formId={formId} />
            <OverTime formId={formId} />
            <Funnel form={form} />
            <FieldAnswers form={form} />
            <Collaboration formId={formId} />
            <Exports formId={formId} />
          </>
        )}
      </div>
    </Shell>
  );
}

function Totals({ formId }: { readonly formId: string }): ReactNode {
  const { t, language } = useWording();
  const { data, error } = useReport<FormReport>(`/analytics/forms/${formId}`);
  const loadLive = useCallback(
    () => server().rest.request<LiveReport>('GET', '/analytics/live', { query: { limit: 200 } }),
    [],
  );
  const { data: live } = useLoaded(loadLive, 3_000);
  const now = live?.data.find((one) => one.formId === formId);
  const count = (value: number | undefined): string => figure(value, 'count', language);
  const facts: [string, string][] = [
    [t('views'), count(data?.views)],
    [t('visitors'), count(data?.visitors)],
    [t('starts'), count(data?.starts)],
    [t('inProgress'), count(data?.inProgress)],
    [t('submissions'), count(data?.submissions)],
    [t('completionRate'), share(data?.completionRate, language)],
    [t('abandonmentRate'), share(data?.abandonmentRate, language)],
    [t('medianTime'), figure(data?.medianSeconds, 'seconds', language)],
    [t('errors'), count(data?.errors)],
    [t('corrections'), count(data?.corrections)],
  ];
  const devices = Object.entries(data?.devices ?? {});
  return (
    <>
      <section aria-label={t('totals')}>
        <Problem>{error}</Problem>
        <dl className="facts totals">
          {facts.map(([name, value]) => (
            <div key={name} className="card">
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </section>
      <div className="side-by-side">
        <section className="card" aria-labelledby="now">
          <h2 id="now">{t('rightNow')}</h2>
          <dl className="facts plain">
            <div>
              <dt>{t('editorsNow')}</dt>
              <dd>{count(now?.editors ?? 0)}</dd>
            </div>
            <div>
              <dt>{t('respondentsNow')}</dt>
              <dd>{count(now?.respondents ?? 0)}</dd>
            </div>
            <div>
              <dt>{t('editsPerMinute')}</dt>
              <dd>{count(now?.editsPerMinute ?? 0)}</dd>
            </div>
          </dl>
        </section>
        <section className="card" aria-labelledby="devices">
          <h2 id="devices">{t('devices')}</h2>
          {devices.length === 0 ? (
            <p className="muted">{t('noDevices')}</p>
          ) : (
            <Bars label={t('devices')} bars={devices.map(([name, value]) => ({ name, value }))} />
          )}
        </section>
      </div>
    </>
  );
}

function Exports({ formId }: { readonly formId: string }): ReactNode {
  const { t } = useWording();
  return (
    <section className="card" aria-labelledby="exports">
      <h2 id="exports">{t('exportCsv')}</h2>
      <ul className="link-list">
        {REPORTS.map(([report, word]) => (
          <li key={report}>
            <a className="button" download href={fileLink(`/analytics/forms/${formId}/export`, { report })}>
              {t(word)}
            </a>
          </li>
        ))}
        <li>
          <a className="button" download href={fileLink(`/forms/${formId}/submissions/export`, { format: 'csv' })}>
            {t('csvAnswers')}
          </a>
        </li>
      </ul>
    </section>
  );
}
