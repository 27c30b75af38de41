/** Above the form: whether it is saved, who is here, undo and redo, the language of the texts, publishing. */
import { useEffect, useState, useSyncExternalStore, type ReactNode } from 'react';
import * as Y from 'yjs';
import type { FormHandle } from '../../client/index.js';
import { useWording } from '../app/language.js';
import { Avatar } from '../parts/avatar.js';
import { SaveIndicator } from '../parts/save-indicator.js';
import { useEditor } from './editor-context.js';
import { PublishDialog } from './publish-dialog.js';

export function EditorBar({ setLanguage }: { readonly setLanguage: (language: string) => void }): ReactNode {
  const { t } = useWording();
  const { handle, form, language } = useEditor();
  const [isPublishing, setPublishing] = useState(false);
  return (
    <div className="editor-bar">
      <SaveIndicator connection={handle.connection} />
      <People />
      <span className="spacer" />
      <UndoRedo handle={handle} />
      <label className="inline">
        <span className="unseen">{t('textsIn')}</span>
        <select value={language} onChange={(event) => setLanguage(event.target.value)}>
          {form.languages.map((tag) => (
            <option key={tag}>{tag}</option>
          ))}
        </select>
      </label>
      <a className="button" href={`/app/r/${form.id}`} target="_blank" rel="noreferrer">
        {t('openRespond')}
      </a>
      <button type="button" className="primary" onClick={() => setPublishing(true)}>
        {t('publish')}
      </button>
      {isPublishing && <PublishDialog onClose={() => setPublishing(false)} />}
    </div>
  );
}

function People(): ReactNode {
  const { t } = useWording();
  const { others } = useEditor();
  const people = [...new Map(others.map((person) => [person.user.id, person.user])).values()];
  return (
    <ul className="people" aria-label={t('people', { count: people.length })}>
      {people.slice(0, 6).map((user) => (
        <li key={user.id}>
          <Avatar id={user.id} name={user.name} />
        </li>
      ))}
      {people.length > 6 && <li className="muted">+{people.length - 6}</li>}
    </ul>
  );
}

function UndoRedo({ handle }: { readonly handle: FormHandle }): ReactNode {
  const { t } = useWording();
  const [manager, setManager] = useState<Y.UndoManager>();
  useEffect(() => {
    const { doc } = handle;
    // One's own edits alone: those that carry the handle as origin.
    const made = new Y.UndoManager([doc.getMap('meta'), doc.getMap('pages'), doc.getMap('fields')], {
      trackedOrigins: new Set([handle]),
    });
    setManager(made);
    const onKey = (event: KeyboardEvent): void => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || document.querySelector('dialog[open]') !== null) return;
      const key = event.key.toLowerCase();
      if (key !== 'z' && key !== 'y') return;
      const { target } = event;
      // Comments and the own name have the browser's undo.
      if (target instanceof HTMLElement && /^(INPUT|TEXTAREA)$/.test(target.tagName) && !('target' in target.dataset))
        return;
      event.preventDefault();
      if (key === 'y' || event.shiftKey) made.redo();
      else made.undo();
    };
    addEventListener('keydown', onKey);
    return () => {
      removeEventListener('keydown', onKey);
      made.destroy();
    };
  }, [handle]);
  const subscribe = (listener: () => void): (() => void) => {
    const events = ['stack-item-added', 'stack-item-popped', 'stack-cleared'] as const;
    for (const event of events) manager?.on(event, listener);
    return () => {
      for (const event of events) manager?.off(event, listener);
    };
  };
  const canUndo = useSyncExternalStore(subscribe, () => manager?.canUndo() ?? false);
  const canRedo = useSyncExternalStore(subscribe, () => manager?.canRedo() ?? false);
  return (
    <>
      <button type="button" className="icon" aria-label={t('undo')} disabled={!canUndo} onClick={() => manager?.undo()}>
        ↶
      </button>
      <button type="button" className="icon" aria-label={t('redo')} disabled={!canRedo} onClick={() => manager?.redo()}>
        ↷
      </button>
    </>
  );
}
