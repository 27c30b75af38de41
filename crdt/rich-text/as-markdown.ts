import * as Y from 'yjs';
import { asText } from '../form/shape.js';
import { markdownOf } from './fragment.js';

/**
 * A text value of any tolerated kind as the JSON of a form has it; undefined when it is none. A rich text that says
 * nothing is none: it is made as soon as somebody puts the caret there.
 */
export function asMarkdown(value: unknown): string | undefined {
  if (!(value instanceof Y.XmlFragment)) return asText(value);
  const text = markdownOf(value);
  return text === '' ? undefined : text;
}
