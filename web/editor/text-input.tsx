/** An input that is bound to a shared text: others' edits come in around the caret, which stays at its word. */
import { useLayoutEffect, useRef, type ReactNode } from 'react';
import type { TextProperty } from '../../client/index.js';
import { useEditor } from './editor-context.js';
import { editBetween, findText, moved } from './shared-text.js';

export interface TextInputProps {
  readonly target: string;
  readonly property: TextProperty;
  readonly label: string;
  readonly className?: string;
  readonly placeholder?: string;
  readonly isLong?: boolean;
  /** Shown to others as where one is. */
  readonly field?: string | undefined;
}

export function TextInput({
  target,
  property,
  label,
  className,
  placeholder,
  isLong,
  field,
}: TextInputProps): ReactNode {
  const { handle, language, show } = useEditor();
  const element = useRef<HTMLInputElement & HTMLTextAreaElement>(null);
  const isComposing = useRef(false);
  /** What the input and the shared text agreed on last. */
  const agreed = useRef('');

  const takeRemote = (): void => {
    const input = element.current;
    if (input === null || isComposing.current) return;
    const now = findText(handle.doc, target, property, language)?.toString() ?? '';
    agreed.current = now;
    if (input.value === now) return;
    const edit = editBetween(input.value, now);
    const { selectionStart, selectionEnd } = input;
    input.value = now;
    if (document.activeElement === input)
      input.setSelectionRange(moved(selectionStart, edit), moved(selectionEnd, edit));
  };
  // After each change of the form: the text may also be another one now (undo, or somebody was first).
  useLayoutEffect(takeRemote);

  const onInput = (): void => {
    const input = element.current;
    if (input === null || isComposing.current) return;
    const edit = editBetween(agreed.current, input.value, input.selectionStart);
    agreed.current = input.value;
    if (edit.deleted === 0 && edit.inserted === '') return;
    handle.doc.transact(() => {
      const text = handle.text(target, property, language);
      if (edit.deleted > 0) text.delete(edit.index, edit.deleted);
      if (edit.inserted !== '') text.insert(edit.index, edit.inserted);
    }, handle);
    show({ activity: 'typing' });
  };

  // A text area is as high as what it holds.
  const height =
    isLong === true ? (findText(handle.doc, target, property, language)?.toString().split('\n').length ?? 1) : 1;
  const shared = {
    ref: element,
    className: className ?? '',
    'aria-label': label,
    placeholder: placeholder ?? label,
    lang: language,
    'data-target': `${target}/${property}`,
    onInput,
    onFocus: () => show({ field: field ?? null, activity: 'viewing' }),
    onBlur: () => show({ field: null, activity: 'viewing' }),
    onCompositionStart: () => {
      isComposing.current = true;
    },
    onCompositionEnd: () => {
      isComposing.current = false;
      onInput();
      takeRemote();
    },
  };
  return isLong === true ? (
    <textarea rows={Math.min(8, Math.max(2, height))} {...shared} />
  ) : (
    <input type="text" {...shared} />
  );
}
