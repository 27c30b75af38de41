/** Where a comment is written. `@` offers the people whom it can mention. */
import { useId, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { flushSync } from 'react-dom';
import { useTask } from '../../app/hooks.js';
import { useWording } from '../../app/language.js';
import { Avatar } from '../../parts/avatar.js';
import { Problem } from '../../parts/shell.js';
import { useEditor } from '../editor-context.js';
import { useKnownPeople, type Known } from './people.js';

interface ComposerProps {
  readonly label: string;
  readonly button: string;
  readonly initial?: string;
  readonly threadId?: string;
  readonly field?: string | undefined;
  readonly onSend: (body: string) => Promise<void>;
  readonly onCancel?: () => void;
}

const MOST_OFFERED = 6;

export function Composer({ label, button, initial = '', threadId, field, onSend, onCancel }: ComposerProps): ReactNode {
  const { t } = useWording();
  const { show } = useEditor();
  const { run, isBusy, error } = useTask();
  const [body, setBody] = useState(initial);
  const text = useRef<HTMLTextAreaElement>(null);
  const mention = useMention(text, body, setBody);
  const list = useId();
  const place = { field: field ?? null, threadId: threadId ?? null };
  const send = (): void =>
    run(async () => {
      await onSend(body);
      setBody('');
      show({ activity: 'commenting', ...place });
    });
  const onKeyDown = (event: KeyboardEvent): void => {
    if (mention.onKeyDown(event)) return;
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && body.trim() !== '') send();
    if (event.key === 'Escape') onCancel?.();
  };
  return (
    <div className="composer">
      <textarea
        ref={text}
        aria-label={label}
        aria-autocomplete="list"
        aria-haspopup="listbox"
        aria-controls={mention.offered.length > 0 ? list : undefined}
        aria-activedescendant={mention.offered.length > 0 ? `${list}-${mention.index}` : undefined}
        placeholder={label}
        rows={2}
        dir={body === '' ? undefined : 'auto'}
        value={body}
        onChange={(event) => {
          setBody(event.target.value);
          mention.look(event.target.value, event.target.selectionStart);
          show({ activity: 'typing', ...place });
        }}
        onFocus={() => show({ activity: 'commenting', ...place })}
        onBlur={() => {
          mention.close();
          show({ activity: 'viewing', field: null, threadId: null });
        }}
        onKeyDown={onKeyDown}
      />
      {mention.offered.length > 0 && (
        <ul id={list} className="mentions" role="listbox" aria-label={t('mention')}>
          {mention.offered.map((person, index) => (
            <li
              key={person.id}
              id={`${list}-${index}`}
              role="option"
              aria-selected={index === mention.index}
              // The caret stays in the text.
              onMouseDown={(event) => {
                event.preventDefault();
                mention.take(person);
              }}
            >
              <Avatar id={person.id} name={person.name} isSmall /> {person.name}
            </li>
          ))}
        </ul>
      )}
      <div className="composer-foot">
        <span className="muted">{t('mentionHint')}</span>
        {onCancel !== undefined && (
          <button type="button" className="quiet" onClick={onCancel}>
            {t('cancel')}
          </button>
        )}
        <button type="button" disabled={isBusy || body.trim() === ''} onClick={send}>
          {button}
        </button>
      </div>
      <Problem>{error}</Problem>
    </div>
  );
}

interface Mention {
  readonly offered: readonly Known[];
  readonly index: number;
  readonly look: (value: string, caret: number) => void;
  readonly take: (person: Known) => void;
  readonly close: () => void;
  /** @returns whether the key was for the list */
  readonly onKeyDown: (event: KeyboardEvent) => boolean;
}

function useMention(
  text: React.RefObject<HTMLTextAreaElement>,
  body: string,
  setBody: (body: string) => void,
): Mention {
  const people = useKnownPeople();
  const [begun, setBegun] = useState<{ readonly from: number; readonly words: string }>();
  const [index, setIndex] = useState(0);
  const offered =
    begun === undefined
      ? []
      : people.filter(({ id, name }) => `${name} ${id}`.toLowerCase().includes(begun.words)).slice(0, MOST_OFFERED);
  const close = (): void => setBegun(undefined);
  const take = (person: Known): void => {
    const element = text.current;
    if (begun === undefined || element === null) return;
    const written = `@[${person.id}] `;
    const caret = begun.from + written.length;
    // Before the next key, which belongs behind the name.
    flushSync(() => {
      setBody(body.slice(0, begun.from) + written + body.slice(element.selectionStart));
      close();
    });
    element.setSelectionRange(caret, caret);
  };
  return {
    offered,
    index: Math.min(index, Math.max(0, offered.length - 1)),
    close,
    take,
    look: (value, caret) => {
      const found = /(?:^|\s)@([\p{L}\p{N} ._-]{0,30})$/u.exec(value.slice(0, caret));
      setIndex(0);
      setBegun(
        found === null
          ? undefined
          : { from: caret - (found[1]?.length ?? 0) - 1, words: (found[1] ?? '').toLowerCase() },
      );
    },
    onKeyDown: (event) => {
      const chosen = offered[Math.min(index, offered.length - 1)];
      if (chosen === undefined || !['ArrowDown', 'ArrowUp', 'Enter', 'Tab', 'Escape'].includes(event.key)) return false;
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) return false;
      event.preventDefault();
      if (event.key === 'ArrowDown') setIndex((index + 1) % offered.length);
      else if (event.key === 'ArrowUp') setIndex((index + offered.length - 1) % offered.length);
      else if (event.key === 'Escape') close();
      else take(chosen);
      return true;
    },
  };
}
