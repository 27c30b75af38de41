/** Who is connected, and an end to it. */
import type { ReactNode } from 'react';
import { useTask } from '../../app/hooks.js';
import { useWording } from '../../app/language.js';
import { server } from '../../app/session.js';
import { figure } from '../../charts/format.js';
import { Avatar } from '../../parts/avatar.js';
import { Moment } from '../../parts/shell.js';
import { usePolled, type List } from '../polled.js';
import { Table } from '../table.js';

interface ConnectionRow {
  readonly id: string;
  readonly document: string;
  readonly user: { readonly id: string; readonly name?: string };
  readonly role: string;
  readonly since: string;
  readonly lagBytes: number;
}

export function Connections(): ReactNode {
  const { t, language } = useWording();
  const { data, error, reload } = usePolled<List<ConnectionRow>>('/connections?limit=100');
  const closing = useTask();
  const close = (id: string): void =>
    closing.run(async () => {
      await server().rest.request('DELETE', `/connections/${encodeURIComponent(id)}`);
      reload();
    });
  return (
    <Table
      title={t('connections')}
      emptyText={t('noConnections')}
      heads={[t('person'), t('document'), t('role'), t('since'), t('waiting'), t('action')]}
      error={error ?? closing.error}
      isEmpty={data?.data.length === 0}
    >
      {data?.data.map((connection) => (
        <tr key={connection.id}>
          <th scope="row" className="person">
            <Avatar id={connection.user.id} name={connection.user.name} /> {connection.user.name ?? connection.user.id}
          </th>
          <td>{connection.document}</td>
          <td>{connection.role}</td>
          <td>
            <Moment at={connection.since} />
          </td>
          <td>{figure(connection.lagBytes, 'bytes', language)}</td>
          <td>
            <button type="button" className="quiet" onClick={() => close(connection.id)}>
              {t('disconnect')}
            </button>
          </td>
        </tr>
      ))}
    </Table>
  );
}
