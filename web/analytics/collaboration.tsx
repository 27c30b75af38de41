/** Who works on the form. */
import type { ReactNode } from 'react';
import { useWording } from '../app/language.js';
import { figure } from '../charts/format.js';
import { Avatar } from '../parts/avatar.js';
import { Moment, Problem } from '../parts/shell.js';
import { TableHead } from '../parts/table-head.js';
import { useReport, type CollaborationReport } from './reports.js';

export function Collaboration({ formId }: { readonly formId: string }): ReactNode {
  const { t, language } = useWording();
  const { data, error } = useReport<CollaborationReport>(`/analytics/forms/${formId}/collaboration`);
  const facts: [string, number | undefined][] = [
    [t('edits'), data?.edits],
    [t('authors'), data?.authors],
    [t('commentsCount'), data?.comments],
    [t('mostEditors'), data?.peakEditors],
    [t('conflictsCount'), data?.conflicts.opened],
    [t('conflictsOpen'), data?.conflicts.open],
  ];
  return (
    <section className="card" aria-labelledby="collaboration">
      <h2 id="collaboration">{t('collaboration')}</h2>
      <Problem>{error}</Problem>
      <dl className="facts plain">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{figure(value, 'count', language)}</dd>
          </div>
        ))}
      </dl>
      {(data?.data.length ?? 0) > 0 && (
        <div className="scroller" tabIndex={0} role="group" aria-label={t('collaboration')}>
          <table>
            <TableHead names={[t('person'), t('edits'), t('commentsCount'), t('lastActive')]} />
            <tbody>
              {data?.data.map(({ userId, edits, comments, lastAt }) => (
                <tr key={userId}>
                  <th scope="row" className="person">
                    <Avatar id={userId} /> {userId}
                  </th>
                  <td>{edits}</td>
                  <td>{comments}</td>
                  <td>
                    <Moment at={lastAt} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
