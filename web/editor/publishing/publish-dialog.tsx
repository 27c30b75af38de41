/** What publishing would change, what that means for answers, and the button that does it. */
import { useCallback, useState, type ReactNode } from 'react';
import { useLoaded, useTask } from '../../app/hooks.js';
import { useWording } from '../../app/language.js';
import type { Published } from '../../../client/index.js';
import { Dialog } from '../../parts/dialog.js';
import { ChangeList, type ShownChange } from '../../parts/change-list.js';
import { nameChange } from '../../parts/name-change.js';
import { Problem } from '../../parts/shell.js';
import { useEditor, useFormNow } from '../editor-context.js';

interface Impact {
  readonly target: string;
  readonly severity: 'none' | 'review' | 'loss';
  readonly message: string;
}
interface Preview extends Published {
  readonly changes: readonly ShownChange[];
  readonly impact: readonly Impact[];
}

export function PublishDialog({ onClose }: { readonly onClose: () => void }): ReactNode {
  const { t } = useWording();
  const { handle, language } = useEditor();
  const form = useFormNow();
  const load = useCallback(() => handle.requests.publish({ dryRun: true }) as Promise<Preview>, [handle]);
  const { data, error } = useLoaded(load);
  const publishing = useTask();
  const [version, setVersion] = useState<number>();
  const publish = async (): Promise<void> => {
    const published = await handle.requests.publish();
    setVersion(published.version);
  };
  if (version !== undefined) {
    return (
      <Dialog title={t('publishedVersion', { version })} onClose={onClose}>
        <p>
          {t('shareLink')} <a href={`/app/r/${form.id}`}>{`${location.origin}/app/r/${form.id}`}</a>
        </p>
        <form method="dialog" className="actions">
          <button className="primary">{t('close')}</button>
        </form>
      </Dialog>
    );
  }
  const impact = data?.impact.filter(({ severity }) => severity !== 'none') ?? [];
  return (
    <Dialog title={t('publish')} onClose={onClose}>
      <Problem>{error ?? publishing.error}</Problem>
      {data === undefined ? (
        <p>{t('loading')}</p>
      ) : (
        <>
          <p>{t('willBecome', { version: data.version, count: data.changes.length })}</p>
          {impact.length > 0 && (
            <section className="notice warn" aria-label={t('impact')}>
              <h3>{t('impact')}</h3>
              <ul>
                {impact.map(({ target, message, severity }, index) => (
                  <li key={index}>
                    <strong>{severity === 'loss' ? t('loss') : t('review')}</strong>{' '}
                    {nameChange({ kind: 'changed', target }, [form], language, t).target}: {message}
                  </li>
                ))}
              </ul>
            </section>
          )}
          <ChangeList changes={data.changes.map((change) => nameChange(change, [form], language, t))} />
        </>
      )}
      <form method="dialog" className="actions">
        <button>{t('cancel')}</button>
        <button
          type="button"
          className="primary"
          disabled={data === undefined || publishing.isBusy}
          onClick={() => publishing.run(publish)}
        >
          {t('publishNow')}
        </button>
      </form>
    </Dialog>
  );
}
