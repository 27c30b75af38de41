/** One thread: what was said, who is asked to see to it, who is writing. */
import type { ReactNode } from 'react';
import type { StoredThread } from '../../../crdt/comments/thread-json.js';
import { useTask } from '../../app/hooks.js';
import { useWording } from '../../app/language.js';
import { Problem } from '../../parts/shell.js';
import { useEditor, useOthers } from '../editor-context.js';
import { Comment } from './comment.js';
import { Composer } from './composer.js';
import { useKnownPeople } from './people.js';

export function Thread({ thread, about }: { readonly thread: StoredThread; readonly about: string }): ReactNode {
  const { t } = useWording();
  const { comments, select, canComment } = useEditor();
  const { run, isBusy, error } = useTask();
  const isOpen = thread.status === 'open';
  const { anchor } = thread;
  const fieldId = anchor.type === 'field' || anchor.type === 'option' ? anchor.fieldId : undefined;
  const settle = async (): Promise<void> => {
    await (isOpen ? comments.resolve(thread.id) : comments.reopen(thread.id));
  };
  return (
    <article className={`card thread ${thread.status}`} aria-label={t('threadOn', { name: about })}>
      <div className="thread-head">
        {fieldId === undefined ? (
          <bdi className="about">{about}</bdi>
        ) : (
          <button type="button" className="link about" onClick={() => select(fieldId)}>
            <bdi>{about}</bdi>
          </button>
        )}
        {canComment && (
          <button type="button" className="quiet" disabled={isBusy} onClick={() => run(settle)}>
            {isOpen ? t('resolve') : t('reopen')}
          </button>
        )}
      </div>
      {anchor.type === 'text' && (
        <blockquote className="quote" dir="auto">
          {anchor.quote}
        </blockquote>
      )}
      {thread.comments.map((comment) => (
        <Comment key={comment.id} comment={comment} threadId={thread.id} />
      ))}
      <Writers threadId={thread.id} />
      <Problem>{error}</Problem>
      {isOpen && canComment && (
        <>
          <Composer
            label={t('replyTo', { name: about })}
            button={t('reply')}
            threadId={thread.id}
            field={fieldId}
            onSend={async (body) => {
              await comments.reply(thread.id, body);
            }}
          />
          <Assignee thread={thread} about={about} />
        </>
      )}
    </article>
  );
}

function Assignee({ thread, about }: { readonly thread: StoredThread; readonly about: string }): ReactNode {
  const { t } = useWording();
  const { comments } = useEditor();
  const { run, isBusy, error } = useTask();
  const people = useKnownPeople();
  return (
    <label className="inline assignee">
      <span>{t('assignedTo')}</span>
      <select
        aria-label={t('assignNamed', { name: about })}
        value={thread.assignee ?? ''}
        disabled={isBusy}
        onChange={(event) => {
          const { value } = event.target;
          run(async () => {
            await comments.assign(thread.id, value === '' ? null : value);
          });
        }}
      >
        <option value="">{t('nobody')}</option>
        {people.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
      <Problem>{error}</Problem>
    </label>
  );
}

function Writers({ threadId }: { readonly threadId: string }): ReactNode {
  const { t } = useWording();
  const writers = useOthers().filter((person) => person.threadId === threadId && person.activity === 'typing');
  return (
    <p className="writers" role="status">
      {writers.length > 0 && t('typingHere', { names: writers.map(({ user }) => user.name ?? user.id).join(', ') })}
    </p>
  );
}
