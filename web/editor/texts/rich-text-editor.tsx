/** Tiptap on a Y.XmlFragment: everybody's edits merge, everybody's caret is seen with its name. */
import { Editor, Extension } from '@tiptap/core';
import type { Plugin } from '@tiptap/pm/state';
import StarterKit from '@tiptap/starter-kit';
import { yCursorPlugin, ySyncPlugin, ySyncPluginKey } from '@tiptap/y-tiptap';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import type * as Y from 'yjs';
import { textMarks } from '../../app/text-language.js';
import { colourOf } from '../../parts/avatar.js';
import { useEditor } from '../editor-context.js';
import { RichToolbar } from './rich-toolbar.js';

export interface RichTextEditorProps {
  readonly fragment: Y.XmlFragment;
  readonly target: string;
  readonly label: string;
  readonly language: string;
  readonly field: string | undefined;
  /** The caret was where the editor is now. */
  readonly hasFocus: boolean;
}

/** What the JSON of a form has a sign for is made while typing; anything else that stands in a text is kept. */
const RULES = ['heading', 'bulletList', 'orderedList', 'bold', 'italic', 'link'];

export default function RichTextEditor(props: RichTextEditorProps): ReactNode {
  const { fragment, target, label, language, field, hasFocus } = props;
  const { handle, undo, show } = useEditor();
  const place = useRef<HTMLDivElement>(null);
  const [editor, setEditor] = useState<Editor>();
  const first = useRef({ hasFocus });
  useEffect(() => {
    const { awareness } = handle.connection;
    undo.addTrackedOrigin(ySyncPluginKey);
    const Shared = Extension.create({
      name: 'shared',
      addProseMirrorPlugins: () => {
        const plugins: Plugin[] = [ySyncPlugin(fragment) as Plugin];
        if (awareness !== undefined) {
          const shown = { cursorBuilder: caretOf, selectionBuilder: selectionOf };
          plugins.push(yCursorPlugin(awareness, shown) as Plugin);
        }
        return plugins;
      },
      // The page undoes for all texts alike, and only one's own edits.
      addKeyboardShortcuts: () => ({
        'Mod-z': () => done(undo.undo()),
        'Mod-y': () => done(undo.redo()),
        'Mod-Shift-z': () => done(undo.redo()),
      }),
    });
    const made = new Editor({
      element: place.current,
      injectCSS: false,
      enableInputRules: RULES,
      enablePasteRules: RULES,
      extensions: [
        StarterKit.configure({
          undoRedo: false,
          trailingNode: false,
          dropcursor: false,
          gapcursor: false,
          heading: { levels: [1, 2, 3] },
          link: { openOnClick: false },
        }),
        Shared,
      ],
      editorProps: {
        attributes: {
          role: 'textbox',
          'aria-multiline': 'true',
          'aria-label': label,
          ...textMarks(language),
          class: 'rich',
          'data-hint': label,
          'data-target': target,
        },
      },
      // The caret is told by the cursor plugin; what the input before wanted to take back must not take this one.
      onFocus: () => show({ field: field ?? null, activity: 'viewing', cursor: undefined }),
      onBlur: () => show({ field: null, activity: 'viewing', cursor: null }),
      onUpdate: ({ transaction }) => {
        if (transaction.getMeta(ySyncPluginKey) === undefined) show({ activity: 'typing' });
      },
    });
    setEditor(made);
    if (first.current.hasFocus) made.commands.focus('end');
    return () => made.destroy();
  }, [handle, undo, show, fragment, target, label, language, field]);
  return (
    <div className="rich-input">
      <div ref={place} className="rich-place" />
      {editor !== undefined && <RichToolbar editor={editor} />}
    </div>
  );
}

/** The key was for us, whether or not there was anything to take back. */
const done = (undone: unknown): boolean => undone !== undefined;

interface CaretUser {
  readonly id?: unknown;
  readonly name?: unknown;
}
const idOf = ({ id, name }: CaretUser): string => (typeof id === 'string' ? id : typeof name === 'string' ? name : '');

function caretOf(user: CaretUser): HTMLElement {
  const caret = document.createElement('span');
  caret.className = `caret ${colourOf(idOf(user))}`;
  caret.dataset['caret'] = idOf(user);
  const name = document.createElement('span');
  name.className = 'caret-name';
  name.textContent = typeof user.name === 'string' ? user.name : idOf(user);
  caret.append(name);
  return caret;
}

const selectionOf = (user: CaretUser): { class: string } => ({ class: `caret-range ${colourOf(idOf(user))}` });
