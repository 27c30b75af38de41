/** The shape of `shape.ts` as data: what may stand under which key. The guard and the inspection both walk it. */
import * as Y from 'yjs';
import {
  asJson,
  isFieldType,
  isId,
  isJumps,
  isKey,
  isLanguage,
  isRepeat,
  isValidationEntry,
  JSON_MEMBERS,
  ROOTS,
  SCHEMA_VERSION,
} from './shape.js';
import { CONFLICTS_ROOT, isEntry, isEntryKey } from '../conflicts/entry.js';
import { isLock, LOCKS_ROOT } from '../conflicts/locks.js';
import { isPolicy } from '../conflicts/policy.js';
import { isPosition } from './position.js';

export type Rule =
  /** A Y.Map with a rule for each key; a key without one is not allowed. */
  | { readonly kind: 'map'; child(key: string): Rule | undefined; readonly required: readonly string[] }
  /** A text in one language. */
  | { readonly kind: 'text' }
  /** A plain value. */
  | { readonly kind: 'value'; accepts(value: unknown): boolean };

const value = (accepts: (value: unknown) => boolean): Rule => ({ kind: 'value', accepts });
const json = value((given) => asJson(given) !== undefined);
const TEXT: Rule = { kind: 'text' };

function members(rules: Readonly<Record<string, Rule>>, required: readonly string[] = []): Rule {
  return { kind: 'map', required, child: (key) => (Object.hasOwn(rules, key) ? rules[key] : undefined) };
}

function entries(isAllowed: (key: string) => boolean, rule: Rule | ((key: string) => Rule)): Rule {
  const of = typeof rule === 'function' ? rule : (): Rule => rule;
  return { kind: 'map', required: [], child: (key) => (isAllowed(key) ? of(key) : undefined) };
}

const texts = entries(isLanguage, TEXT);
const position = value(isPosition);
const isOptionValue = (given: unknown): boolean =>
  typeof given === 'string' || typeof given === 'boolean' || (typeof given === 'number' && Number.isFinite(given));
const options = entries(isId, members({ position, label: texts, value: value(isOptionValue) }, ['position']));
const isIdText = (given: unknown): boolean => typeof given === 'string' && isId(given);
const isLanguages = (given: unknown): boolean =>
  Array.isArray(given) && given.length > 0 && given.every((item) => typeof item === 'string' && isLanguage(item));

const page = members({ position, title: texts, description: texts, visibleIf: json, jumps: value(isJumps) }, [
  'position',
]);
const field = members(
  {
    position,
    page: value(isIdText),
    parent: value(isIdText),
    type: value(isFieldType),
    title: texts,
    description: texts,
    placeholder: texts,
    required: value((given) => typeof given === 'boolean'),
    options,
    rows: options,
    validation: entries(isKey, (key) => value((given) => isValidationEntry(key, given))),
    properties: entries(isKey, json),
    repeat: value(isRepeat),
    ...Object.fromEntries(JSON_MEMBERS.map((member) => [member, json])),
  },
  ['position', 'type'],
);

/** By name of the root type; other roots are not the form's and are left alone. */
export const ROOT_RULES: Readonly<Record<string, Rule>> = {
  [ROOTS.meta]: members({
    // Only who knows a later version can have made a form of it.
    schemaVersion: value((given) => Number.isSafeInteger(given) && (given as number) <= SCHEMA_VERSION),
    languages: value(isLanguages),
    policy: value(isPolicy),
    title: texts,
    description: texts,
    settings: entries(isKey, json),
  }),
  [ROOTS.pages]: entries(isId, page),
  [ROOTS.fields]: entries(isId, field),
  [LOCKS_ROOT]: entries(isId, value(isLock)),
  [CONFLICTS_ROOT]: entries(isEntryKey, value(isEntry)),
};
export const ROOT_NAMES: readonly string[] = Object.keys(ROOT_RULES);

/** Of a property of a field, named from the field down; undefined for what a field does not have. */
export function fieldRule(path: readonly string[]): Rule | undefined {
  let rule: Rule | undefined = field;
  for (const name of path) rule = rule?.kind === 'map' ? rule.child(name) : undefined;
  return rule;
}

/** Whether what stands somewhere is what the rule allows, without looking into maps. */
export function fits(rule: Rule, given: unknown): boolean {
  switch (rule.kind) {
    case 'map':
      return given instanceof Y.Map;
    case 'text':
      return (
        typeof given === 'string' ||
        given instanceof Y.Text ||
        (given instanceof Y.XmlFragment && !(given instanceof Y.XmlElement))
      );
    case 'value':
      return !(given instanceof Y.AbstractType) && !(given instanceof Y.Doc) && rule.accepts(given);
  }
}

export interface ShapeIssue {
  /** Names from the root, joined by `/`. */
  readonly path: string;
  readonly message: string;
}

/** Everything in a document that the form's shape does not have; empty after every guarded change. */
export function inspectShape(doc: Y.Doc): ShapeIssue[] {
  const issues: ShapeIssue[] = [];
  for (const [name, rule] of Object.entries(ROOT_RULES)) inspect(doc.getMap(name), rule, name, issues);
  return issues;
}

function inspect(map: Y.Map<unknown>, rule: Rule, path: string, issues: ShapeIssue[]): void {
  if (rule.kind !== 'map') return;
  for (let item = map._start; item !== null; item = item.right) {
    if (!item.deleted) issues.push({ path, message: 'a map holds a list item' });
  }
  for (const [key, given] of map.entries()) {
    const child = rule.child(key);
    const childPath = `${path}/${key}`;
    if (child === undefined) issues.push({ path: childPath, message: 'this key is not part of a form' });
    else if (!fits(child, given)) issues.push({ path: childPath, message: 'this value is not allowed here' });
    else if (given instanceof Y.Map) inspect(given as Y.Map<unknown>, child, childPath, issues);
  }
}
