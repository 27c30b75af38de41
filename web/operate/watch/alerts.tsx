/** What is wrong now or was lately, who is at it, and what nobody wants to hear of for a while. */
import { useState, type ReactNode } from 'react';
import { useTask } from '../../app/hooks.js';
import { useWording } from '../../app/language.js';
import { server } from '../../app/session.js';
import { Dialog } from '../../parts/dialog.js';
import { Moment, Problem } from '../../parts/shell.js';
import { usePolled, type List } from '../polled.js';
import { Table } from '../table.js';

interface Alert {
  readonly id: string;
  readonly ruleId: string;
  readonly name: string;
  readonly severity: string;
  readonly state: 'firing' | 'acknowledged' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly evidence: Readonly<Record<string, unknown>>;
  readonly since: string;
  readonly isSilenced: boolean;
}
interface Silence {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly until: string;
  readonly comment: string;
  readonly createdBy: string;
}
type Verb = 'acknowledge' | 'resolve' | 'silence';
const STATES = { firing: 'alertFiring', acknowledged: 'alertAcknowledged', resolved: 'alertResolved' } as const;
const LOOKS = { firing: 'removed', acknowledged: 'moved', resolved: 'added' } as const;
const SILENCE_MS = 3_600_000;

export function AlertTable(): ReactNode {
  const { t } = useWording();
  const { data, error, reload } = usePolled<List<Alert>>('/alerts?limit=50');
  const silences = usePolled<List<Silence>>('/alerts/silences');
  const [acting, setActing] = useState<{ readonly verb: Verb; readonly alert: Alert }>();
  const ending = useTask();
  const end = (id: string): void =>
    ending.run(async () => {
      await server().rest.request('DELETE', `/alerts/silences/${id}`);
      silences.reload();
    });
  return (
    <>
      <Table
        title={t('alertTable')}
        emptyText={t('noAlerts')}
        heads={[t('name'), t('status'), t('severity'), t('since'), t('details'), t('action')]}
        error={error}
        isEmpty={data?.data.length === 0}
      >
        {data?.data.map((alert) => (
          <tr key={alert.id}>
            <th scope="row">{alert.name}</th>
            <td>
              <span className={`badge ${LOOKS[alert.state]}`}>{t(STATES[alert.state])}</span>{' '}
              {alert.isSilenced && <span className="badge">{t('silenced')}</span>}
            </td>
            <td>{alert.severity}</td>
            <td>
              <Moment at={alert.since} />
            </td>
            <td className="long">
              <code>{JSON.stringify({ ...alert.labels, ...alert.evidence })}</code>
            </td>
            <td>
              {alert.state === 'firing' && (
                <button type="button" className="quiet" onClick={() => setActing({ verb: 'acknowledge', alert })}>
                  {t('acknowledge')}
                </button>
              )}
              {alert.state !== 'resolved' && (
                <button type="button" className="quiet" onClick={() => setActing({ verb: 'resolve', alert })}>
                  {t('resolveAlert')}
                </button>
              )}
              <button type="button" className="quiet" onClick={() => setActing({ verb: 'silence', alert })}>
                {t('silenceAlert')}
              </button>
            </td>
          </tr>
        ))}
      </Table>
      {(silences.data?.data.length ?? 0) > 0 && (
        <Table
          title={t('silences')}
          heads={[t('details'), t('until'), t('person'), t('note'), t('action')]}
          error={silences.error ?? ending.error}
          isEmpty={false}
        >
          {silences.data?.data.map(({ id, labels, until, comment, createdBy }) => (
            <tr key={id}>
              <td>
                <code>{JSON.stringify(labels)}</code>
              </td>
              <td>
                <Moment at={until} />
              </td>
              <td>{createdBy}</td>
              <td className="long">{comment}</td>
              <td>
                <button type="button" className="quiet" onClick={() => end(id)}>
                  {t('endSilence')}
                </button>
              </td>
            </tr>
          ))}
        </Table>
      )}
      {acting !== undefined && (
        <AlertDialog
          {...acting}
          onClose={() => {
            setActing(undefined);
            reload();
            silences.reload();
          }}
        />
      )}
    </>
  );
}

interface AlertDialogProps {
  readonly verb: Verb;
  readonly alert: Alert;
  readonly onClose: () => void;
}

function AlertDialog({ verb, alert, onClose }: AlertDialogProps): ReactNode {
  const { t } = useWording();
  const [note, setNote] = useState('');
  const task = useTask();
  const title = { acknowledge: t('acknowledge'), resolve: t('resolveAlert'), silence: t('silenceAlert') }[verb];
  const act = (): void =>
    task.run(async () => {
      if (verb === 'silence') {
        const until = new Date(Date.now() + SILENCE_MS).toISOString();
        const body = { labels: { rule: alert.ruleId }, until, comment: note };
        await server().rest.request('POST', '/alerts/silences', { body });
      } else {
        await server().rest.request('POST', `/alerts/${alert.id}/${verb}`, { body: { note } });
      }
      onClose();
    });
  return (
    <Dialog title={`${title}: ${alert.name}`} onClose={onClose}>
      {verb === 'silence' && <p>{t('silenceHint')}</p>}
      <Problem>{task.error}</Problem>
      <label>
        {t('note')}
        <textarea rows={3} maxLength={2_000} value={note} onChange={(event) => setNote(event.target.value)} />
      </label>
      <form method="dialog" className="actions">
        <button>{t('cancel')}</button>
        <button type="button" className="primary" disabled={task.isBusy} onClick={act}>
          {title}
        </button>
      </form>
    </Dialog>
  );
}
