/** When the server takes snapshots by itself, and how many it keeps. */
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTask } from '../../app/hooks.js';
import { useWording } from '../../app/language.js';
import { server } from '../../app/session.js';
import { Problem } from '../../parts/shell.js';
import { usePolled } from '../polled.js';

interface Policy {
  readonly every: { readonly updates: number | null; readonly minutes: number | null };
  readonly onPublish: boolean;
  readonly beforeRestore: boolean;
  readonly retention: Readonly<Record<string, number>>;
}
/** It changes by hand alone. */
const REFRESH_MS = 30_000;
const KEPT = { recent: 'keptRecent', hourly: 'keptHourly', daily: 'keptDaily', weekly: 'keptWeekly' } as const;
const isKnown = (key: string): key is keyof typeof KEPT => key in KEPT;

export function SnapshotPolicy(): ReactNode {
  const { t } = useWording();
  const { data, error, reload } = usePolled<Policy>('/snapshots/policy', REFRESH_MS);
  const [edited, setEdited] = useState<Policy>();
  const saving = useTask();
  const policy = edited ?? data;
  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    saving.run(async () => {
      await server().rest.request('PUT', '/snapshots/policy', { body: edited });
      setEdited(undefined);
      reload();
    });
  };
  if (policy === undefined) return <Problem>{error}</Problem>;
  const every = (key: 'updates' | 'minutes', text: string): void =>
    setEdited({ ...policy, every: { ...policy.every, [key]: text === '' ? null : Number(text) } });
  return (
    <form className="card policy" onSubmit={onSubmit}>
      <h3>{t('snapshotPolicy')}</h3>
      <Problem>{error ?? saving.error}</Problem>
      <div className="fields">
        <label>
          {t('everyUpdates')}
          <input
            type="number"
            min={1}
            value={policy.every.updates ?? ''}
            placeholder={t('never')}
            onChange={(event) => every('updates', event.target.value)}
          />
        </label>
        <label>
          {t('everyMinutes')}
          <input
            type="number"
            min={0.1}
            step="any"
            value={policy.every.minutes ?? ''}
            placeholder={t('never')}
            onChange={(event) => every('minutes', event.target.value)}
          />
        </label>
        {Object.entries(policy.retention).map(([key, value]) => (
          <label key={key}>
            {isKnown(key) ? t(KEPT[key]) : key}
            <input
              type="number"
              min={0}
              required
              value={value}
              onChange={(event) =>
                setEdited({ ...policy, retention: { ...policy.retention, [key]: Number(event.target.value) } })
              }
            />
          </label>
        ))}
      </div>
      <label className="inline">
        <input
          type="checkbox"
          checked={policy.onPublish}
          onChange={(event) => setEdited({ ...policy, onPublish: event.target.checked })}
        />
        {t('policyOnPublish')}
      </label>
      <label className="inline">
        <input
          type="checkbox"
          checked={policy.beforeRestore}
          onChange={(event) => setEdited({ ...policy, beforeRestore: event.target.checked })}
        />
        {t('policyBeforeRestore')}
      </label>
      <div className="actions">
        <button className="primary" disabled={edited === undefined || saving.isBusy}>
          {t('save')}
        </button>
      </div>
    </form>
  );
}
