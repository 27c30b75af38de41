/** What the questions of one sheet share. */
import { createContext, useContext } from 'react';
import type { FormJson, Person, SubmissionHandle } from '../../client/index.js';
import type { Json } from '../../crdt/form/form-json.js';
import type { AnswerValues } from '../../crdt/submission/answer-sheet.js';
import type { AnswerIssue } from '../../crdt/submission/inspect-sheet.js';
import type { SheetState } from '../../crdt/submission/sheet-logic.js';
import type { SheetToken } from './sheet-token.js';

export interface SheetView {
  readonly form: FormJson;
  /** Of the form's texts. */
  readonly language: string;
  readonly answers: AnswerValues;
  readonly state: SheetState;
  /** Those that are shown: nobody is told of what they have not come to yet. */
  readonly issues: readonly AnswerIssue[];
  readonly upload: { readonly handle: SubmissionHandle; readonly token: SheetToken };
  /** Who else fills it in. */
  readonly others: readonly Person[];
  /** At the top of the sheet; null takes the answer away. */
  readonly answer: (fieldId: string, value: Json) => void;
  /** From now on its issues are shown. */
  readonly touch: (path: string) => void;
}

export const SheetContext = createContext<SheetView | undefined>(undefined);

export function useSheet(): SheetView {
  const sheet = useContext(SheetContext);
  if (sheet === undefined) throw new Error('This stands outside a sheet.');
  return sheet;
}
