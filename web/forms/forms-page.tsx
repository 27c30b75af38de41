/** All forms: find one, begin one, or bring one along from another builder. */
import { useCallback, useDeferredValue, useState, type ReactNode } from 'react';
import { textIn, useWording } from '../app/language.js';
import { useLoaded, useTask } from '../app/hooks.js';
import { server } from '../app/session.js';
import { Moment, Problem, Shell } from '../parts/shell.js';
import { ImportArea } from './import-area.js';
import '../style/forms.css';

interface FormSummary {
  readonly id: string;
  readonly title: Record<string, string>;
  readonly status: 'draft' | 'published';
  readonly version: number | null;
  readonly pages: number;
  readonly fields: number;
  readonly changedAt: string;
  readonly connections: number;
}
interface FormList {
  readonly data: readonly FormSummary[];
  readonly nextCursor: string | null;
}

/** Others make forms too. */
const REFRESH_MS = 15_000;

export default function FormsPage(): ReactNode {
  const { t } = useWording();
  const [search, setSearch] = useState('');
  const wanted = useDeferredValue(search.trim());
  const load = useCallback(
    () =>
      server().rest.request<FormList>('GET', '/forms', {
        query: { limit: 100, q: wanted === '' ? undefined : wanted },
      }),
    [wanted],
  );
  const { data, error, reload } = useLoaded(load, REFRESH_MS);
  return (
    <Shell title={t('forms')}>
      <div className="wide">
        <div className="heading">
          <h1>{t('forms')}</h1>
          <NewForm />
        </div>
        <ImportArea onImported={reload} />
        <input
          type="search"
          className="search"
          aria-label={t('searchForms')}
          placeholder={t('searchForms')}
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
        <Problem>{error}</Problem>
        {data?.data.length === 0 && <p className="empty">{wanted === '' ? t('noForms') : t('nothingFound')}</p>}
        <ul className="form-list">
          {data?.data.map((form) => (
            <FormRow key={form.id} form={form} />
          ))}
        </ul>
        {data !== undefined && data.nextCursor !== null && <p className="muted">{t('moreForms')}</p>}
      </div>
    </Shell>
  );
}

function FormRow({ form }: { readonly form: FormSummary }): ReactNode {
  const { t, language } = useWording();
  const title = textIn(form.title, language);
  return (
    <li>
      <a href={`/app/forms/${form.id}`} className="title" dir="auto">
        {title === '' ? t('untitled') : title}
      </a>
      <span className={`badge ${form.status}`}>
        {form.version === null ? t('draft') : t('publishedVersion', { version: form.version })}
      </span>
      <span className="muted">{t('size', { pages: form.pages, fields: form.fields })}</span>
      {form.connections > 0 && <span className="badge live">{t('hereNow', { count: form.connections })}</span>}
      <span className="muted when">
        <Moment at={form.changedAt} />
      </span>
      <a
        className="muted"
        href={`/app/forms/${form.id}/analytics`}
        aria-label={t('analyticsNamed', { title: title === '' ? t('untitled') : title })}
      >
        {t('analytics')}
      </a>
    </li>
  );
}

function NewForm(): ReactNode {
  const { t, language } = useWording();
  const { run, isBusy, error } = useTask();
  const create = async (): Promise<void> => {
    const languages = language === 'fr' ? ['fr', 'en'] : ['en', 'fr'];
    const { form } = await server().rest.request<{ form: { id: string } }>('POST', '/forms', {
      body: {
        title: { [language]: t('untitled') },
        description: {},
        languages,
        settings: {},
        pages: [{ id: 'p1', title: {}, description: {}, fields: [] }],
      },
    });
    location.assign(`/app/forms/${form.id}`);
  };
  return (
    <div>
      <button type="button" className="primary" disabled={isBusy} onClick={() => run(create)}>
        {t('newForm')}
      </button>
      <Problem>{error}</Problem>
    </div>
  );
}
