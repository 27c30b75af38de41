/** Circuit breakers, and what could not be delivered. */
import { useState, type ReactNode } from 'react';
import { useTask } from '../../app/hooks.js';
import { useWording } from '../../app/language.js';
import { server } from '../../app/session.js';
import { Dialog } from '../../parts/dialog.js';
import { Moment } from '../../parts/shell.js';
import { usePolled, type List } from '../polled.js';
import { Table } from '../table.js';

interface Breaker {
  readonly name: string;
  readonly state: 'closed' | 'open' | 'half-open';
  readonly failures: number;
  readonly lastError: string | null;
  readonly nextTryAt: string | null;
}
interface DeadLetter {
  readonly id: string;
  readonly queue: string;
  readonly kind: string;
  readonly destination: string;
  readonly reason: string;
  readonly error: string | null;
  readonly attempts: number;
  readonly at: string;
  readonly body: unknown;
}
const STATES = { closed: 'breakerClosed', open: 'breakerOpen', 'half-open': 'breakerHalfOpen' } as const;
const LOOKS = { closed: 'added', open: 'removed', 'half-open': 'moved' } as const;

export function Breakers(): ReactNode {
  const { t } = useWording();
  const { data, error, reload } = usePolled<List<Breaker>>('/optimization/breakers');
  const resetting = useTask();
  const reset = (name: string): void =>
    resetting.run(async () => {
      await server().rest.request('POST', `/optimization/breakers/${encodeURIComponent(name)}/reset`);
      reload();
    });
  return (
    <Table
      title={t('breakers')}
      heads={[t('name'), t('status'), t('failures'), t('lastError'), t('nextTry'), t('action')]}
      error={error ?? resetting.error}
      isEmpty={data?.data.length === 0}
    >
      {data?.data.map(({ name, state, failures, lastError, nextTryAt }) => (
        <tr key={name}>
          <th scope="row">{name}</th>
          <td>
            <span className={`badge ${LOOKS[state]}`}>{t(STATES[state])}</span>
          </td>
          <td>{failures}</td>
          <td className="long">{lastError ?? '–'}</td>
          <td>{nextTryAt === null ? '–' : <Moment at={nextTryAt} />}</td>
          <td>
            <button
              type="button"
              className="quiet"
              aria-label={t('resetNamed', { name })}
              disabled={state === 'closed' && failures === 0}
              onClick={() => reset(name)}
            >
              {t('reset')}
            </button>
          </td>
        </tr>
      ))}
    </Table>
  );
}

export function DeadLetters(): ReactNode {
  const { t } = useWording();
  const { data, error, reload } = usePolled<List<DeadLetter>>('/optimization/dead-letters?limit=50');
  const [shown, setShown] = useState<DeadLetter>();
  const [isPurging, setPurging] = useState(false);
  const acting = useTask();
  const act = (method: string, path: string, body?: object): void =>
    acting.run(async () => {
      try {
        await server().rest.request(method, `/optimization/dead-letters${path}`, body === undefined ? {} : { body });
      } finally {
        reload();
      }
    });
  const isEmpty = data?.data.length === 0;
  return (
    <Table
      title={t('deadLetters')}
      emptyText={t('noDeadLetters')}
      heads={[t('when'), t('queue'), t('kind'), t('destination'), t('reason'), t('attempts'), t('action')]}
      error={error ?? acting.error}
      isEmpty={isEmpty}
      controls={
        !isEmpty && (
          <>
            <button type="button" disabled={acting.isBusy} onClick={() => act('POST', '/replay', {})}>
              {t('replayAll')}
            </button>
            <button type="button" disabled={acting.isBusy} onClick={() => setPurging(true)}>
              {t('purgeAll')}
            </button>
          </>
        )
      }
    >
      {data?.data.map((letter) => (
        <tr key={letter.id}>
          <td>
            <Moment at={letter.at} />
          </td>
          <td>{letter.queue}</td>
          <td>{letter.kind}</td>
          <td className="long">{letter.destination}</td>
          <td className="long">{letter.error ?? letter.reason}</td>
          <td>{letter.attempts}</td>
          <td>
            <button type="button" className="quiet" onClick={() => setShown(letter)}>
              {t('inspect')}
            </button>
            <button type="button" className="quiet" onClick={() => act('POST', `/${letter.id}/replay`)}>
              {t('replay')}
            </button>
            <button type="button" className="quiet" onClick={() => act('DELETE', `/${letter.id}`)}>
              {t('purge')}
            </button>
          </td>
        </tr>
      ))}
      {shown !== undefined && <LetterDialog letter={shown} onClose={() => setShown(undefined)} />}
      {isPurging && <PurgeDialog onPurge={() => act('DELETE', '')} onClose={() => setPurging(false)} />}
    </Table>
  );
}

function LetterDialog({ letter, onClose }: { readonly letter: DeadLetter; readonly onClose: () => void }): ReactNode {
  const { t } = useWording();
  return (
    <Dialog title={`${letter.kind} · ${letter.destination}`} onClose={onClose}>
      <pre className="body" tabIndex={0}>
        {JSON.stringify(letter.body, null, 2)}
      </pre>
      <form method="dialog" className="actions">
        <button>{t('close')}</button>
      </form>
    </Dialog>
  );
}

function PurgeDialog({ onPurge, onClose }: { readonly onPurge: () => void; readonly onClose: () => void }): ReactNode {
  const { t } = useWording();
  return (
    <Dialog title={t('purgeAll')} onClose={onClose}>
      <p>{t('purgeWarning')}</p>
      <form method="dialog" className="actions">
        <button>{t('cancel')}</button>
        <button className="primary" onClick={onPurge}>
          {t('purgeAll')}
        </button>
      </form>
    </Dialog>
  );
}
