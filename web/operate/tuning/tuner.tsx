/** The tuner: whether it may turn its knobs, how they stand, and what turning them has done. */
import type { ReactNode } from 'react';
import { useTask } from '../../app/hooks.js';
import { useWording } from '../../app/language.js';
import { server } from '../../app/session.js';
import { figure } from '../../charts/format.js';
import { Moment, Problem } from '../../parts/shell.js';
import { usePolled, type List } from '../polled.js';
import { Table } from '../table.js';

const MODES = ['off', 'advise', 'auto'] as const;
const WORDS = { off: 'modeOff', advise: 'modeAdvise', auto: 'modeAuto' } as const;

interface Tuner {
  readonly mode: (typeof MODES)[number];
  readonly knobs: readonly {
    readonly name: string;
    readonly description: string;
    readonly value: number;
    readonly initial: number;
    readonly min: number;
    readonly max: number;
  }[];
  readonly objective: number;
  readonly advice: { readonly knob: string; readonly from: number; readonly to: number } | null;
}
interface Felt {
  readonly objective: number;
  readonly loopDelayP99Ms: number;
  readonly cpuShare: number;
}
interface StepRow {
  readonly id: string;
  readonly at: string;
  readonly knob: string;
  readonly from: number;
  readonly to: number;
  readonly outcome: 'kept' | 'taken back';
  readonly before: Felt;
  readonly after: Felt;
}

export function TunerPanel(): ReactNode {
  const { t, language } = useWording();
  const { data, error, reload } = usePolled<Tuner>('/optimization/tuner');
  const history = usePolled<List<StepRow>>('/optimization/tuner/history?limit=20');
  const changing = useTask();
  const send = (method: string, path: string, body?: unknown): void =>
    changing.run(async () => {
      await server().rest.request(method, `/optimization/tuner${path}`, body === undefined ? {} : { body });
      reload();
      history.reload();
    });
  const felt = ({ objective, loopDelayP99Ms, cpuShare }: Felt): string =>
    t('felt', {
      objective: figure(objective, 'count', language),
      delay: figure(loopDelayP99Ms, 'ms', language),
      cpu: figure(cpuShare * 100, 'percent', language),
    });
  return (
    <>
      <Problem>{error ?? changing.error}</Problem>
      <div className="section-head">
        <div className="segmented" role="group" aria-label={t('tunerMode')}>
          {MODES.map((mode) => (
            <button
              key={mode}
              type="button"
              aria-pressed={data?.mode === mode}
              disabled={changing.isBusy}
              onClick={() => send('PUT', '', { mode })}
            >
              {t(WORDS[mode])}
            </button>
          ))}
        </div>
        <button type="button" disabled={changing.isBusy} onClick={() => send('POST', '/run')}>
          {t('runNow')}
        </button>
        <span className="muted">{t('objective', { value: figure(data?.objective, 'count', language) })}</span>
        {data?.advice != null && (
          <span className="badge changed">
            {data.advice.knob}: {data.advice.from} → {data.advice.to}
          </span>
        )}
      </div>
      <Table
        title={t('knobs')}
        heads={[t('name'), t('value'), t('initial'), t('bounds'), t('details')]}
        error={undefined}
        isEmpty={data?.knobs.length === 0}
      >
        {data?.knobs.map(({ name, description, value, initial, min, max }) => (
          <tr key={name} className={value === initial ? '' : 'chosen'}>
            <th scope="row">{name}</th>
            <td>{value}</td>
            <td>{initial}</td>
            <td>
              {min} – {max}
            </td>
            <td className="long">{description}</td>
          </tr>
        ))}
      </Table>
      <Table
        title={t('tunerHistory')}
        emptyText={t('noTunerSteps')}
        heads={[t('when'), t('knob'), t('change'), t('outcome'), t('beforeStep'), t('afterStep')]}
        error={history.error}
        isEmpty={history.data?.data.length === 0}
      >
        {history.data?.data.map(({ id, at, knob, from, to, outcome, before, after }) => (
          <tr key={id}>
            <td>
              <Moment at={at} />
            </td>
            <td>{knob}</td>
            <td>
              {from} → {to}
            </td>
            <td>
              <span className={`badge ${outcome === 'kept' ? 'added' : 'moved'}`}>
                {outcome === 'kept' ? t('kept') : t('takenBack')}
              </span>
            </td>
            <td>{felt(before)}</td>
            <td>{felt(after)}</td>
          </tr>
        ))}
      </Table>
    </>
  );
}
