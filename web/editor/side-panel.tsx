/** Beside the form: what is said about it, what is in dispute, and what happened to it. */
import { useState, type ReactNode } from 'react';
import { useWording } from '../app/language.js';
import { CommentsPanel } from './comments/comments-panel.js';
import { ConflictsPanel } from './conflicts/conflicts-panel.js';
import { useConflicts } from './conflicts/use-conflicts.js';
import { HistoryPanel } from './history/history-panel.js';
import type { PastPoint } from './history/timeline.js';
import { VersionsPanel } from './publishing/versions-panel.js';

const PANELS = ['comments', 'conflicts', 'history', 'versions'] as const;
type Panel = (typeof PANELS)[number];

interface SidePanelProps {
  readonly past: PastPoint | undefined;
  readonly setPast: (point: PastPoint | undefined) => void;
}

export function SidePanel({ past, setPast }: SidePanelProps): ReactNode {
  const { t } = useWording();
  const [shown, setShown] = useState<Panel>('comments');
  const conflicts = useConflicts();
  return (
    <aside className="side" aria-label={t('side')}>
      <div className="segmented" role="group" aria-label={t('side')}>
        {PANELS.map((name) => (
          <button key={name} type="button" aria-pressed={shown === name} onClick={() => setShown(name)}>
            {t(name)}
            {name === 'conflicts' && conflicts.length > 0 && <span className="count">{conflicts.length}</span>}
          </button>
        ))}
      </div>
      {shown === 'comments' && <CommentsPanel />}
      {shown === 'conflicts' && <ConflictsPanel conflicts={conflicts} />}
      {shown === 'history' && <HistoryPanel past={past} setPast={setPast} />}
      {shown === 'versions' && <VersionsPanel setPast={setPast} />}
    </aside>
  );
}
