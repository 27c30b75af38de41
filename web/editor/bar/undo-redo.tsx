/** One's own edits, back and forth: by button, and by the keys that everybody knows. */
import { useCallback, useEffect, useSyncExternalStore, type ReactNode } from 'react';
import { useWording } from '../../app/language.js';
import { useEditor } from '../editor-context.js';

export function UndoRedo(): ReactNode {
  const { t } = useWording();
  const { undo: manager } = useEditor();
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || document.querySelector('dialog[open]') !== null) return;
      const key = event.key.toLowerCase();
      if (event.defaultPrevented || (key !== 'z' && key !== 'y')) return;
      const { target } = event;
      // Comments and the own name have the browser's undo.
      if (target instanceof HTMLElement && /^(INPUT|TEXTAREA)$/.test(target.tagName) && !('target' in target.dataset))
        return;
      event.preventDefault();
      if (key === 'y' || event.shiftKey) manager.redo();
      else manager.undo();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [manager]);
  const subscribe = useCallback(
    (listener: () => void): (() => void) => {
      const events = ['stack-item-added', 'stack-item-popped', 'stack-cleared'] as const;
      for (const event of events) manager.on(event, listener);
      return () => {
        for (const event of events) manager.off(event, listener);
      };
    },
    [manager],
  );
  const canUndo = useSyncExternalStore(subscribe, () => manager.canUndo());
  const canRedo = useSyncExternalStore(subscribe, () => manager.canRedo());
  return (
    <>
      <button type="button" className="icon" aria-label={t('undo')} disabled={!canUndo} onClick={() => manager.undo()}>
        ↶
      </button>
      <button type="button" className="icon" aria-label={t('redo')} disabled={!canRedo} onClick={() => manager.redo()}>
        ↷
      </button>
    </>
  );
}
