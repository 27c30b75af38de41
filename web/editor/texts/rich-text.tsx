/**
 * A rich text of the form. It is shown as readers see it until somebody puts the caret there; then the text becomes a rich
 * one and an editor is bound to it. The editor's code is loaded meanwhile.
 */
import { lazy, Suspense, useState, useSyncExternalStore, type ReactNode } from 'react';
import * as Y from 'yjs';
import type { TextProperty } from '../../../client/index.js';
import { asMarkdown } from '../../../crdt/rich-text/as-markdown.js';
import { textMarks } from '../../app/text-language.js';
import { RichView } from '../../parts/rich-view.js';
import { useEditor } from '../editor-context.js';
import { findValue } from './shared-text.js';

const loadEditor = (): Promise<typeof import('./rich-text-editor.js')> => import('./rich-text-editor.js');
const RichTextEditor = lazy(loadEditor);
/** Once a form is open, the first click on a text should not wait for it. */
export const preloadRichTexts = (): void => void loadEditor();

export interface RichTextProps {
  readonly target: string;
  readonly property: TextProperty;
  readonly label: string;
  readonly language?: string;
  readonly field?: string | undefined;
}

export function RichText({ target, property, label, field, ...props }: RichTextProps): ReactNode {
  const { handle, language: edited, isReadOnly } = useEditor();
  const language = props.language ?? edited;
  const stored = useSyncExternalStore(handle.subscribe, () => findValue(handle.doc, target, property, language));
  const said = useSyncExternalStore(handle.subscribe, () => asMarkdown(stored) ?? '');
  const [isWanted, setWanted] = useState(false);
  const view = (
    <div
      className="rich-input"
      role="textbox"
      aria-multiline="true"
      aria-readonly={isReadOnly}
      aria-label={label}
      tabIndex={0}
      {...textMarks(language)}
      data-target={`${target}/${property}`}
      onFocus={() => {
        if (isReadOnly) return;
        handle.richText(target, property, language);
        setWanted(true);
      }}
    >
      {said === '' ? <span className="hint">{label}</span> : <RichView text={said} />}
    </div>
  );
  if (!(stored instanceof Y.XmlFragment) || isReadOnly) return view;
  return (
    <Suspense fallback={view}>
      <RichTextEditor
        key={`${target}/${property}/${language}`}
        fragment={stored}
        target={`${target}/${property}`}
        label={label}
        language={language}
        field={field}
        hasFocus={isWanted}
      />
    </Suspense>
  );
}
