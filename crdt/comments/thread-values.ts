/** What single values of a thread may be. The schemas of `thread-schema.ts` say the same; a property test compares them. */
import { isId, isLanguage, isObject } from '../form/form-values.js';
import { TEXT_PROPERTIES, type TextProperty } from '../form/operations/target.js';
import type { StoredAnchor } from './thread-json.js';

/** What a text belongs to that somebody comments on. */
export const TEXT_TARGET =
  /^(form|pages\/[A-Za-z0-9_-]{1,64}|fields\/[A-Za-z0-9_-]{1,64}(\/options\/[A-Za-z0-9_-]{1,64})?)$/;
export const MAX_USER_TEXT = 128;
export const MAX_STORED_TEXT = 1_000;
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** A name or id without characters that nobody sees. */
export const isPrintable = (text: string): boolean => !CONTROL.test(text) && text.isWellFormed();

/** Id or name of a person, as tokens carry it. */
export const isUserText = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= MAX_USER_TEXT && isPrintable(value);

const isShort = (value: unknown): value is string => typeof value === 'string' && value.length <= MAX_STORED_TEXT;
const isProperty = (value: unknown): value is TextProperty => TEXT_PROPERTIES.some((name) => name === value);

/** Undefined when it is none. Members that no anchor has are left out. */
export function asAnchor(value: unknown): StoredAnchor | undefined {
  if (!isObject(value)) return undefined;
  const { type, fieldId, optionId, target, property, language, from, to, quote } = value;
  switch (type) {
    case 'form':
      return { type };
    case 'field':
      return isId(fieldId) ? { type, fieldId } : undefined;
    case 'option':
      return isId(fieldId) && isId(optionId) ? { type, fieldId, optionId } : undefined;
    case 'text':
      if (typeof target !== 'string' || !TEXT_TARGET.test(target) || !isProperty(property)) return undefined;
      if (!isLanguage(language) || !isShort(from) || !isShort(to) || !isShort(quote)) return undefined;
      return { type, target, property, language, from, to, quote };
    default:
      return undefined;
  }
}
