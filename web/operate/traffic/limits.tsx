/** Pools and queues: how much there may be of what, and how much there is. */
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTask } from '../../app/hooks.js';
import { useWording } from '../../app/language.js';
import { server } from '../../app/session.js';
import { figure } from '../../charts/format.js';
import { Problem } from '../../parts/shell.js';
import { NumberField } from '../number-field.js';
import { usePolled, type List } from '../polled.js';
import { Table } from '../table.js';

interface Pool {
  readonly name: string;
  readonly size: number;
  readonly idleTimeoutSeconds: number;
  readonly connections: number;
  readonly refused: number;
}
interface Queue {
  readonly name: string;
  readonly capacity: number;
  readonly ratePerSecond: number;
  readonly depth: number;
  readonly delivered: number;
  readonly dropped: number;
  readonly failed: number;
  readonly latencyMs: number;
}

export function Pools(): ReactNode {
  const { t } = useWording();
  const { data, error, reload } = usePolled<List<Pool>>('/optimization/pools');
  return (
    <Table
      title={t('pools')}
      heads={[t('name'), t('connections'), t('refusedCount'), t('poolSize'), t('idleTimeout'), t('action')]}
      error={error}
      isEmpty={data?.data.length === 0}
    >
      {data?.data.map((pool) => (
        <LimitRow
          key={pool.name}
          name={pool.name}
          path={`/optimization/pools/${encodeURIComponent(pool.name)}`}
          facts={[<Share key="share" label={pool.name} value={pool.connections} of={pool.size} />, pool.refused]}
          limits={[
            { key: 'size', label: t('poolSize'), value: pool.size },
            { key: 'idleTimeoutSeconds', label: t('idleTimeout'), value: pool.idleTimeoutSeconds },
          ]}
          onSaved={reload}
        />
      ))}
    </Table>
  );
}

export function Queues(): ReactNode {
  const { t, language } = useWording();
  const { data, error, reload } = usePolled<List<Queue>>('/optimization/queues');
  return (
    <Table
      title={t('queues')}
      heads={[
        ...[t('name'), t('depth'), t('delivered'), t('dropped'), t('failed'), t('meanWait')],
        ...[t('capacity'), t('ratePerSecond'), t('action')],
      ]}
      error={error}
      isEmpty={data?.data.length === 0}
    >
      {data?.data.map((queue) => (
        <LimitRow
          key={queue.name}
          name={queue.name}
          path={`/optimization/queues/${encodeURIComponent(queue.name)}`}
          facts={[
            <Share key="share" label={queue.name} value={queue.depth} of={queue.capacity} />,
            ...[queue.delivered, queue.dropped, queue.failed, figure(queue.latencyMs, 'ms', language)],
          ]}
          limits={[
            { key: 'capacity', label: t('capacity'), value: queue.capacity },
            { key: 'ratePerSecond', label: t('ratePerSecond'), value: queue.ratePerSecond },
          ]}
          onSaved={reload}
        />
      ))}
    </Table>
  );
}

function Share({
  label,
  value,
  of,
}: {
  readonly label: string;
  readonly value: number;
  readonly of: number;
}): ReactNode {
  return (
    <span className="share">
      <meter min={0} max={Math.max(1, of)} value={value} aria-label={label} /> {value} / {of}
    </span>
  );
}

interface LimitRowProps {
  readonly name: string;
  /** What is put there holds the limits by key. */
  readonly path: string;
  readonly facts: readonly ReactNode[];
  readonly limits: readonly { readonly key: string; readonly label: string; readonly value: number }[];
  readonly onSaved: () => void;
}

function LimitRow({ name, path, facts, limits, onSaved }: LimitRowProps): ReactNode {
  const { t } = useWording();
  const [edited, setEdited] = useState<Readonly<Record<string, string>>>({});
  const saving = useTask();
  const form = `limits-${path}`;
  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    saving.run(async () => {
      const body = Object.fromEntries(Object.entries(edited).map(([key, value]) => [key, Number(value)]));
      await server().rest.request('PUT', path, { body });
      setEdited({});
      onSaved();
    });
  };
  return (
    <tr>
      <th scope="row">{name}</th>
      {facts.map((fact, index) => (
        <td key={index}>{fact}</td>
      ))}
      {limits.map(({ key, label, value }) => (
        <td key={key}>
          <NumberField
            label={`${label}: ${name}`}
            value={edited[key] ?? String(value)}
            onChange={(text) => setEdited((before) => ({ ...before, [key]: text }))}
            form={form}
          />
        </td>
      ))}
      <td>
        <form id={form} onSubmit={onSubmit}>
          <button
            className="quiet"
            aria-label={t('saveNamed', { name })}
            disabled={Object.keys(edited).length === 0 || saving.isBusy}
          >
            {t('save')}
          </button>
        </form>
        <Problem>{saving.error}</Problem>
      </td>
    </tr>
  );
}
