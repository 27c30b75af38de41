/** What somebody said, and how others feel about it. */
import { Fragment, useState, type ReactNode } from 'react';
import type { CommentJson, Reaction } from '../../../crdt/comments/thread-json.js';
import { useTask } from '../../app/hooks.js';
import { useWording } from '../../app/language.js';
import { ownId } from '../../app/session.js';
import { Avatar } from '../../parts/avatar.js';
import { Moment, Problem } from '../../parts/shell.js';
import type { WordKey } from '../../words/index.js';
import { useEditor } from '../editor-context.js';
import { Composer } from './composer.js';
import { useKnownPeople } from './people.js';

const SIGNS: readonly { readonly reaction: Reaction; readonly sign: string; readonly word: WordKey }[] = [
  { reaction: 'like', sign: '👍', word: 'reactionLike' },
  { reaction: 'love', sign: '❤️', word: 'reactionLove' },
  { reaction: 'laugh', sign: '😄', word: 'reactionLaugh' },
  { reaction: 'wow', sign: '😮', word: 'reactionWow' },
  { reaction: 'sad', sign: '😢', word: 'reactionSad' },
  { reaction: 'angry', sign: '😠', word: 'reactionAngry' },
];

export function Comment({
  comment,
  threadId,
}: {
  readonly comment: CommentJson;
  readonly threadId: string;
}): ReactNode {
  const { t } = useWording();
  const { comments } = useEditor();
  const { run, error } = useTask();
  const [isEditing, setEditing] = useState(false);
  const isMine = comment.author.id === ownId();
  const isDeleted = comment.deletedAt !== null;
  const who = comment.author.name ?? comment.author.id;
  return (
    <div className="comment">
      <Avatar id={comment.author.id} name={comment.author.name} />
      <div>
        <p className="comment-head">
          <strong>{who}</strong>{' '}
          <span className="muted">
            <Moment at={comment.createdAt} /> {comment.editedAt !== null && !isDeleted && t('edited')}
          </span>
        </p>
        {isEditing ? (
          <Composer
            label={t('editComment')}
            button={t('save')}
            initial={comment.body}
            threadId={threadId}
            onCancel={() => setEditing(false)}
            onSend={async (body) => {
              await comments.edit(threadId, comment.id, body);
              setEditing(false);
            }}
          />
        ) : (
          <p className="comment-body" dir="auto">
            {isDeleted ? <em>{t('commentDeleted')}</em> : <Body text={comment.body} />}
          </p>
        )}
        {!isDeleted && !isEditing && (
          <div className="comment-foot">
            <Reactions comment={comment} threadId={threadId} />
            {isMine && (
              <>
                <button type="button" className="quiet small" onClick={() => setEditing(true)}>
                  {t('edit')}
                </button>
                <button
                  type="button"
                  className="quiet small"
                  onClick={() =>
                    run(async () => {
                      await comments.delete(threadId, comment.id);
                    })
                  }
                >
                  {t('delete')}
                </button>
              </>
            )}
          </div>
        )}
        <Problem>{error}</Problem>
      </div>
    </div>
  );
}

/** People who are mentioned are shown by name. */
function Body({ text }: { readonly text: string }): ReactNode {
  const people = useKnownPeople();
  return text.split(/(@\[[^[\]\n]{1,128}\])/g).map((part, index) => {
    const id = /^@\[(.*)\]$/.exec(part)?.[1];
    if (id === undefined) return <Fragment key={index}>{part}</Fragment>;
    return (
      <span key={index} className={id === ownId() ? 'mention me' : 'mention'}>
        @{people.find((person) => person.id === id)?.name ?? id}
      </span>
    );
  });
}

function Reactions({ comment, threadId }: { readonly comment: CommentJson; readonly threadId: string }): ReactNode {
  const { t } = useWording();
  const { comments, canComment } = useEditor();
  const people = useKnownPeople();
  const { run, error } = useTask();
  const [isOpen, setOpen] = useState(false);
  const me = ownId();
  const react = (reaction: Reaction, isMine: boolean): void => {
    setOpen(false);
    run(async () => {
      await comments.react(threadId, comment.id, reaction, !isMine);
    });
  };
  return (
    <div className="reactions" role="group" aria-label={t('reactions')}>
      {SIGNS.map(({ reaction, sign, word }) => {
        const users = comment.reactions[reaction] ?? [];
        if (users.length === 0 && !isOpen) return null;
        const isMine = users.includes(me);
        return (
          <button
            key={reaction}
            type="button"
            aria-label={`${t(word)} ${users.length}`}
            aria-pressed={isMine}
            disabled={!canComment}
            title={users.map((id) => people.find((person) => person.id === id)?.name ?? id).join(', ')}
            className={users.length === 0 ? 'none' : ''}
            onClick={() => react(reaction, isMine)}
          >
            {sign} {users.length === 0 ? '' : users.length}
          </button>
        );
      })}
      <button
        type="button"
        className="none add"
        hidden={!canComment}
        aria-label={t('addReaction')}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        <span aria-hidden="true" data-sign="☺+" />
      </button>
      <Problem>{error}</Problem>
    </div>
  );
}
