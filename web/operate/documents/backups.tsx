/** Backups of the whole installation: made, verified, downloaded. */
import { useState, type ReactNode } from 'react';
import { fileLink } from '../../app/file-link.js';
import { useTask } from '../../app/hooks.js';
import { useWording } from '../../app/language.js';
import { server } from '../../app/session.js';
import { figure } from '../../charts/format.js';
import { Moment } from '../../parts/shell.js';
import { usePolled, type List } from '../polled.js';
import { Table } from '../table.js';

interface Backup {
  readonly id: string;
  readonly createdAt: string;
  readonly bytes: number;
  readonly totals: { readonly documents: number };
}
interface Operation {
  readonly id: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly progress: number;
  readonly error?: string;
}
interface Verified {
  readonly isWhole: boolean;
  readonly damage: readonly string[];
}
const LOOK_AGAIN_MS = 500;

export function Backups(): ReactNode {
  const { t, language } = useWording();
  const { data, error, reload } = usePolled<List<Backup>>('/backups?limit=50');
  const [progress, setProgress] = useState<number>();
  const [verdicts, setVerdicts] = useState<Readonly<Record<string, Verified>>>({});
  const making = useTask();
  const verifying = useTask();
  const create = (): void =>
    making.run(async () => {
      let operation = await server().rest.request<Operation>('POST', '/backups', { body: {} });
      try {
        while (operation.state === 'running') {
          setProgress(operation.progress);
          await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
          operation = await server().rest.request<Operation>('GET', `/operations/${operation.id}`);
        }
      } finally {
        // Also when it could not be asked for: it may go on, but nobody looks any more.
        setProgress(undefined);
        reload();
      }
      if (operation.state === 'failed') throw new Error(operation.error ?? t('backupFailed'));
    });
  const verify = (id: string): void =>
    verifying.run(async () => {
      const verdict = await server().rest.request<Verified>('POST', `/backups/${id}/verify`);
      setVerdicts((before) => ({ ...before, [id]: verdict }));
    });
  return (
    <Table
      title={t('backups')}
      emptyText={t('noBackups')}
      heads={[t('when'), t('size1'), t('documents'), t('verdict'), t('action')]}
      error={error ?? making.error ?? verifying.error}
      isEmpty={data?.data.length === 0}
      controls={
        <>
          {progress !== undefined && <progress max={1} value={progress} aria-label={t('backUpNow')} />}
          <button type="button" disabled={making.isBusy} onClick={create}>
            {t('backUpNow')}
          </button>
        </>
      }
    >
      {data?.data.map(({ id, createdAt, bytes, totals }) => (
        <tr key={id}>
          <th scope="row">
            <Moment at={createdAt} />
          </th>
          <td>{figure(bytes, 'bytes', language)}</td>
          <td>{totals.documents}</td>
          <td>
            <Verdict verdict={verdicts[id]} />
          </td>
          <td>
            <button type="button" className="quiet" disabled={verifying.isBusy} onClick={() => verify(id)}>
              {t('verify')}
            </button>
            <a className="button quiet" download href={fileLink(`/backups/${id}/archive`)}>
              {t('download')}
            </a>
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Verdict({ verdict }: { readonly verdict: Verified | undefined }): ReactNode {
  const { t } = useWording();
  if (verdict === undefined) return '–';
  return verdict.isWhole ? (
    <span className="badge added">{t('whole')}</span>
  ) : (
    <span className="badge removed" title={verdict.damage.join('\n')}>
      {t('damaged', { count: verdict.damage.length })}
    </span>
  );
}
