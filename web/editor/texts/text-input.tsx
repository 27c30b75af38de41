/** An input that is bound to a shared text: others' edits come in around the caret, which stays at its word. */
import { useCallback, useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore, type ReactNode } from 'react';
import type { TextProperty } from '../../../client/index.js';
import { textMarks } from '../../app/text-language.js';
import { useEditor } from '../editor-context.js';
import { CaretLayer } from './caret-layer.js';
import { caretIn } from './carets.js';
import { editBetween, findText, moved } from './shared-text.js';

export interface TextInputProps {
  readonly target: string;
  readonly property: TextProperty;
  readonly label: string;
  readonly className?: string;
  readonly placeholder?: string;
  /** Several lines. */
  readonly isLong?: boolean;
  /** One line, shown on as many as it needs. */
  readonly isWrapped?: boolean;
  /** Absent: the one that is being edited. */
  readonly language?: string;
  /** Shown to others as where one is. */
  readonly field?: string | undefined;
}

export function TextInput(props: TextInputProps): ReactNode {
  const { target, property, label, className, placeholder, isLong, isWrapped, field } = props;
  const { handle, language: edited, show, carets, isReadOnly } = useEditor();
  const language = props.language ?? edited;
  const element = useRef<HTMLInputElement & HTMLTextAreaElement>(null);
  const isComposing = useRef(false);
  /** What the input and the shared text agreed on last. */
  const agreed = useRef('');
  const [value, setValue] = useState('');
  const find = useCallback(
    () => findText(handle.doc, target, property, language),
    [handle, target, property, language],
  );
  const here = useSyncExternalStore(carets.subscribe, () => carets.at(find()));

  const takeRemote = useCallback((): void => {
    const input = element.current;
    if (input === null || isComposing.current) return;
    const now = find()?.toString() ?? '';
    agreed.current = now;
    setValue(now);
    if (input.value === now) return;
    const edit = editBetween(input.value, now);
    const { selectionStart, selectionEnd } = input;
    input.value = now;
    if (document.activeElement === input)
      input.setSelectionRange(moved(selectionStart, edit), moved(selectionEnd, edit));
  }, [find]);
  // After each change of the form: the text may also be another one now (undo, or somebody was first).
  useLayoutEffect(takeRemote);
  useEffect(() => handle.subscribe(takeRemote), [handle, takeRemote]);

  const showCaret = (): void => {
    const input = element.current;
    const text = find();
    if (input === null || document.activeElement !== input) return;
    const { selectionStart, selectionEnd, selectionDirection } = input;
    const [anchor, head] =
      selectionDirection === 'backward' ? [selectionEnd, selectionStart] : [selectionStart, selectionEnd];
    show({ cursor: text === undefined ? null : caretIn(text, anchor, head) });
  };
  const onInput = (): void => {
    const input = element.current;
    if (input === null || isComposing.current) return;
    if (isWrapped === true && input.value.includes('\n')) input.value = input.value.replaceAll('\n', ' ');
    const edit = editBetween(agreed.current, input.value, input.selectionStart);
    agreed.current = input.value;
    if (edit.deleted === 0 && edit.inserted === '') return;
    handle.doc.transact(() => {
      const text = handle.text(target, property, language);
      if (edit.deleted > 0) text.delete(edit.index, edit.deleted);
      if (edit.inserted !== '') text.insert(edit.index, edit.inserted);
    }, handle);
    show({ activity: 'typing' });
    showCaret();
  };

  const shared = {
    ref: element,
    className: className ?? '',
    'aria-label': label,
    placeholder: placeholder ?? label,
    ...textMarks(language),
    readOnly: isReadOnly,
    'data-target': `${target}/${property}`,
    onInput,
    onSelect: showCaret,
    onFocus: () => {
      show({ field: field ?? null, activity: 'viewing' });
      showCaret();
    },
    onBlur: () => show({ field: null, activity: 'viewing', cursor: null }),
    onCompositionStart: () => {
      isComposing.current = true;
    },
    onCompositionEnd: () => {
      isComposing.current = false;
      onInput();
      takeRemote();
    },
  };
  return (
    <span className={isLong === true ? 'text-input long' : 'text-input'}>
      {isLong === true || isWrapped === true ? (
        // A text area is as high as what it holds.
        <textarea
          rows={isWrapped === true ? 1 : Math.min(8, Math.max(2, value.split('\n').length))}
          onKeyDown={(event) => isWrapped === true && event.key === 'Enter' && event.preventDefault()}
          {...shared}
        />
      ) : (
        <input type="text" {...shared} />
      )}
      {here.length > 0 && <CaretLayer input={element} value={value} carets={here} />}
    </span>
  );
}
