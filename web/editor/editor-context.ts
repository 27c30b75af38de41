/** What the parts of the editor share. */
import { createContext, useContext } from 'react';
import type { FieldJson, FormHandle, FormJson, OperationInput, OwnPresence, Person } from '../../client/index.js';

export interface Editor {
  readonly handle: FormHandle;
  /** As it is now. */
  readonly form: FormJson;
  /** Of the texts that are being edited. */
  readonly language: string;
  readonly others: readonly Person[];
  /** Id of the field that is open. */
  readonly selected: string | null;
  readonly select: (fieldId: string | null) => void;
  readonly apply: (...operations: OperationInput[]) => void;
  /** Tells others where one is. */
  readonly show: (own: OwnPresence) => void;
  readonly openThreads: ReadonlyMap<string, number>;
}

export const EditorContext = createContext<Editor | undefined>(undefined);

export function useEditor(): Editor {
  const editor = useContext(EditorContext);
  if (editor === undefined) throw new Error('This stands outside an editor.');
  return editor;
}

export const hasOptions = ({ type }: FieldJson): boolean =>
  ['choice', 'choices', 'dropdown', 'ranking', 'matrix'].includes(type);
export const hasPlaceholder = ({ type }: FieldJson): boolean =>
  ['text', 'paragraph', 'email', 'phone', 'url', 'number', 'dropdown', 'address'].includes(type);
