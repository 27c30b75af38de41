import type { FieldJson, FieldType, Json, OptionJson, Texts, ValidationJson } from '../../form/form-json.js';
import { ElementIds } from '../element-ids.js';
import { MAX_GROUP_DEPTH, type ImportLimits } from '../import-limits.js';
import { pointer, type LossReport } from '../loss-report.js';
import { SourceObject } from '../source-object.js';
import { GC_ELEMENT_TYPES, GC_PARTS, GC_TEXT_TYPES, GC_TYPE_OF_FIELD } from './element-types.js';

/** What is known of a form while its elements are read. */
export interface GcContext {
  readonly ids: ElementIds;
  readonly limits: ImportLimits;
  readonly report: LossReport;
  /** By the element's id in the source; the first of two equal ones. */
  readonly fieldsByElement: Map<string, FieldJson>;
  /** Rules are read last, since they speak of elements further down. */
  readonly rules: { readonly field: FieldJson; readonly rules: readonly Json[]; readonly path: string }[];
}

const OPTION_TYPES: ReadonlySet<FieldType> = new Set(['choice', 'choices', 'dropdown']);

export const elementKey = (id: Json | undefined): string | undefined =>
  typeof id === 'string' || typeof id === 'number' ? String(id) : undefined;

/** `<name>En` and `<name>Fr` as texts; empty ones are none. */
export function bilingual(source: SourceObject, name: string): Texts {
  const texts: Texts = {};
  const en = source.string(`${name}En`);
  const fr = source.string(`${name}Fr`);
  if (en !== undefined && en !== '') texts['en'] = en;
  if (fr !== undefined && fr !== '') texts['fr'] = fr;
  return texts;
}

/** One element as a field; the children of a group that would be nested too deeply take its place. */
export function readElement(element: SourceObject, context: GcContext, depth: number): FieldJson[] {
  const { report } = context;
  context.limits.countElement(element.path);
  const sourceId = elementKey(element.use('id'));
  const sourceType = element.string('type') ?? '';
  const inner = element.object('properties') ?? new SourceObject({}, element.at('properties'));
  const validation = inner.object('validation') ?? new SourceObject({}, inner.at('validation'));
  const properties: Record<string, Json> = { elementType: sourceType.slice(0, 128) };
  const validationType = validation.string('type') ?? '';
  const type = fieldTypeOf(sourceType, validationType, inner, element, report);
  if (validationType !== '') {
    properties['validationType'] = validationType;
    if (type === 'text' && validationType !== 'text') {
      report.add(
        validation.at('type'),
        `kept as the property "validationType": "${validationType}" is not checked here`,
      );
    }
  }
  const id = context.ids.take(`f${sourceId ?? ''}`, 'f');
  if (sourceId === undefined) report.add(element.path, `the element has no id; its field is "${id}"`);
  else if (context.fieldsByElement.has(sourceId)) {
    report.add(element.at('id'), `the id occurs twice; rules speak of the first, this one is "${id}"`);
  }

  const field: FieldJson = {
    id,
    type,
    title: bilingual(inner, 'title'),
    description: bilingual(inner, 'description'),
    required: validation.boolean('required') ?? false,
    validation: {},
  };
  const placeholder = bilingual(inner, 'placeholder');
  if (Object.keys(placeholder).length > 0) field.placeholder = placeholder;
  if (sourceId !== undefined && !context.fieldsByElement.has(sourceId)) context.fieldsByElement.set(sourceId, field);
  if (OPTION_TYPES.has(type)) {
    const choices = inner.array('choices') ?? [];
    context.limits.countOptions(choices.length, inner.at('choices'));
    field.options = choices.map((choice, i) => readChoice(choice, i, pointer(inner.at('choices'), i), report));
  }
  field.validation = readValidation(type, inner, validation, field.options?.length ?? 0);
  const rules = inner.array('conditionalRules') ?? [];
  if (rules.length > 0) context.rules.push({ field, rules, path: inner.at('conditionalRules') });

  let children: FieldJson[] = [];
  if (type === 'group') {
    if (depth > MAX_GROUP_DEPTH) report.add(element.path, 'nested too deeply: its fields stand beside it');
    const parts = inner.array('subElements') ?? [];
    if (parts.length === 0 && GC_PARTS[sourceType] !== undefined) {
      properties['generated'] = true;
      children = partsOf(sourceType, field, element, context);
    } else {
      children = readElements(parts, inner.at('subElements'), context, depth + 1);
    }
    if (sourceType === 'dynamicRow') {
      const max = inner.count('maxNumberOfRows', 1) ?? validation.count('maxNumberOfRows', 1);
      field.repeat = max === undefined ? {} : { max };
    }
    field.fields = children;
  }
  element.keepRest(properties, report, 'element.');
  inner.keepRest(properties, report);
  validation.keepRest(properties, report, 'validation.');
  field.properties = properties;
  return type === 'group' && depth > MAX_GROUP_DEPTH ? children : [field];
}

