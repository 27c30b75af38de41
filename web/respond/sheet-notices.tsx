/** What may happen to a sheet while it is filled in: a newer version of its form, a restored backup. */
import { useEffect, useState, useSyncExternalStore, type ReactNode } from 'react';
import type { SubmissionHandle } from '../../client/index.js';
import { useTask } from '../app/hooks.js';
import { useWording } from '../app/language.js';
import { Problem } from '../parts/shell.js';

export function NewerVersion({ handle }: { readonly handle: SubmissionHandle }): ReactNode {
  const { t } = useWording();
  const verdict = useSyncExternalStore(handle.subscribeVerdict, () => handle.verdict);
  const version = verdict.offer?.version;
  const [lost, setLost] = useState(0);
  const moving = useTask();
  useEffect(() => {
    if (version === undefined) return undefined;
    let isCurrent = true;
    handle.previewMigration(version).then(
      ({ answers }) => isCurrent && setLost(answers.filter(({ outcome }) => outcome !== 'kept').length),
      // The move itself will say why it cannot be.
      () => undefined,
    );
    return () => {
      isCurrent = false;
    };
  }, [handle, version]);
  if (version === undefined) return null;
  const move = (): void =>
    moving.run(async () => {
      await handle.migrate(version);
    });
  return (
    <div className="notice" role="status">
      <p>{t('newerVersion')}</p>
      {lost > 0 && <p>{t('newerVersionLoses', { count: lost })}</p>}
      <button type="button" disabled={moving.isBusy} onClick={move}>
        {t('moveToNewer')}
      </button>
      <Problem>{moving.error}</Problem>
    </div>
  );
}

export function RestoredNotice({ onTakeAlong }: { readonly onTakeAlong: () => Promise<void> }): ReactNode {
  const { t } = useWording();
  const { run, isBusy, error } = useTask();
  return (
    <div className="notice warn" role="alert">
      <p>{t('sheetRestored')}</p>
      <button type="button" disabled={isBusy} onClick={() => run(onTakeAlong)}>
        {t('takeAnswersAlong')}
      </button>
      <Problem>{error}</Problem>
    </div>
  );
}
