/** Threads on the field that is open, or on the whole form. */
import { useState, type ReactNode } from 'react';
import { fieldOfAnchor } from '../../../crdt/comments/anchor.js';
import type { StoredThread } from '../../../crdt/comments/thread-json.js';
import { allFields } from '../../../crdt/logic/evaluate.js';
import { textIn, useWording } from '../../app/language.js';
import { ownId } from '../../app/session.js';
import { useEditor, useFormNow, useSelected, useThreadsNow } from '../editor-context.js';
import { Composer } from './composer.js';
import { Thread } from './thread.js';

type Shown = 'open' | 'mine' | 'resolved';
const CHOICES: readonly Shown[] = ['open', 'mine', 'resolved'];
const WORDS = { open: 'threadsOpen', mine: 'threadsMine', resolved: 'threadsResolved' } as const;

export function CommentsPanel(): ReactNode {
  const { t } = useWording();
  const { comments, language, canComment } = useEditor();
  const form = useFormNow();
  const selected = useSelected();
  const threads = useThreadsNow();
  const [shown, setShown] = useState<Shown>('open');
  const fields = new Map(form.pages.flatMap((page) => allFields(page.fields)).map((field) => [field.id, field]));
  const nameOf = (fieldId: string | undefined): string =>
    fieldId === undefined ? t('wholeForm') : textIn(fields.get(fieldId)?.title, language) || t('question');
  const about = selected !== null && fields.has(selected) ? selected : undefined;
  const isShown = ({ status, assignee }: StoredThread): boolean =>
    shown === 'mine' ? status === 'open' && assignee === ownId() : status === shown;
  // Those of the field that is open come first.
  const isAbout = (thread: StoredThread): number => (fieldOfAnchor(thread.anchor) === about ? 0 : 1);
  const sorted = threads.filter(isShown).sort((a, b) => isAbout(a) - isAbout(b));
  return (
    <div className="comments">
      {canComment && (
        <Composer
          key={about ?? 'form'}
          label={t('commentOn', { name: nameOf(about) })}
          button={t('comment')}
          field={about}
          onSend={async (body) => {
            await comments.start(about === undefined ? { type: 'form' } : { type: 'field', fieldId: about }, body);
          }}
        />
      )}
      <label className="inline filter">
        <span>{t('threadsShown')}</span>
        <select value={shown} onChange={(event) => setShown(event.target.value as Shown)}>
          {CHOICES.map((each) => (
            <option key={each} value={each}>
              {t(WORDS[each])}
            </option>
          ))}
        </select>
      </label>
      {sorted.length === 0 && <p className="empty">{t(shown === 'open' ? 'noComments' : 'noThreads')}</p>}
      {sorted.map((thread) => (
        <Thread key={thread.id} thread={thread} about={nameOf(fieldOfAnchor(thread.anchor))} />
      ))}
    </div>
  );
}
