/** Marks and blocks of a rich text, while the caret is in it. */
import type { Editor } from '@tiptap/core';
import { useEffect, useState, type ReactNode } from 'react';
import { useWording } from '../../app/language.js';
import type { WordKey } from '../../words/index.js';

interface Tool {
  readonly word: WordKey;
  readonly sign: string;
  readonly isOn: (editor: Editor) => boolean;
  readonly toggle: (editor: Editor) => void;
}

const TOOLS: readonly Tool[] = [
  {
    word: 'bold',
    sign: 'B',
    isOn: (editor) => editor.isActive('bold'),
    toggle: (editor) => editor.chain().focus().toggleBold().run(),
  },
  {
    word: 'italic',
    sign: 'I',
    isOn: (editor) => editor.isActive('italic'),
    toggle: (editor) => editor.chain().focus().toggleItalic().run(),
  },
  {
    word: 'heading',
    sign: 'H',
    isOn: (editor) => editor.isActive('heading'),
    toggle: (editor) => editor.chain().focus().toggleHeading({ level: 2 }).run(),
  },
  {
    word: 'bulletList',
    sign: '•',
    isOn: (editor) => editor.isActive('bulletList'),
    toggle: (editor) => editor.chain().focus().toggleBulletList().run(),
  },
  {
    word: 'orderedList',
    sign: '1.',
    isOn: (editor) => editor.isActive('orderedList'),
    toggle: (editor) => editor.chain().focus().toggleOrderedList().run(),
  },
];

export function RichToolbar({ editor }: { readonly editor: Editor }): ReactNode {
  const { t } = useWording();
  const [, setRound] = useState(0);
  const [address, setAddress] = useState<string>();
  useEffect(() => {
    const render = (): void => setRound((round) => round + 1);
    editor.on('selectionUpdate', render);
    editor.on('transaction', render);
    return () => {
      editor.off('selectionUpdate', render);
      editor.off('transaction', render);
    };
  }, [editor]);
  if (editor.isDestroyed) return null;
  const setLink = (): void => {
    const href = address?.trim() ?? '';
    const chain = editor.chain().focus().extendMarkRange('link');
    if (href === '') chain.unsetLink().run();
    else chain.setLink({ href: /^[a-z]+:|^\//i.test(href) ? href : `https://${href}` }).run();
    setAddress(undefined);
  };
  return (
    // A press on a tool leaves the caret where it is.
    <div className="rich-tools" role="toolbar" aria-label={t('format')}>
      {TOOLS.map(({ word, sign, isOn, toggle }) => (
        <button
          key={word}
          type="button"
          className={`tool ${word}`}
          aria-label={t(word)}
          aria-pressed={isOn(editor)}
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => toggle(editor)}
        >
          <span aria-hidden="true" data-sign={sign} />
        </button>
      ))}
      <button
        type="button"
        className="tool"
        aria-label={t('link')}
        aria-pressed={editor.isActive('link')}
        aria-expanded={address !== undefined}
        onMouseDown={(event) => event.preventDefault()}
        onClick={() =>
          setAddress(address === undefined ? String(editor.getAttributes('link')['href'] ?? '') : undefined)
        }
      >
        <svg viewBox="0 0 20 20" width="17" height="17" aria-hidden="true">
          <path
            d="M8 12l4-4M9 6l1.6-1.6a3.2 3.2 0 0 1 4.6 4.6L13.6 10.6M11 14l-1.6 1.6a3.2 3.2 0 0 1-4.6-4.6L6.4 9.4"
            fill="none"
            stroke="currentColor"
            strokeWidth="1.7"
            strokeLinecap="round"
          />
        </svg>
      </button>
      {address !== undefined && (
        <input
          className="link-address"
          autoFocus
          aria-label={t('linkAddress')}
          placeholder="https://"
          value={address}
          onChange={(event) => setAddress(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter') setLink();
            if (event.key === 'Escape') {
              setAddress(undefined);
              editor.commands.focus();
            }
          }}
          onBlur={() => setAddress(undefined)}
        />
      )}
    </div>
  );
}
