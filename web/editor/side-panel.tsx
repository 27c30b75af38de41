/** Beside the form: what is said about it, and what happened to it. */
import { useState, type ReactNode } from 'react';
import type { CommentsHandle } from '../../client/index.js';
import { useWording } from '../app/language.js';
import { CommentsPanel } from './comments-panel.js';
import { HistoryPanel } from './history-panel.js';

export function SidePanel({ comments }: { readonly comments: CommentsHandle }): ReactNode {
  const { t } = useWording();
  const [shown, setShown] = useState<'comments' | 'history'>('comments');
  return (
    <aside className="side" aria-label={t('side')}>
      <div className="segmented" role="group" aria-label={t('side')}>
        {(['comments', 'history'] as const).map((name) => (
          <button key={name} type="button" aria-pressed={shown === name} onClick={() => setShown(name)}>
            {t(name)}
          </button>
        ))}
      </div>
      {shown === 'comments' ? <CommentsPanel comments={comments} /> : <HistoryPanel />}
    </aside>
  );
}
