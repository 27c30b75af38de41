/** What concerns the reader: a bell with the number of what is unread, and the list behind it, as it happens. */
import { useCallback, useEffect, useRef, useState, type ReactNode } from 'react';
import { useTask } from '../app/hooks.js';
import { useWording } from '../app/language.js';
import { server } from '../app/session.js';
import { Avatar } from '../parts/avatar.js';
import { Moment, Problem } from '../parts/shell.js';
import type { WordKey } from '../words/index.js';
import { followFeed } from '../app/follow-feed.js';
import '../style/notifications.css';

interface Notification {
  readonly id: string;
  readonly reason: string;
  readonly priority: 'low' | 'normal' | 'high' | 'urgent';
  readonly formId: string | null;
  readonly threadId: string | null;
  readonly actor: { readonly id: string; readonly name?: string };
  readonly text: string;
  readonly createdAt: string;
  readonly readAt: string | null;
}

const REASONS: Readonly<Record<string, WordKey>> = {
  mention: 'reasonMention',
  reply: 'reasonReply',
  assigned: 'reasonAssigned',
  resolved: 'reasonResolved',
  published: 'reasonPublished',
  alert: 'reasonAlert',
};
const MOST = 50;

export function Bell(): ReactNode {
  const { t } = useWording();
  const { list, error, reload } = useNotifications();
  const [isOpen, setOpen] = useState(false);
  const task = useTask();
  const place = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!isOpen) return;
    const onPress = (event: Event): void => {
      if (event.target instanceof Node && place.current?.contains(event.target) === false) setOpen(false);
    };
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape') return;
      setOpen(false);
      button.current?.focus();
    };
    addEventListener('pointerdown', onPress);
    addEventListener('keydown', onKey);
    return () => {
      removeEventListener('pointerdown', onPress);
      removeEventListener('keydown', onKey);
    };
  }, [isOpen]);
  const unread = list.filter(({ readAt }) => readAt === null).length;
  const change = (method: string, path: string, body?: unknown): void =>
    task.run(async () => {
      await server().rest.request(method, path, body === undefined ? {} : { body });
      reload();
    });
  return (
    <div className="bell" ref={place}>
      <button
        type="button"
        ref={button}
        className="icon"
        aria-label={t('notificationsUnread', { count: unread })}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        <svg viewBox="0 0 20 20" width="19" height="19" aria-hidden="true">
          <path
            d="M10 2a5 5 0 0 0-5 5v3.2L3.5 13v1h13v-1L15 10.2V7a5 5 0 0 0-5-5Zm-2 13a2 2 0 0 0 4 0Z"
            fill="currentColor"
          />
        </svg>
        {unread > 0 && <span className="count">{unread}</span>}
      </button>
      {isOpen && (
        <section className="bell-list card" aria-label={t('notifications')}>
          <div className="bell-head">
            <h2>{t('notifications')}</h2>
            <button
              type="button"
              className="quiet"
              disabled={unread === 0}
              onClick={() => change('POST', '/notifications/read', { all: true })}
            >
              {t('readAll')}
            </button>
          </div>
          <Problem>{error ?? task.error}</Problem>
          {list.length === 0 && <p className="empty">{t('noNotifications')}</p>}
          <ul tabIndex={0} aria-label={t('notifications')}>
            {list.map((one) => (
              <Row key={one.id} one={one} change={change} />
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

interface RowProps {
  readonly one: Notification;
  readonly change: (method: string, path: string, body?: unknown) => void;
}

function Row({ one, change }: RowProps): ReactNode {
  const { t } = useWording();
  const reason = REASONS[one.reason];
  return (
    <li className={one.readAt === null ? 'unread' : ''}>
      <Avatar id={one.actor.id} name={one.actor.name} isSmall />
      <div>
        <p>
          <strong>{one.actor.name ?? one.actor.id}</strong> {reason === undefined ? one.reason : t(reason)}{' '}
          {(one.priority === 'high' || one.priority === 'urgent') && (
            <span className="badge removed">{t(one.priority)}</span>
          )}
        </p>
        <p className="bell-text" dir="auto">
          {one.formId === null ? (
            one.text
          ) : (
            <a href={`/app/forms/${one.formId}`}>{one.text.replace(/@\[([^\]]*)\]/g, '@$1')}</a>
          )}
        </p>
        <p className="muted">
          <Moment at={one.createdAt} />
        </p>
      </div>
      <div className="bell-actions">
        {one.readAt === null && (
          <button
            type="button"
            className="quiet small"
            onClick={() => change('POST', '/notifications/read', { ids: [one.id] })}
          >
            {t('markRead')}
          </button>
        )}
        <button type="button" className="quiet small" onClick={() => change('DELETE', `/notifications/${one.id}`)}>
          {t('archive')}
        </button>
      </div>
    </li>
  );
}

function useNotifications(): {
  readonly list: readonly Notification[];
  readonly error: string | undefined;
  readonly reload: () => void;
} {
  const [list, setList] = useState<readonly Notification[]>([]);
  const [error, setError] = useState<string>();
  const reload = useCallback(() => {
    server()
      .rest.request<{ data: readonly Notification[] }>('GET', '/notifications', { query: { limit: MOST } })
      .then(
        ({ data }) => {
          setList(data);
          setError(undefined);
        },
        (failure: unknown) => setError(failure instanceof Error ? failure.message : String(failure)),
      );
  }, []);
  useEffect(() => {
    reload();
    return followFeed({ types: 'notification.created' }, reload);
  }, [reload]);
  return { list, error, reload };
}
