/**
 * Any Yjs state at all as a valid form, the same for everybody who has the same state. What cannot stand has one outcome:
 *
 *   an id, language or key that is not allowed        left out
 *   a page or field that is not a Y.Map               left out
 *   an unknown field type                             `text`
 *   a missing or wrong position                       first, ordered by id
 *   equal positions                                   ordered by id
 *   a parent that is missing, no group, or in a cycle the field stands on its page
 *   a page that is missing                            the field stands at the end of the first page
 *   fields without any page                           a page `p1`
 *   groups nested deeper than 8                       the field stands on its page
 *   values that JSON or the schema does not have      left out
 *   no languages                                      those of the title, or `en`
 */
import * as Y from 'yjs';
import {
  MAX_GROUP_DEPTH,
  type FieldJson,
  type FormJson,
  type Json,
  type OptionJson,
  type PageJson,
  type Texts,
  type ValidationJson,
} from './form-json.js';
import { asMarkdown } from '../rich-text/as-markdown.js';
import { byPosition, type Positioned } from './position.js';
import {
  asJson,
  CHOICE_TYPES,
  isFieldType,
  isId,
  isJumps,
  isKey,
  isLanguage,
  isRepeat,
  isValidationEntry,
  JSON_MEMBERS,
  mapRoot,
  ROOTS,
} from './shape.js';

/** The page that fields without any page stand on. */
const FALLBACK_PAGE = 'p1';

interface Item extends Positioned {
  readonly map: Y.Map<unknown>;
}

/** Never throws. */
export function project(doc: Y.Doc, formId: string): FormJson {
  const meta = mapRoot(doc, ROOTS.meta);
  const pages = itemsOf(mapRoot(doc, ROOTS.pages));
  const fields = itemsOf(mapRoot(doc, ROOTS.fields));
  const title = textsOf(meta?.get('title'));
  const placement = placeFields(
    fields,
    pages.map((page) => page.id),
  );
  const shown: PageJson[] = pages.map((page) => projectPage(page, placement));
  if (shown.length === 0 && fields.length > 0) {
    shown.push({
      id: FALLBACK_PAGE,
      title: {},
      description: {},
      fields: childrenOf(placement, `page ${FALLBACK_PAGE}`),
    });
  }
  return {
    id: formId,
    title,
    description: textsOf(meta?.get('description')),
    languages: languagesOf(meta?.get('languages'), title),
    settings: jsonEntries(meta?.get('settings')) ?? {},
    pages: shown,
  };
}

function languagesOf(value: unknown, title: Texts): string[] {
  const listed = Array.isArray(value)
    ? value.filter((item): item is string => typeof item === 'string' && isLanguage(item))
    : [];
  if (listed.length > 0) return [...new Set(listed)];
  const found = Object.keys(title).sort();
  return found.length > 0 ? found : ['en'];
}

function itemsOf(container: Y.Map<unknown> | undefined): Item[] {
  const items: Item[] = [];
  if (container === undefined) return items;
  for (const [id, map] of container.entries()) {
    if (!isId(id) || !(map instanceof Y.Map)) continue;
    const position: unknown = map.get('position');
    items.push({ id, map: map as Y.Map<unknown>, position: typeof position === 'string' ? position : '' });
  }
  return items.sort(byPosition);
}

/** Children by place: `page <id>` or `field <id>`. */
type Placement = ReadonlyMap<string, readonly Item[]>;

function placeFields(fields: readonly Item[], pageIds: readonly string[]): Placement {
  const byId = new Map(fields.map((field) => [field.id, field]));
  const known = new Set(pageIds);
  const firstPage = pageIds[0] ?? FALLBACK_PAGE;
  const places = new Map<string, Item[]>();
  const strays: Item[] = [];
  const put = (place: string, field: Item): void => {
    const children = places.get(place);
    if (children === undefined) places.set(place, [field]);
    else children.push(field);
  };
  for (const field of fields) {
    const parent = validParent(field, byId);
    const page = field.map.get('page');
    if (parent !== undefined) put(`field ${parent}`, field);
    else if (typeof page === 'string' && known.has(page)) put(`page ${page}`, field);
    else strays.push(field);
  }
  for (const field of strays) put(`page ${firstPage}`, field);
  return places;
}

