/** How many came to each page and question, how many answered, how many left there. */
import type { ReactNode } from 'react';
import type { FormJson } from '../../client/index.js';
import { textIn, useWording } from '../app/language.js';
import { Problem } from '../parts/shell.js';
import { TableHead } from '../parts/table-head.js';
import { fieldsOf } from './field-titles.js';
import { useReport, type FunnelReport, type Stage } from './reports.js';

export function Funnel({ form }: { readonly form: FormJson }): ReactNode {
  const { t, language } = useWording();
  const { data, error } = useReport<FunnelReport>(`/analytics/forms/${form.id}/funnel`);
  const fields = new Map(fieldsOf(form).map((field) => [field.id, textIn(field.title, language)]));
  const most = Math.max(1, data?.views ?? 0, data?.starts ?? 0, ...(data?.pages ?? []).map(({ reached }) => reached));
  const ends: [string, number][] =
    data === undefined
      ? []
      : [
          [t('views'), data.views],
          [t('starts'), data.starts],
        ];
  return (
    <section className="card" aria-labelledby="funnel">
      <h2 id="funnel">{t('funnel')}</h2>
      <Problem>{error}</Problem>
      <div className="scroller" tabIndex={0} role="group" aria-label={t('funnel')}>
        <table className="funnel">
          <TableHead names={[t('place'), t('reached'), t('answered'), t('left')]} />
          <tbody>
            {ends.map(([name, value]) => (
              <End key={name} name={name} value={value} most={most} />
            ))}
            {data?.pages.map((page, index) => (
              <PageRows
                key={page.id}
                name={
                  textIn(form.pages.find(({ id }) => id === page.id)?.title, language) ||
                  t('pageNumber', { number: index + 1 })
                }
                page={page}
                titles={fields}
                most={most}
              />
            ))}
            {data !== undefined && <End name={t('submissions')} value={data.submissions} most={most} />}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function End({
  name,
  value,
  most,
}: {
  readonly name: string;
  readonly value: number;
  readonly most: number;
}): ReactNode {
  return (
    <tr className="of-page">
      <th scope="row">{name}</th>
      <Reached name={name} value={value} most={most} />
      <td />
      <td />
    </tr>
  );
}

function Reached({
  name,
  value,
  most,
}: {
  readonly name: string;
  readonly value: number;
  readonly most: number;
}): ReactNode {
  return (
    <td className="reached">
      <meter min={0} max={most} value={value} aria-label={name} /> {value}
    </td>
  );
}

interface PageRowsProps {
  readonly name: string;
  readonly page: Stage & { readonly fields: readonly Stage[] };
  readonly titles: ReadonlyMap<string, string>;
  readonly most: number;
}

function PageRows({ name, page, titles, most }: PageRowsProps): ReactNode {
  const { t } = useWording();
  const row = (stage: Stage, title: string, className: string): ReactNode => (
    <tr key={stage.id} className={className}>
      <th scope="row">
        <bdi>{title}</bdi>
      </th>
      <Reached name={title} value={stage.reached} most={most} />
      <td>{stage.answered}</td>
      <td>{stage.left}</td>
    </tr>
  );
  return (
    <>
      {row(page, name, 'of-page')}
      {page.fields.map((field) => row(field, titles.get(field.id) || t('question'), 'of-field'))}
    </>
  );
}
