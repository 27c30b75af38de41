/** What operators watch: health, who is connected, documents with their snapshots, what administrators did. */
import { useCallback, useState, type ReactNode } from 'react';
import { useLoaded, useTask, type Loaded } from '../app/hooks.js';
import { useWording } from '../app/language.js';
import { server } from '../app/session.js';
import { Avatar } from '../parts/avatar.js';
import { Moment, Problem, Shell } from '../parts/shell.js';
import { SnapshotsPanel } from './snapshots-panel.js';
import '../style/operate.css';

interface Health {
  readonly status: 'ok' | 'unavailable';
  readonly version?: string;
  readonly uptimeSeconds?: number;
  readonly checks?: Readonly<Record<string, string>>;
  readonly rooms?: number;
  readonly connections?: number;
  readonly memory?: { readonly rssBytes: number; readonly heapUsedBytes: number };
}
interface ConnectionRow {
  readonly id: string;
  readonly document: string;
  readonly user: { readonly id: string; readonly name?: string };
  readonly role: string;
  readonly since: string;
  readonly lagBytes: number;
}
interface DocumentRow {
  readonly name: string;
  readonly kind: string;
  readonly bytes: number;
  readonly updates: number;
  readonly connections: number;
  readonly changedAt: string;
}
interface AuditRow {
  readonly id: string;
  readonly at: string;
  readonly user: { readonly id: string; readonly name?: string };
  readonly action: string;
  readonly details: Readonly<Record<string, unknown>>;
}
interface List<T> {
  readonly data: readonly T[];
}

const REFRESH_MS = 3_000;

function usePolled<T>(path: string): Loaded<T> {
  const load = useCallback(() => server().rest.request<T>('GET', path), [path]);
  return useLoaded(load, REFRESH_MS);
}

export default function OperatePage(): ReactNode {
  const { t } = useWording();
  const [chosen, setChosen] = useState<string>();
  return (
    <Shell title={t('operate')}>
      <div className="wide operate">
        <h1>{t('operate')}</h1>
        <HealthCards />
        <div className="columns">
          <Documents chosen={chosen} onChoose={setChosen} />
          {chosen !== undefined && <SnapshotsPanel key={chosen} document={chosen} />}
        </div>
        <ConnectionTable />
        <Audit />
      </div>
    </Shell>
  );
}

const megabytes = (bytes: number): string => `${(bytes / 1_048_576).toFixed(0)} MB`;
const kilobytes = (bytes: number): string => `${(bytes / 1_024).toFixed(1)} kB`;

function HealthCards(): ReactNode {
  const { t } = useWording();
  const { data, error } = usePolled<Health>('/health');
  const minutes = Math.floor((data?.uptimeSeconds ?? 0) / 60);
  const facts: [string, string][] =
    data === undefined
      ? []
      : [
          [t('status'), data.status === 'ok' ? t('healthy') : t('unavailable')],
          [t('version'), data.version ?? '–'],
          [t('uptime'), t('minutes', { count: minutes })],
          [t('connections'), String(data.connections ?? '–')],
          [t('rooms'), String(data.rooms ?? '–')],
          [t('memory'), data.memory === undefined ? '–' : megabytes(data.memory.rssBytes)],
        ];
  const wrong = Object.entries(data?.checks ?? {}).filter(([, state]) => state !== 'ok');
  return (
    <section aria-label={t('health')}>
      <Problem>{error}</Problem>
      <dl className="facts">
        {facts.map(([name, value]) => (
          <div key={name} className="card">
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {wrong.map(([part, state]) => (
        <Problem key={part}>
          {part}: {state}
        </Problem>
      ))}
    </section>
  );
}

interface TableProps {
  readonly title: string;
  readonly heads: readonly string[];
  readonly error: string | undefined;
  readonly isEmpty: boolean;
  readonly children: ReactNode;
}

function Table({ title, heads, error, isEmpty, children }: TableProps): ReactNode {
  const { t } = useWording();
  return (
    <div className="card table-card">
      <h2>{title}</h2>
      <Problem>{error}</Problem>
      {isEmpty ? (
        <p className="empty">{t('nothingHere')}</p>
      ) : (
        <div className="scroller" tabIndex={0} role="region" aria-label={title}>
          <table>
            <thead>
              <tr>
                {heads.map((head) => (
                  <th key={head} scope="col">
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>{children}</tbody>
          </table>
        </div>
      )}
    </div>
  );
}

interface DocumentsProps {
  readonly chosen: string | undefined;
  readonly onChoose: (name: string) => void;
}

function Documents({ chosen, onChoose }: DocumentsProps): ReactNode {
  const { t } = useWording();
  const { data, error } = usePolled<List<DocumentRow>>('/documents?limit=100');
  return (
    <Table
      title={t('documents')}
      heads={[t('name'), t('size1'), t('updates'), t('connections'), t('lastChange')]}
      error={error}
      isEmpty={data?.data.length === 0}
    >
      {data?.data.map((document) => (
        <tr key={document.name} className={document.name === chosen ? 'chosen' : ''}>
          <th scope="row">
            <button
              type="button"
              className="link"
              aria-pressed={document.name === chosen}
              onClick={() => onChoose(document.name)}
            >
              {document.name}
            </button>
          </th>
          <td>{kilobytes(document.bytes)}</td>
          <td>{document.updates}</td>
          <td>{document.connections}</td>
          <td>
            <Moment at={document.changedAt} />
          </td>
        </tr>
      ))}
    </Table>
  );
}

function ConnectionTable(): ReactNode {
  const { t } = useWording();
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
          <td>{kilobytes(connection.lagBytes)}</td>
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

function Audit(): ReactNode {
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
          <td>
            <code>{JSON.stringify(entry.details)}</code>
          </td>
        </tr>
      ))}
    </Table>
  );
}
