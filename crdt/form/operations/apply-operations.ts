/**
 * Applies operations to a live form, all or none: they are carried out on the JSON first, and only a form that the
 * schema accepts is then reached in the document, by the fewest edits.
 */
import type * as Y from 'yjs';
import { completeForm, formIssues } from '../checks/form-check.js';
import type { FieldJson, FormJson, Json, OptionJson, PageJson, Texts } from '../form-json.js';
import { normalize } from '../guard/normalize.js';
import { OperationsRefusedError, type Operation, type OperationIssue } from './operations.js';
import { project } from '../project.js';
import { reimport, type ReimportOptions } from '../comparison/reimport.js';

/** @throws OperationsRefusedError, SchemaNewerError before anything is changed. */
export function applyOperations(
  doc: Y.Doc,
  formId: string,
  operations: readonly Operation[],
  options: Pick<ReimportOptions, 'random'> = {},
): { changes: number } {
  const from = project(doc, formId);
  return reimport(doc, afterOperations(from, operations), { ...options, from });
}

/** The form that the operations lead to. @throws OperationsRefusedError */
export function afterOperations(form: FormJson, operations: readonly Operation[]): FormJson {
  const draft = structuredClone(form);
  operations.forEach((operation, index) => {
    try {
      new Step(draft, index).apply(operation);
    } catch (error) {
      // Groups in groups until the stack ends: as wrong as any other value.
      if (error instanceof RangeError)
        throw new OperationsRefusedError([issue(index, '', 'too_deep', 'nested too deeply')]);
      throw error;
    }
    const wrong = formIssues(draft);
    if (wrong.length > 0) {
      throw new OperationsRefusedError(
        wrong.map(({ path, message }) => issue(index, '', 'invalid_value', `${path}: ${message}`)),
      );
    }
  });
  return normalize(completeForm(draft));
}

function issue(index: number, member: string, code: string, message: string): OperationIssue {
  return { path: member === '' ? `operations/${index}` : `operations/${index}/${member}`, code, message };
}

type Target = FormJson | PageJson | FieldJson | OptionJson;

const FIXED = new Set(['id', 'pages', 'fields', 'options', 'rows', '__proto__', 'constructor', 'prototype']);

class Step {
  constructor(
    private readonly form: FormJson,
    private readonly index: number,
  ) {}

