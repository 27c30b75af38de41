/** A text of a form, marked as being in another language where it is not there in the one asked for. */
import type { ReactNode } from 'react';
import type { Texts } from '../../crdt/form/form-json.js';
import { languageIn, textIn } from '../app/language.js';
import { textMarks } from '../app/text-language.js';

export interface FormTextProps {
  readonly texts: Texts | undefined;
  /** That of the element around it. */
  readonly language: string;
  /** Where there is none in any language. */
  readonly otherwise?: ReactNode;
}

export function FormText({ texts, language, otherwise = null }: FormTextProps): ReactNode {
  const text = textIn(texts, language);
  if (text === '') return otherwise;
  const found = languageIn(texts, language);
  return found === language ? text : <bdi {...textMarks(found)}>{text}</bdi>;
}
