/** What this browser had of the form before a backup was restored: never merged by itself, offered to its owner. */
import { useEffect, useState, type ReactNode } from 'react';
import * as Y from 'yjs';
import type { CopySetAside, LocalCopy } from '../../client/index.js';
import { project } from '../../crdt/form/project.js';
import { useWording } from '../app/language.js';

interface SetAsideProps {
  readonly formId: string;
  readonly copy: LocalCopy;
}

export function SetAside({ formId, copy }: SetAsideProps): ReactNode {
  const { t } = useWording();
  const [copies, setCopies] = useState<readonly CopySetAside[]>([]);
  useEffect(() => {
    let isCurrent = true;
    // Without storage there is nothing that could have been set aside.
    copy.setAside().then(
      (found) => isCurrent && setCopies(found),
      () => undefined,
    );
    return () => {
      isCurrent = false;
    };
  }, [copy]);
  if (copies.length === 0) return null;
  const discard = (): void => {
    setCopies([]);
    copy.discardSetAside().catch(() => undefined);
  };
  return (
    <div className="notice warn" role="status">
      <p>{t(copies.some(({ unsaved }) => unsaved !== undefined) ? 'setAsideUnsaved' : 'setAside')}</p>
      <div className="actions">
        {copies.map((aside) => (
          <button key={aside.at} type="button" onClick={() => download(formId, aside)}>
            {t('downloadCopy')}
          </button>
        ))}
        <button type="button" className="quiet" onClick={discard}>
          {t('discardCopy')}
        </button>
      </div>
    </div>
  );
}

/** As form JSON: it can be imported as a form of its own, and compared. */
function download(formId: string, { update, at }: CopySetAside): void {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, update);
  const json = JSON.stringify(project(doc, formId), null, 2);
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([json], { type: 'application/json' }));
  link.download = `${formId}-${new Date(at).toISOString().slice(0, 10)}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href));
}
