/** Whether this node is well, and what it advises to look at. */
import type { ReactNode } from 'react';
import { useWording } from '../../app/language.js';
import { figure } from '../../charts/format.js';
import { Problem } from '../../parts/shell.js';
import { usePolled } from '../polled.js';

interface Health {
  readonly status: 'ok' | 'unavailable';
  readonly version?: string;
  readonly uptimeSeconds?: number;
  readonly checks?: Readonly<Record<string, string>>;
  readonly rooms?: number;
  readonly connections?: number;
  readonly memory?: { readonly rssBytes: number };
}
interface Overview {
  readonly advice: readonly {
    readonly severity: 'info' | 'warning' | 'critical';
    readonly about: string;
    readonly text: string;
  }[];
}
const LOOKS = { info: '', warning: 'warn', critical: 'bad' } as const;

export function HealthCards(): ReactNode {
  const { t, language } = useWording();
  const { data, error } = usePolled<Health>('/health');
  const overview = usePolled<Overview>('/optimization');
  const facts: [string, string][] =
    data === undefined
      ? []
      : [
          [t('status'), data.status === 'ok' ? t('healthy') : t('unavailable')],
          [t('version'), data.version ?? '–'],
          [t('uptime'), t('minutes', { count: Math.floor((data.uptimeSeconds ?? 0) / 60) })],
          [t('connections'), figure(data.connections, 'count', language)],
          [t('rooms'), figure(data.rooms, 'count', language)],
          [t('memory'), figure(data.memory?.rssBytes, 'bytes', language)],
        ];
  const wrong = Object.entries(data?.checks ?? {}).filter(([, state]) => state !== 'ok');
  return (
    <>
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
      {overview.data?.advice.map(({ severity, about, text }) => (
        <p key={`${about} ${text}`} className={`notice ${LOOKS[severity]}`}>
          <code>{about}</code> {text}
        </p>
      ))}
    </>
  );
}
