/** Earlier states of a document: what differs from now, and the way back that live editors follow. */
import { useCallback, useState, type ReactNode } from 'react';
import { useLoaded, useTask } from '../../app/hooks.js';
import { useWording } from '../../app/language.js';
import { server } from '../../app/session.js';
import type { FormJson } from '../../../client/index.js';
import { ChangeList, type ShownChange } from '../../parts/change-list.js';
import { Dialog } from '../../parts/dialog.js';
import { nameChange } from '../../parts/name-change.js';
import { Moment, Problem } from '../../parts/shell.js';
import type { Snapshot } from '../../parts/snapshot.js';

export function SnapshotsPanel({ document }: { readonly document: string }): ReactNode {
  const { t } = useWording();
  const path = `/documents/${encodeURIComponent(document)}/snapshots`;
  const load = useCallback(
    () => server().rest.request<{ data: readonly Snapshot[] }>('GET', path, { query: { limit: 50 } }),
    [path],
  );
  const { data, error, reload } = useLoaded(load);
  const taking = useTask();
  const [label, setLabel] = useState('');
  const [open, setOpen] = useState<Snapshot>();
  const take = (): void =>
    taking.run(async () => {
      await server().rest.request('POST', path, { body: { label: label.trim() } });
      setLabel('');
      reload();
    });
  return (
    <section className="card snapshots" aria-label={t('snapshotsOf', { document })}>
      <h2>{t('snapshots')}</h2>
      <p className="muted">{document}</p>
      <div className="inline-form">
        <input
          aria-label={t('snapshotLabel')}
          placeholder={t('snapshotLabel')}
          value={label}
          maxLength={200}
          onChange={(event) => setLabel(event.target.value)}
        />
        <button type="button" disabled={taking.isBusy} onClick={take}>
          {t('takeSnapshot')}
        </button>
      </div>
      <Problem>{error ?? taking.error}</Problem>
      {data?.data.length === 0 && <p className="empty">{t('nothingHere')}</p>}
      <ol className="timeline">
        {data?.data.map((snapshot) => (
          <li key={snapshot.id} className={snapshot.kind}>
            <p>
              <strong>{snapshot.label === '' ? t(KINDS[snapshot.kind]) : snapshot.label}</strong>
            </p>
            <p className="muted">
              <Moment at={snapshot.createdAt} /> · {snapshot.createdBy}
            </p>
            <button type="button" onClick={() => setOpen(snapshot)}>
              {t('compare')}
            </button>
          </li>
        ))}
      </ol>
      {open !== undefined && (
        <RestoreDialog
          document={document}
          path={`${path}/${open.id}`}
          title={open.label === '' ? t(KINDS[open.kind]) : open.label}
          onClose={() => {
            setOpen(undefined);
            reload();
          }}
        />
      )}
    </section>
  );
}

const KINDS = {
  manual: 'kindManual',
  automatic: 'kindAutomatic',
  publish: 'kindPublish',
  'before-restore': 'kindBeforeRestore',
} as const;

interface RestoreDialogProps {
  readonly document: string;
  readonly path: string;
  readonly title: string;
  readonly onClose: () => void;
}

function RestoreDialog({ document, path, title, onClose }: RestoreDialogProps): ReactNode {
  const { t, language } = useWording();
  const formId = /^form\/([^/]+)$/.exec(document)?.[1];
  const loadForm = useCallback(
    async () => (formId === undefined ? undefined : server().rest.request<FormJson>('GET', `/forms/${formId}`)),
    [formId],
  );
  // What changes is told by its title; where the form cannot be read, by its place.
  const { data: form } = useLoaded(loadForm);
  const load = useCallback(
    () =>
      server().rest.request<{ changes: readonly ShownChange[]; isTruncated: boolean }>('POST', `${path}/restore`, {
        query: { dryRun: true },
      }),
    [path],
  );
  const { data, error } = useLoaded(load);
  const restoring = useTask();
  const restore = (): void =>
    restoring.run(async () => {
      await server().rest.request('POST', `${path}/restore`);
      onClose();
    });
  return (
    <Dialog title={t('restoreNamed', { name: title })} onClose={onClose}>
      <Problem>{error ?? restoring.error}</Problem>
      {data !== undefined && (
        <>
          <p>{data.changes.length === 0 ? t('sameAsNow') : t('restoreWould', { count: data.changes.length })}</p>
          <ChangeList
            changes={data.changes.map((change) => nameChange(change, form === undefined ? [] : [form], language, t))}
          />
        </>
      )}
      <form method="dialog" className="actions">
        <button>{t('cancel')}</button>
        <button
          type="button"
          className="primary"
          disabled={data === undefined || data.changes.length === 0 || restoring.isBusy}
          onClick={restore}
        >
          {t('restore')}
        </button>
      </form>
    </Dialog>
  );
}
