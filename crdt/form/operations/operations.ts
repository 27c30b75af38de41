/**
 * Changes of a form as JSON: what PATCH and `FormHandle.apply` take.
 *
 * A target is `form`, `pages/<id>`, `fields/<id>` or `fields/<id>/options/<id>` (`…/rows/<id>` for rows of a matrix).
 * `after` is the id of the item before; null puts it first, absent last.
 */
import type { FieldInput, FieldJson, Json, OptionJson, PageInput, PageJson } from '../form-json.js';
import type { TextProperty } from './target.js';

/** `options` of a field, or `rows` of a matrix. */
export type OptionList = 'options' | 'rows';

interface SetProperty {
  op: 'setProperty';
  target: string;
  /** A property name, dotted when nested: `required`, `validation.min`, `title.en`. */
  path: string;
  /** null or absent removes what may be absent. */
  value?: Json | undefined;
}
interface SetText<Target> {
  op: 'setTitle' | 'setDescription';
  target: Target;
  language: string;
  value: string;
}
interface OfText {
  target: string;
  property: TextProperty;
  language: string;
  /** In UTF-16 units. */
  index: number;
}
interface InsertText extends OfText {
  op: 'insertText';
  text: string;
}
interface DeleteText extends OfText {
  op: 'deleteText';
  length: number;
}
interface InPlace {
  page?: string | undefined;
  /** Id of a group, instead of a page. */
  parent?: string | undefined;
  after?: string | null | undefined;
}
interface AddField<Field> extends InPlace {
  op: 'addField';
  field: Field;
}
interface MoveField extends InPlace {
  op: 'moveField';
  fieldId: string;
}
interface RemoveField {
  op: 'removeField';
  fieldId: string;
}
interface AddPage<Page> {
  op: 'addPage';
  after?: string | null | undefined;
  page: Page;
}
interface MovePage {
  op: 'movePage';
  pageId: string;
  after?: string | null | undefined;
}
interface RemovePage {
  op: 'removePage';
  pageId: string;
}
interface AddOption<List, Option> {
  op: 'addOption';
  fieldId: string;
  list: List;
  after?: string | null | undefined;
  option: Option;
}
interface MoveOption<List> {
  op: 'moveOption';
  fieldId: string;
  list: List;
  optionId: string;
  after?: string | null | undefined;
}
interface RemoveOption<List> {
  op: 'removeOption';
  fieldId: string;
  list: List;
  optionId: string;
}

type Fixed = SetProperty | InsertText | DeleteText | MoveField | RemoveField | MovePage | RemovePage;

/** Whole: nothing is left out that has a default. */
export type Operation =
  | Fixed
  | SetText<string>
  | AddField<FieldJson>
  | AddPage<PageJson>
  | AddOption<OptionList, OptionJson>
  | MoveOption<OptionList>
  | RemoveOption<OptionList>;

/** An id that may be left out is made up. */
type WithoutId<T extends { id: string }> = Omit<T, 'id'> & { id?: string | undefined };

/** As a caller may write it, with defaults left out. */
export type OperationInput =
  | Fixed
  | (Omit<SetText<string>, 'target'> & { /** Absent: `form`. */ target?: string | undefined })
  | AddField<WithoutId<FieldInput>>
  | AddPage<WithoutId<PageInput>>
  | WithList<AddOption<OptionList, WithoutId<OptionJson>>>
  | WithList<MoveOption<OptionList>>
  | WithList<RemoveOption<OptionList>>;
type WithList<T extends { list: OptionList }> = Omit<T, 'list'> & {
  /** Absent: `options`. */ list?: OptionList | undefined;
};

export interface OperationIssue {
  /** `operations/<index>` and the member. */
  readonly path: string;
  readonly message: string;
  readonly code: string;
}

/** Nothing was changed. */
export class OperationsRefusedError extends Error {
  readonly code = 'operations_refused';
  constructor(readonly issues: readonly OperationIssue[]) {
    super(issues.map((issue) => `${issue.path}: ${issue.message}`).join('; '));
    this.name = 'OperationsRefusedError';
  }
}

const ID_ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';

/** 16 characters of 36: 82 bits. */
export function newId(random: () => number = Math.random): string {
  return Array.from({ length: 16 }, () => ID_ALPHABET.charAt(Math.floor(random() * ID_ALPHABET.length))).join('');
}
