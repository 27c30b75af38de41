/** What was published, and snapshots that were kept: each can be looked at, and compared with the form as it is. */
import { useCallback, useState, type ReactNode } from 'react';
import type { FormJson } from '../../../crdt/form/form-json.js';
import { useLoaded, useTask } from '../../app/hooks.js';
import { useWording } from '../../app/language.js';
import { server } from '../../app/session.js';
import { Moment, Problem } from '../../parts/shell.js';
import type { Snapshot } from '../../parts/snapshot.js';
import type { WordKey } from '../../words/index.js';
import { useEditor, useFormNow } from '../editor-context.js';
import type { PastPoint } from '../history/timeline.js';

interface Version {
  readonly version: number;
  readonly publishedAt: string;
  readonly publishedBy: string;
  readonly changes: number;
}
interface List<T> {
  readonly data: readonly T[];
}

const KINDS: Readonly<Record<Snapshot['kind'], WordKey>> = {
  manual: 'kindManual',
  automatic: 'kindAutomatic',
  publish: 'kindPublish',
  'before-restore': 'kindBeforeRestore',
};
const REFRESH_MS = 10_000;

export function VersionsPanel({ setPast }: { readonly setPast: (point: PastPoint) => void }): ReactNode {
  const { t } = useWording();
  const { isReadOnly } = useEditor();
  const { id } = useFormNow();
  const document = `/documents/${encodeURIComponent(`form/${id}`)}/snapshots`;
  const loadVersions = useCallback(() => server().rest.request<List<Version>>('GET', `/forms/${id}/versions`), [id]);
  const loadSnapshots = useCallback(() => server().rest.request<List<Snapshot>>('GET', document), [document]);
  const versions = useLoaded(loadVersions, REFRESH_MS);
  const snapshots = useLoaded(loadSnapshots, REFRESH_MS);
  const task = useTask();
  const [label, setLabel] = useState('');
  const take = async (): Promise<void> => {
    await server().rest.request('POST', document, { body: { label } });
    setLabel('');
    snapshots.reload();
  };
  const lookAtVersion = async ({ version, publishedAt }: Version): Promise<void> => {
    const form = await server().rest.request<FormJson>('GET', `/forms/${id}`, { query: { version } });
    setPast({ title: t('publishedVersion', { version }), at: publishedAt, form, changes: [] });
  };
  const lookAtSnapshot = async (snapshot: Snapshot): Promise<void> => {
    const { content } = await server().rest.request<{ content: FormJson }>('GET', `${document}/${snapshot.id}`);
    const title = snapshot.label === '' ? t(KINDS[snapshot.kind]) : snapshot.label;
    setPast({ title, at: snapshot.createdAt, form: content, changes: [], snapshotId: snapshot.id });
  };
  return (
    <div className="versions">
      <h2>{t('versions')}</h2>
      <Problem>{versions.error ?? snapshots.error ?? task.error}</Problem>
      {versions.data?.data.length === 0 && <p className="empty">{t('noVersions')}</p>}
      <ol className="timeline">
        {versions.data?.data.map((version) => (
          <li key={version.version} className="publish">
            <p>
              <strong>{t('versionNumber', { version: version.version })}</strong>{' '}
              <span className="muted">{t('changesCount', { count: version.changes })}</span>
            </p>
            <p className="muted">
              {version.publishedBy} <Moment at={version.publishedAt} />
            </p>
            <button type="button" className="quiet" onClick={() => task.run(() => lookAtVersion(version))}>
              {t('lookAtNamed', { name: t('versionNumber', { version: version.version }) })}
            </button>
          </li>
        ))}
      </ol>
      <h2>{t('snapshots')}</h2>
      {!isReadOnly && (
        <form
          className="inline-form"
          onSubmit={(event) => {
            event.preventDefault();
            task.run(take);
          }}
        >
          <input
            aria-label={t('snapshotLabel')}
            placeholder={t('snapshotLabel')}
            value={label}
            maxLength={100}
            onChange={(event) => setLabel(event.target.value)}
          />
          <button disabled={task.isBusy}>{t('keep')}</button>
        </form>
      )}
      <ol className="timeline">
        {snapshots.data?.data.map((snapshot) => (
          <li key={snapshot.id} className={snapshot.kind}>
            <p>
              <strong>{snapshot.label === '' ? t(KINDS[snapshot.kind]) : snapshot.label}</strong>
            </p>
            <p className="muted">
              {snapshot.createdBy} <Moment at={snapshot.createdAt} />
            </p>
            <button type="button" className="quiet" onClick={() => task.run(() => lookAtSnapshot(snapshot))}>
              {t('lookAtNamed', { name: snapshot.label === '' ? t(KINDS[snapshot.kind]) : snapshot.label })}
            </button>
          </li>
        ))}
      </ol>
    </div>
  );
}