  #refuse(member: string, code: string, message: string): never {
    throw new OperationsRefusedError([issue(this.index, member, code, message)]);
  }

  apply(operation: Operation): void {
    switch (operation.op) {
      case 'setProperty': {
        this.#setProperty(operation.target, operation.path, operation.value);
        return;
      }
      case 'setTitle': {
        this.#setText(operation.target, 'title', operation.language, () => operation.value);
        return;
      }
      case 'setDescription': {
        this.#setText(operation.target, 'description', operation.language, () => operation.value);
        return;
      }
      case 'insertText': {
        this.#setText(operation.target, operation.property, operation.language, (text) => {
          if (operation.index > text.length)
            this.#refuse('index', 'out_of_range', `the text has ${text.length} characters`);
          return text.slice(0, operation.index) + operation.text + text.slice(operation.index);
        });
        return;
      }
      case 'deleteText': {
        this.#setText(operation.target, operation.property, operation.language, (text) => {
          const end = operation.index + operation.length;
          if (end > text.length) this.#refuse('index', 'out_of_range', `the text has ${text.length} characters`);
          return text.slice(0, operation.index) + text.slice(end);
        });
        return;
      }
      case 'addField': {
        const field = operation.field;
        for (const { id } of [field, ...descendants(field)]) {
          if (this.#findField(id) !== undefined)
            this.#refuse('field/id', 'duplicate_id', `there is a field "${id}" already`);
        }
        this.#insert(this.#siblings(operation.page, operation.parent), field, operation.after, 'after');
        return;
      }
      case 'moveField': {
        const { siblings, field } = this.#fieldPlace(operation.fieldId, 'fieldId');
        const goal =
          operation.page === undefined && operation.parent === undefined
            ? siblings
            : this.#siblings(operation.page, operation.parent);
        if (operation.parent === field.id || descendants(field).some(({ id }) => id === operation.parent)) {
          this.#refuse('parent', 'cycle', 'a group cannot stand inside itself');
        }
        siblings.splice(siblings.indexOf(field), 1);
        this.#insert(goal, field, operation.after, 'after');
        return;
      }
      case 'removeField': {
        const { siblings, field } = this.#fieldPlace(operation.fieldId, 'fieldId');
        siblings.splice(siblings.indexOf(field), 1);
        return;
      }
      case 'addPage': {
        const page = operation.page;
        if (this.form.pages.some(({ id }) => id === page.id)) {
          this.#refuse('page/id', 'duplicate_id', `there is a page "${page.id}" already`);
        }
        this.#insert(this.form.pages, page, operation.after, 'after');
        return;
      }
      case 'movePage': {
        const page = this.#page(operation.pageId, 'pageId');
        this.form.pages.splice(this.form.pages.indexOf(page), 1);
        this.#insert(this.form.pages, page, operation.after, 'after');
        return;
      }
      case 'removePage': {
        const page = this.#page(operation.pageId, 'pageId');
        this.form.pages.splice(this.form.pages.indexOf(page), 1);
        return;
      }
      case 'addOption': {
        const options = this.#options(operation.fieldId, operation.list);
        const option = operation.option;
        if (options.some(({ id }) => id === option.id)) {
          this.#refuse('option/id', 'duplicate_id', `there is an option "${option.id}" already`);
        }
        this.#insert(options, option, operation.after, 'after');
        return;
      }
      case 'moveOption': {
        const { options, option } = this.#option(operation.fieldId, operation.list, operation.optionId);
        options.splice(options.indexOf(option), 1);
        this.#insert(options, option, operation.after, 'after');
        return;
      }
      case 'removeOption': {
        const { options, option } = this.#option(operation.fieldId, operation.list, operation.optionId);
        options.splice(options.indexOf(option), 1);
        return;
      }
    }
  }

  #insert<T extends { id: string }>(items: T[], item: T, after: string | null | undefined, member: string): void {
    if (after === null) items.unshift(item);
    else if (after === undefined) items.push(item);
    else {
      const at = items.findIndex(({ id }) => id === after);
      if (at === -1) this.#refuse(member, 'not_found', `"${after}" is not there to stand after`);
      items.splice(at + 1, 0, item);
    }
  }

  #page(id: string, member: string): PageJson {
    return (
      this.form.pages.find((page) => page.id === id) ?? this.#refuse(member, 'not_found', `there is no page "${id}"`)
    );
  }

  #siblings(page: string | undefined, parent: string | undefined): FieldJson[] {
    if (page !== undefined && parent !== undefined)
      this.#refuse('parent', 'ambiguous', 'either page or parent, not both');
    if (parent !== undefined) {
      const { field } = this.#fieldPlace(parent, 'parent');
      if (field.type !== 'group') this.#refuse('parent', 'no_group', `"${parent}" is not a group`);
      return (field.fields ??= []);
    }
    if (page === undefined) return this.#refuse('page', 'missing', 'a page or a parent is needed');
    return this.#page(page, 'page').fields;
  }

  #findField(id: string): { siblings: FieldJson[]; field: FieldJson } | undefined {
    const search = (siblings: FieldJson[]): { siblings: FieldJson[]; field: FieldJson } | undefined => {
      for (const field of siblings) {
        if (field.id === id) return { siblings, field };
        const inside = search(field.fields ?? []);
        if (inside !== undefined) return inside;
      }
      return undefined;
    };
    for (const page of this.form.pages) {
      const found = search(page.fields);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #fieldPlace(id: string, member: string): { siblings: FieldJson[]; field: FieldJson } {
    return this.#findField(id) ?? this.#refuse(member, 'not_found', `there is no field "${id}"`);
  }

  #options(fieldId: string, list: 'options' | 'rows'): OptionJson[] {
    const { field } = this.#fieldPlace(fieldId, 'fieldId');
    return (field[list] ??= []);
  }

  #option(fieldId: string, list: 'options' | 'rows', id: string): { options: OptionJson[]; option: OptionJson } {
    const options = this.#options(fieldId, list);
    const option = options.find((candidate) => candidate.id === id);
    return { options, option: option ?? this.#refuse('optionId', 'not_found', `there is no option "${id}"`) };
  }

  #target(target: string): Target {
    const [kind, id = '', list, optionId = ''] = target.split('/');
    if (kind === 'form') return this.form;
    if (kind === 'pages') return this.#page(id, 'target');
    const { field } = this.#fieldPlace(id, 'target');
    if (list !== 'options' && list !== 'rows') return field;
    const option = field[list]?.find((candidate) => candidate.id === optionId);
    return option ?? this.#refuse('target', 'not_found', `there is no option "${optionId}"`);
  }

  #setText(target: string, property: string, language: string, change: (text: string) => string): void {
    const item = this.#target(target) as unknown as Record<string, Texts | undefined>;
    const isOption = /\/(options|rows)\//.test(target);
    const allowed = isOption
      ? ['label']
      : target.startsWith('fields/')
        ? ['title', 'description', 'placeholder']
        : ['title', 'description'];
    // `setTitle` of an option means its label.
    const name = isOption && property === 'title' ? 'label' : property;
    if (!allowed.includes(name)) this.#refuse('property', 'unknown_property', `${target} has no text "${property}"`);
    const texts = { ...item[name] };
    texts[language] = change(texts[language] ?? '');
    item[name] = texts;
  }

  #setProperty(target: string, path: string, value: Json | undefined): void {
    const keys = path.split('.');
    const [first = '', ...rest] = keys;
    if (keys.some((key) => key === '') || FIXED.has(first) || rest.some((key) => FIXED.has(key) && key.includes('_'))) {
      this.#refuse('path', 'unknown_property', `"${path}" cannot be set`);
    }
    let container = this.#target(target) as unknown as Record<string, unknown>;
    for (const key of keys.slice(0, -1)) {
      const next = Object.hasOwn(container, key) ? container[key] : undefined;
      const copy: Record<string, unknown> =
        typeof next === 'object' && next !== null && !Array.isArray(next) ? { ...next } : {};
      container[key] = copy;
      container = copy;
    }
    const last = keys[keys.length - 1] ?? '';
    if (value !== undefined && value !== null) container[last] = value;
    else if (keys.length === 1 && last === 'required') container[last] = false;
    // With a default in the schema, absent means empty.
    else Reflect.deleteProperty(container, last);
  }
}

function descendants(field: FieldJson): FieldJson[] {
  return (field.fields ?? []).flatMap((child) => [child, ...descendants(child)]);
}
