/** What was refused to whom, and what administrators did. */
import type { ReactNode } from 'react';
import { useWording } from '../../app/language.js';
import { Moment } from '../../parts/shell.js';
import { usePolled, type List } from '../polled.js';
import { Table } from '../table.js';

interface SecurityRow {
  readonly id: string;
  readonly time: string;
  readonly type: string;
  readonly severity: string;
  readonly userId: string | null;
  readonly address: string | null;
  readonly document: string | null;
  readonly count: number;
  readonly data: Readonly<Record<string, unknown>>;
}
interface AuditRow {
  readonly id: string;
  readonly at: string;
  readonly user: { readonly id: string; readonly name?: string };
  readonly action: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export function SecurityEvents(): ReactNode {
  const { t } = useWording();
  const { data, error } = usePolled<List<SecurityRow>>('/security/events?limit=50');
  return (
    <Table
      title={t('securityEvents')}
      emptyText={t('noSecurityEvents')}
      heads={[t('when'), t('kind'), t('severity'), t('person'), t('address'), t('times'), t('details')]}
      error={error}
      isEmpty={data?.data.length === 0}
    >
      {data?.data.map((event) => (
        <tr key={event.id}>
          <td>
            <Moment at={event.time} />
          </td>
          <td>{event.type.replace(/^security\./, '')}</td>
          <td>{event.severity}</td>
          <td>{event.userId ?? '–'}</td>
          <td>{event.address ?? '–'}</td>
          <td>{event.count}</td>
          <td className="long">
            {event.document} <code>{JSON.stringify(event.data)}</code>
          </td>
        </tr>
      ))}
    </Table>
  );
}

export function Audit(): ReactNode {
  const { t } = useWording();
  const { data, error } = usePolled<List<AuditRow>>('/audit?limit=50');
  return (
    <Table
      title={t('audit')}
      heads={[t('when'), t('person'), t('action'), t('details')]}
      error={error}
      isEmpty={data?.data.length === 0}
    >
      {data?.data.map((entry) => (
        <tr key={entry.id}>
          <td>
            <Moment at={entry.at} />
          </td>
          <td>{entry.user.name ?? entry.user.id}</td>
          <td>{entry.action}</td>
          <td className="long">
            <code>{JSON.stringify(entry.details)}</code>
          </td>
        </tr>
      ))}
    </Table>
  );
}
