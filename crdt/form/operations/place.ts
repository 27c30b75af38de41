/** Where a shared type stands in a form, and how people name that. */
import type * as Y from 'yjs';
import type { AnyType } from '../guard/before.js';
import { ROOT_NAMES, ROOT_RULES, type Rule } from '../rules.js';

/** Names from the root, and the rule for it. */
export interface Place {
  readonly path: readonly string[];
  readonly rule: Rule;
  readonly type: AnyType;
}

/** The place of a type, or of the text that it is part of; undefined outside the form. */
export function locate(doc: Y.Doc, type: AnyType): Place | undefined {
  const steps: { key: string | null; type: AnyType }[] = [];
  let current = type;
  for (let item = current._item; item !== null; item = current._item) {
    steps.unshift({ key: item.parentSub, type: current });
    current = item.parent as AnyType;
  }
  const name = rootName(doc, current);
  let rule = name === undefined ? undefined : ROOT_RULES[name];
  if (name === undefined || rule === undefined) return undefined;
  const path = [name];
  let place: Place = { path: [...path], rule, type: doc.getMap(name) as AnyType };
  for (const step of steps) {
    // Below a text is rich text: it belongs to the text.
    if (rule.kind !== 'map') return place;
    if (step.key === null) return undefined;
    const child = rule.child(step.key);
    if (child === undefined) return undefined;
    path.push(step.key);
    rule = child;
    place = { path: [...path], rule, type: step.type };
  }
  return place;
}

/**
 * Yjs reports a root that nobody had asked for before this transaction by the object that stood for it until then; its
 * map of entries is the one that the root has now.
 */
function rootName(doc: Y.Doc, type: AnyType): string | undefined {
  for (const name of ROOT_NAMES) if (doc.share.get(name)?._map === type._map) return name;
  return undefined;
}

const TEXT_MEMBERS = new Set(['title', 'description', 'placeholder', 'label']);

/** What a writer is limited to; to nothing where a member is absent. */
export interface EditScope {
  /** Targets with what is below them, or single properties: `fields/name`, `fields/name/title`, `pages/`. */
  readonly paths?: readonly string[];
  /** Texts in them. */
  readonly languages?: readonly string[];
}

/** @param property dotted, such as `title.en`; empty when the whole target comes, goes or moves */
export function isInScope(target: string, property: string, { paths, languages }: EditScope): boolean {
  const names = property === '' ? [] : property.split('.');
  if (languages !== undefined && !isTextIn(names, languages)) return false;
  if (paths === undefined) return true;
  const own = [target, ...names].join('/');
  return paths.some((path) => own === path || own.startsWith(path.endsWith('/') ? path : `${path}/`));
}

function isTextIn(names: readonly string[], languages: readonly string[]): boolean {
  const [member = '', language = ''] = names.slice(-2);
  return names.length >= 2 && TEXT_MEMBERS.has(member) && languages.includes(language);
}

export function targetOf([root = '', id, list, optionId]: readonly string[]): string {
  if (root === 'meta' || id === undefined) return 'form';
  const isOption = (list === 'options' || list === 'rows') && optionId !== undefined;
  return isOption ? `${root}/${id}/${list}/${optionId}` : `${root}/${id}`;
}

export function propertyOf(path: readonly string[]): string {
  const depth = path[0] === 'meta' ? 1 : targetOf(path).split('/').length;
  return path.slice(depth).join('.');
}
