/** Above the form: whether it is saved, who is here, undo and redo, the language of the texts, publishing. */
import { useState, type ReactNode } from 'react';
import { useWording } from '../../app/language.js';
import { Avatar } from '../../parts/avatar.js';
import { SaveIndicator } from '../../parts/save-indicator.js';
import { useEditor, useFormNow, useOthers } from '../editor-context.js';
import type { View } from '../open-editor.js';
import { PublishDialog } from '../publishing/publish-dialog.js';
import { UndoRedo } from './undo-redo.js';

interface EditorBarProps {
  readonly view: View;
  readonly setView: (view: View) => void;
  readonly setLanguage: (language: string) => void;
}

export function EditorBar({ view, setView, setLanguage }: EditorBarProps): ReactNode {
  const { t } = useWording();
  const { handle, language, isReadOnly } = useEditor();
  const form = useFormNow();
  const [isPublishing, setPublishing] = useState(false);
  return (
    <div className="editor-bar">
      <SaveIndicator connection={handle.connection} />
      <People />
      <span className="spacer" />
      {!isReadOnly && <UndoRedo />}
      <div className="segmented" role="group" aria-label={t('view')}>
        {(['form', 'languages'] as const).map((each) => (
          <button key={each} type="button" aria-pressed={view === each} onClick={() => setView(each)}>
            {t(each)}
          </button>
        ))}
      </div>
      {view === 'form' && (
        <label className="inline">
          <span className="unseen">{t('textsIn')}</span>
          <select value={language} onChange={(event) => setLanguage(event.target.value)}>
            {form.languages.map((tag) => (
              <option key={tag}>{tag}</option>
            ))}
          </select>
        </label>
      )}
      <a className="button" href={`/app/forms/${form.id}/analytics`}>
        {t('analytics')}
      </a>
      <a className="button" href={`/app/r/${form.id}`} target="_blank" rel="noreferrer">
        {t('openRespond')}
      </a>
      {!isReadOnly && (
        <button type="button" className="primary" onClick={() => setPublishing(true)}>
          {t('publish')}
        </button>
      )}
      {isPublishing && <PublishDialog onClose={() => setPublishing(false)} />}
    </div>
  );
}

const MOST_SHOWN = 6;

function People(): ReactNode {
  const { t } = useWording();
  const others = useOthers();
  const people = [...new Map(others.map((person) => [person.user.id, person])).values()];
  return (
    <ul className="people" aria-label={t('people', { count: people.length })}>
      {people.slice(0, MOST_SHOWN).map(({ user, activity }) => (
        <li key={user.id} className={activity}>
          <Avatar id={user.id} name={user.name} />
        </li>
      ))}
      {people.length > MOST_SHOWN && <li className="muted">+{people.length - MOST_SHOWN}</li>}
    </ul>
  );
}