function readElements(elements: readonly Json[], path: string, context: GcContext, depth: number): FieldJson[] {
  return elements.flatMap((item, i) => {
    const element = SourceObject.from(item, pointer(path, i));
    if (element !== undefined) return readElement(element, context, depth);
    context.report.add(pointer(path, i), 'left out: not an element');
    return [];
  });
}

function fieldTypeOf(
  sourceType: string,
  validationType: string,
  inner: SourceObject,
  element: SourceObject,
  report: LossReport,
): FieldType {
  const known = Object.hasOwn(GC_ELEMENT_TYPES, sourceType) ? GC_ELEMENT_TYPES[sourceType] : undefined;
  if (known === undefined) {
    report.add(element.at('type'), `there is no element type "${sourceType}" here: it became a text`);
    return 'text';
  }
  if (sourceType === 'departments' && (inner.peek('choices') ?? null) === null) {
    report.add(element.at('type'), 'the list of departments is not part of the form: it became a text');
    return 'text';
  }
  if (known === 'text' && Object.hasOwn(GC_TEXT_TYPES, validationType)) return GC_TEXT_TYPES[validationType] ?? known;
  if (GC_TYPE_OF_FIELD[known] !== sourceType && sourceType !== 'attestation' && GC_PARTS[sourceType] === undefined) {
    report.add(element.at('type'), `"${sourceType}" is shown as "${known}"`);
  }
  return known;
}

function readChoice(choice: Json, index: number, path: string, report: LossReport): OptionJson {
  const label: Texts = {};
  if (typeof choice === 'string') {
    if (choice !== '') label['en'] = choice;
    return { id: `o${index}`, label };
  }
  const source = SourceObject.from(choice, path);
  if (source === undefined) {
    report.add(path, 'lost: not a choice');
    return { id: `o${index}`, label };
  }
  for (const language of ['en', 'fr'] as const) {
    const text = source.string(language);
    if (text !== undefined && text !== '') label[language] = text;
  }
  source.loseRest(report);
  return { id: `o${index}`, label };
}

function readValidation(
  type: FieldType,
  inner: SourceObject,
  source: SourceObject,
  optionCount: number,
): ValidationJson {
  const validation: ValidationJson = {};
  const maxLength = source.count('maxLength', 1);
  const minLength = source.count('minLength', 1);
  if (maxLength !== undefined) validation.maxLength = maxLength;
  if (minLength !== undefined) validation.minLength = minLength;
  if (source.peek('all') === true && type === 'choices') {
    source.use('all');
    validation.minItems = optionCount;
  }
  if (type === 'number') {
    for (const [key, member] of [
      ['minValue', 'min'],
      ['maxValue', 'max'],
      ['min', 'min'],
      ['max', 'max'],
    ] as const) {
      const value = validation[member] === undefined ? (source.number(key) ?? inner.number(key)) : undefined;
      if (value !== undefined) validation[member] = value;
    }
    const step = inner.peek('stepCount');
    if (typeof step === 'number' && step > 0) validation.step = inner.number('stepCount');
  }
  if (type === 'file') {
    const accept = inner.peek('fileType');
    if (typeof accept === 'string' && accept !== '') {
      inner.use('fileType');
      validation.accept = [accept];
    }
    if (Array.isArray(accept) && accept.length > 0 && accept.every((kind) => typeof kind === 'string')) {
      validation.accept = inner.array('fileType')?.map(String);
    }
    const maxBytes = inner.count('maxFileSize', 1);
    if (maxBytes !== undefined) validation.maxBytes = maxBytes;
  }
  return Object.fromEntries(Object.entries(validation).filter(([, value]) => value !== undefined));
}

function partsOf(sourceType: string, group: FieldJson, element: SourceObject, context: GcContext): FieldJson[] {
  return (GC_PARTS[sourceType] ?? []).map((part) => {
    context.limits.countElement(element.path);
    return {
      id: context.ids.take(`${group.id}_${part.id}`, 'f'),
      type: part.type,
      title: { en: part.en, fr: part.fr },
      description: {},
      required: group.required && part.id !== 'middle',
      validation: {},
    };
  });
}
