/** Changes as the people who work on the form call what changed. */
import type { FieldJson, FormJson, Texts } from '../../crdt/form/form-json.js';
import { allFields } from '../../crdt/logic/evaluate.js';
import { textIn, type Wording } from '../app/language.js';
import type { WordKey } from '../words/index.js';
import type { ShownChange } from './change-list.js';
import { propertyName } from './property-name.js';

/** Names that only the form itself and its pages have; all else is named as with fields. */
const OF_FORM: Readonly<Record<string, WordKey>> = {
  title: 'titleOf',
  description: 'description',
  languages: 'languages',
  settings: 'formSettings',
};
const OF_PAGE: Readonly<Record<string, WordKey>> = { title: 'titleOf', description: 'description' };
const LISTS: Readonly<Record<string, WordKey>> = { options: 'option', rows: 'row', columns: 'column' };

/** @param forms that may know what is named: the one that stands now, and one in which it still stood */
export function nameChange<Change extends ShownChange>(
  change: Change,
  forms: readonly FormJson[],
  language: string,
  t: Wording['t'],
): Change {
  const [area, id = '', list, itemId] = change.target.split('/');
  const property = change.property ?? null;
  if (area === 'form') return { ...change, target: t('form'), property: named(OF_FORM, property, t) };
  if (area === 'pages') {
    const number = forms.map(({ pages }) => pages.findIndex((page) => page.id === id)).find((index) => index >= 0);
    const name = number === undefined ? t('page') : t('pageNumber', { number: number + 1 });
    return { ...change, target: name, property: named(OF_PAGE, property, t) };
  }
  if (area !== 'fields') return change;
  const field = forms.flatMap(fieldsOf).find((each) => each.id === id);
  const title = textIn(field?.title ?? titleOf(change), language) || t('question');
  if (list === undefined)
    return { ...change, target: title, property: property === null ? null : propertyName(t, property) };
  const items = list === 'rows' ? field?.rows : field?.options;
  const label = textIn(items?.find((item) => item.id === itemId)?.label, language);
  const word = LISTS[list];
  const item = [word === undefined ? list : t(word), label].filter(Boolean).join(' ');
  return { ...change, target: `${title} · ${item}`, property: property === null ? null : propertyName(t, property) };
}

const fieldsOf = ({ pages }: FormJson): FieldJson[] => pages.flatMap((page) => allFields(page.fields));

/** `title.fr` → "Title of the form (fr)" */
function named(names: Readonly<Record<string, WordKey>>, property: string | null, t: Wording['t']): string | null {
  if (property === null) return null;
  const [first = '', rest] = property.split('.');
  const word = names[first];
  if (word === undefined) return propertyName(t, property);
  return rest === undefined ? t(word) : `${t(word)} (${rest})`;
}

/** What was removed is told with what it was. */
function titleOf({ before, after }: ShownChange): Texts | undefined {
  for (const value of [before, after])
    if (typeof value === 'object' && value !== null && 'title' in value) return value.title as Texts;
  return undefined;
}
