/** Threads on the field that is open, or on the whole form: replies, reactions, resolving. */
import { useState, useSyncExternalStore, type ReactNode } from 'react';
import type { CommentsHandle } from '../../client/index.js';
import { fieldOfAnchor } from '../../crdt/comments/anchor.js';
import type { CommentJson, Reaction, StoredThread } from '../../crdt/comments/thread-json.js';
import { allFields } from '../../crdt/logic/evaluate.js';
import { useTask } from '../app/hooks.js';
import { textIn, useWording } from '../app/language.js';
import { ownName } from '../app/session.js';
import { Avatar } from '../parts/avatar.js';
import { Moment, Problem } from '../parts/shell.js';
import { useEditor } from './editor-context.js';

const SIGNS: Readonly<Record<Reaction, string>> = {
  like: '👍',
  love: '❤️',
  laugh: '😄',
  wow: '😮',
  sad: '😢',
  angry: '😠',
};

export function CommentsPanel({ comments }: { readonly comments: CommentsHandle }): ReactNode {
  const { t } = useWording();
  const { form, selected, language } = useEditor();
  const threads = useSyncExternalStore(comments.subscribe, () => comments.threads);
  const [isResolvedShown, setResolvedShown] = useState(false);
  const fields = new Map(form.pages.flatMap((page) => allFields(page.fields)).map((field) => [field.id, field]));
  const nameOf = (fieldId: string | undefined): string =>
    fieldId === undefined ? t('wholeForm') : textIn(fields.get(fieldId)?.title, language) || t('question');
  const about = selected !== null && fields.has(selected) ? selected : undefined;
  const shown = threads.filter((thread) => isResolvedShown || thread.status === 'open');
  // Those of the field that is open come first.
  const isAbout = (thread: StoredThread): number => (fieldOfAnchor(thread.anchor) === about ? 0 : 1);
  const sorted = [...shown].sort((a, b) => isAbout(a) - isAbout(b));
  return (
    <div className="comments">
      <Composer
        key={about ?? 'form'}
        label={t('commentOn', { name: nameOf(about) })}
        button={t('comment')}
        onSend={async (body) => {
          await comments.start(about === undefined ? { type: 'form' } : { type: 'field', fieldId: about }, body);
        }}
      />
      <label className="inline">
        <input type="checkbox" checked={isResolvedShown} onChange={(event) => setResolvedShown(event.target.checked)} />
        {t('showResolved')}
      </label>
      {sorted.length === 0 && <p className="empty">{t('noComments')}</p>}
      {sorted.map((thread) => (
        <Thread key={thread.id} thread={thread} comments={comments} about={nameOf(fieldOfAnchor(thread.anchor))} />
      ))}
    </div>
  );
}

interface ThreadProps {
  readonly thread: StoredThread;
  readonly comments: CommentsHandle;
  readonly about: string;
}

function Thread({ thread, comments, about }: ThreadProps): ReactNode {
  const { t } = useWording();
  const { run, isBusy, error } = useTask();
  const isOpen = thread.status === 'open';
  const settle = async (): Promise<void> => {
    await (isOpen ? comments.resolve(thread.id) : comments.reopen(thread.id));
  };
  return (
    <article className={`card thread ${thread.status}`} aria-label={t('threadOn', { name: about })}>
      <div className="thread-head">
        <span className="about">{about}</span>
        <button type="button" className="quiet" disabled={isBusy} onClick={() => run(settle)}>
          {isOpen ? t('resolve') : t('reopen')}
        </button>
      </div>
      {thread.comments.map((comment) => (
        <Comment key={comment.id} comment={comment} threadId={thread.id} comments={comments} />
      ))}
      <Problem>{error}</Problem>
      {isOpen && (
        <Composer
          label={t('replyTo', { name: about })}
          button={t('reply')}
          onSend={async (body) => {
            await comments.reply(thread.id, body);
          }}
        />
      )}
    </article>
  );
}

interface CommentProps {
  readonly comment: CommentJson;
  readonly threadId: string;
  readonly comments: CommentsHandle;
}

function Comment({ comment, threadId, comments }: CommentProps): ReactNode {
  const { t } = useWording();
  const { run, error } = useTask();
  const me = ownName();
  const react = (reaction: Reaction): void => {
    const isMine = comment.reactions[reaction]?.includes(me) === true;
    run(async () => {
      await comments.react(threadId, comment.id, reaction, !isMine);
    });
  };
  return (
    <div className="comment">
      <Avatar id={comment.author.id} name={comment.author.name} />
      <div>
        <p className="muted">
          <strong>{comment.author.name ?? comment.author.id}</strong> <Moment at={comment.createdAt} />
        </p>
        <p className="comment-body">{comment.deletedAt === null ? comment.body : t('commentDeleted')}</p>
        {comment.deletedAt === null && (
          <div className="reactions" role="group" aria-label={t('reactions')}>
            {(Object.keys(SIGNS) as Reaction[]).map((reaction) => {
              const count = comment.reactions[reaction]?.length ?? 0;
              return (
                <button
                  key={reaction}
                  type="button"
                  aria-label={`${reaction} ${count}`}
                  aria-pressed={comment.reactions[reaction]?.includes(me) === true}
                  className={count === 0 ? 'none' : ''}
                  onClick={() => react(reaction)}
                >
                  {SIGNS[reaction]} {count === 0 ? '' : count}
                </button>
              );
            })}
          </div>
        )}
        <Problem>{error}</Problem>
      </div>
    </div>
  );
}

interface ComposerProps {
  readonly label: string;
  readonly button: string;
  readonly onSend: (body: string) => Promise<void>;
}

function Composer({ label, button, onSend }: ComposerProps): ReactNode {
  const { show } = useEditor();
  const { run, isBusy, error } = useTask();
  const [body, setBody] = useState('');
  const send = (): void =>
    run(async () => {
      await onSend(body);
      setBody('');
    });
  return (
    <div className="composer">
      <textarea
        aria-label={label}
        placeholder={label}
        rows={2}
        value={body}
        onChange={(event) => setBody(event.target.value)}
        onFocus={() => show({ activity: 'commenting' })}
        onBlur={() => show({ activity: 'viewing' })}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && body.trim() !== '') send();
        }}
      />
      <button type="button" disabled={isBusy || body.trim() === ''} onClick={send}>
        {button}
      </button>
      <Problem>{error}</Problem>
    </div>
  );
}
