/** Properties of a form as people call them. */
import type { WordKey } from '../words/index.js';

const NAMES: Readonly<Record<string, WordKey>> = {
  title: 'question',
  description: 'description',
  placeholder: 'placeholder',
  label: 'label',
  required: 'required',
  type: 'typeOfField',
  options: 'options',
  rows: 'rows',
  validation: 'rules',
  'validation.minLength': 'limitMinLength',
  'validation.maxLength': 'limitMaxLength',
  'validation.pattern': 'limitPattern',
  'validation.min': 'limitMin',
  'validation.max': 'limitMax',
  'validation.step': 'limitStep',
  'validation.minItems': 'limitMinItems',
  'validation.maxItems': 'limitMaxItems',
  visibleIf: 'shownWhen',
  requiredIf: 'requiredWhen',
  enabledIf: 'enabledWhen',
};
const TEXTS = new Set(['title', 'description', 'placeholder', 'label']);

/** @param property dotted, such as `title.fr` */
export function propertyName(t: (key: WordKey) => string, property: string): string {
  const own = NAMES[property];
  if (own !== undefined) return t(own);
  const [first = '', language] = property.split('.');
  const name = NAMES[first];
  if (name === undefined) return property;
  return TEXTS.has(first) && language !== undefined ? `${t(name)} (${language})` : t(name);
}
