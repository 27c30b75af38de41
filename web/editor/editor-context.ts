/** What the parts of the editor share. It is the same object from edit to edit: what changes is told by hooks of its own. */
import { createContext, useContext, useSyncExternalStore } from 'react';
import type * as Y from 'yjs';
import type {
  CommentsHandle,
  FieldJson,
  FormHandle,
  FormJson,
  OperationInput,
  OwnPresence,
  Person,
} from '../../client/index.js';
import type { StoredThread } from '../../crdt/comments/thread-json.js';
import type { Gathered } from './gathered.js';
import type { Carets } from './texts/carets.js';

export interface Editor {
  readonly handle: FormHandle;
  readonly comments: CommentsHandle;
  readonly undo: Y.UndoManager;
  readonly carets: Carets;
  /** Tells when others have come, gone or done something. */
  readonly others: Gathered;
  /** Of the texts that are being edited. */
  readonly language: string;
  /** The server takes no edits from this reader. */
  readonly isReadOnly: boolean;
  readonly canComment: boolean;
  readonly select: (fieldId: string | null) => void;
  /** Shows it at once. @returns false when it was refused; the page says why */
  readonly apply: (...operations: OperationInput[]) => boolean;
  /** Tells others where one is. */
  readonly show: (own: OwnPresence) => void;
  /** To those who listen to the page. */
  readonly announce: (text: string) => void;
}

export const EditorContext = createContext<Editor | undefined>(undefined);
export const FormContext = createContext<FormJson | undefined>(undefined);
/** Id of the field that is open. */
export const SelectionContext = createContext<string | null>(null);

export function useEditor(): Editor {
  return required(useContext(EditorContext));
}

/** As it is now. Parts that did not change are the same objects. */
export function useFormNow(): FormJson {
  return required(useContext(FormContext));
}

export const useSelected = (): string | null => useContext(SelectionContext);

const NOBODY: readonly Person[] = [];

export function useOthers(): readonly Person[] {
  const { handle, others } = useEditor();
  return useSyncExternalStore(others.subscribe, () => handle.presence?.others ?? NOBODY);
}

export function useThreadsNow(): readonly StoredThread[] {
  const { comments } = useEditor();
  return useSyncExternalStore(comments.subscribe, () => comments.threads);
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('This stands outside an editor.');
  return value;
}

export const hasOptions = ({ type }: FieldJson): boolean =>
  ['choice', 'choices', 'dropdown', 'ranking', 'matrix'].includes(type);
export const hasPlaceholder = ({ type }: FieldJson): boolean =>
  ['text', 'paragraph', 'email', 'phone', 'url', 'number', 'dropdown', 'address'].includes(type);
export const isAnswered = ({ type }: FieldJson): boolean =>
  !['statement', 'calculated', 'group', 'hidden'].includes(type);