function validParent(field: Item, byId: ReadonlyMap<string, Item>): string | undefined {
  const seen = new Set([field.id]);
  let current = field;
  for (let depth = 0; ; depth++) {
    const parentId = current.map.get('parent');
    if (typeof parentId !== 'string') break;
    const parent = byId.get(parentId);
    if (parent === undefined || parent.map.get('type') !== 'group') {
      if (current === field) return undefined;
      break;
    }
    if (seen.has(parentId) || depth >= MAX_GROUP_DEPTH) return undefined;
    seen.add(parentId);
    current = parent;
  }
  return current === field ? undefined : (field.map.get('parent') as string);
}

function childrenOf(placement: Placement, place: string): FieldJson[] {
  return (placement.get(place) ?? []).map((field) => projectField(field, placement));
}

function projectPage({ id, map }: Item, placement: Placement): PageJson {
  const page: PageJson = {
    id,
    title: textsOf(map.get('title')),
    description: textsOf(map.get('description')),
    fields: childrenOf(placement, `page ${id}`),
  };
  const visibleIf = asJson(map.get('visibleIf'));
  if (visibleIf !== undefined) page.visibleIf = visibleIf;
  const jumps = asJson(map.get('jumps'));
  if (isJumps(jumps)) page.jumps = jumps;
  return page;
}

function projectField({ id, map }: Item, placement: Placement): FieldJson {
  const type = map.get('type');
  const field: FieldJson = {
    id,
    type: isFieldType(type) ? type : 'text',
    title: textsOf(map.get('title')),
    description: textsOf(map.get('description')),
    required: map.get('required') === true,
    validation: validationOf(map.get('validation')),
  };
  const placeholder = textsOf(map.get('placeholder'));
  if (Object.keys(placeholder).length > 0) field.placeholder = placeholder;
  const options = optionsOf(map.get('options'));
  if (options.length > 0 || CHOICE_TYPES.has(field.type)) field.options = options;
  const rows = optionsOf(map.get('rows'));
  if (rows.length > 0 || field.type === 'matrix') field.rows = rows;
  for (const member of JSON_MEMBERS) {
    const value = asJson(map.get(member));
    if (value !== undefined) field[member] = value;
  }
  const repeat = map.get('repeat');
  if (isRepeat(repeat)) field.repeat = { ...repeat };
  const properties = jsonEntries(map.get('properties'));
  if (properties !== undefined && Object.keys(properties).length > 0) field.properties = properties;
  if (field.type === 'group') field.fields = childrenOf(placement, `field ${id}`);
  return field;
}

function textsOf(value: unknown): Texts {
  const texts: Texts = {};
  if (!(value instanceof Y.Map)) return texts;
  for (const language of [...value.keys()].sort()) {
    const text = isLanguage(language) ? asMarkdown(value.get(language)) : undefined;
    if (text !== undefined) texts[language] = text;
  }
  return texts;
}

function validationOf(value: unknown): ValidationJson {
  const validation: Record<string, unknown> = {};
  if (!(value instanceof Y.Map)) return validation;
  for (const key of [...value.keys()].sort()) {
    const entry = asJson(value.get(key));
    if (isValidationEntry(key, entry)) validation[key] = entry;
  }
  return validation;
}

function optionsOf(value: unknown): OptionJson[] {
  if (!(value instanceof Y.Map)) return [];
  return itemsOf(value as Y.Map<unknown>).map(({ id, map }) => {
    const option: OptionJson = { id, label: textsOf(map.get('label')) };
    const stored = asJson(map.get('value'));
    if (typeof stored === 'string' || typeof stored === 'number' || typeof stored === 'boolean') option.value = stored;
    return option;
  });
}

function jsonEntries(value: unknown): Record<string, Json> | undefined {
  if (!(value instanceof Y.Map)) return undefined;
  const entries: Record<string, Json> = {};
  for (const key of [...value.keys()].sort()) {
    const json = isKey(key) ? asJson(value.get(key)) : undefined;
    if (json !== undefined) entries[key] = json;
  }
  return entries;
}
