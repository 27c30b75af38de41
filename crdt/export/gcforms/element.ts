import type { FieldJson, FieldType, Json, Texts } from '../../form/form-json.js';
import { GC_ELEMENT_TYPES, GC_TEXT_TYPES, GC_TYPE_OF_FIELD } from '../../import/gcforms/element-types.js';
import { pointer, type LossReport } from '../../import/loss-report.js';
import { conditionalRules } from './logic.js';

export interface GcExport {
  readonly report: LossReport;
  /** Element ids by field id. */
  readonly elementIds: ReadonlyMap<string, number>;
  readonly fields: ReadonlyMap<string, FieldJson>;
}

/** `<name>En` and `<name>Fr`. Other languages have no place. */
export function bilingual(name: string, texts: Texts, path: string, report: LossReport): Record<string, Json> {
  for (const language of Object.keys(texts)) {
    if (language !== 'en' && language !== 'fr') {
      report.add(pointer(path, language), 'lost: GC Forms speaks English and French only');
    }
  }
  return { [`${name}En`]: texts['en'] ?? '', [`${name}Fr`]: texts['fr'] ?? '' };
}

/** A field as an element; nothing when GC Forms has none like it. */
export function writeElement(field: FieldJson, path: string, context: GcExport): Json[] {
  const { report } = context;
  const { elementType, validationType, generated, ...kept } = field.properties ?? {};
  const type = typeOf(field, elementType, validationType);
  const id = context.elementIds.get(field.id);
  if (type === undefined || id === undefined) {
    report.add(path, `left out: GC Forms has nothing like a field of type "${field.type}"`);
    return [];
  }
  reportLosses(field, type, path, context);
  const element: Record<string, Json> = {};
  const validation: Record<string, Json> = { required: field.required };
  const properties: Record<string, Json> = {
    ...bilingual('title', field.title, `${path}/title`, report),
    ...bilingual('description', field.description, `${path}/description`, report),
    ...bilingual('placeholder', field.placeholder ?? {}, `${path}/placeholder`, report),
  };
  for (const [key, value] of Object.entries(kept)) {
    if (key.startsWith('element.')) element[key.slice('element.'.length)] = value;
    else if (key.startsWith('validation.')) validation[key.slice('validation.'.length)] = value;
    else properties[key] = value;
  }
  const textType = textTypeOf(field.type, type, validationType);
  if (textType !== undefined) validation['type'] = textType;
  writeValidation(field, type, validation, properties, path, report);
  if (field.options !== undefined) {
    properties['choices'] = field.options.map((option, i) => {
      for (const language of Object.keys(option.label)) {
        if (language !== 'en' && language !== 'fr') {
          report.add(`${path}/options/${i}/label/${language}`, 'lost: GC Forms speaks English and French only');
        }
      }
      if (option.value !== undefined) report.add(`${path}/options/${i}/value`, 'lost: a choice is known by its place');
      return { en: option.label['en'] ?? '', fr: option.label['fr'] ?? '' };
    });
  }
  const rules = conditionalRules(field.visibleIf, context);
  if (rules === undefined) report.add(`${path}/visibleIf`, 'lost: GC Forms shows a question only for chosen options');
  else if (rules.length > 0) properties['conditionalRules'] = rules;
  if (field.fields !== undefined && generated !== true) {
    properties['subElements'] = field.fields.flatMap((child, i) => writeElement(child, `${path}/fields/${i}`, context));
  }
  if (field.repeat?.max !== undefined) properties['maxNumberOfRows'] = field.repeat.max;
  return [{ id, type, ...element, properties: { ...properties, validation } }];
}

/** The type that it was imported from, as long as that still means the same. */
function typeOf(field: FieldJson, elementType: Json | undefined, validationType: Json | undefined): string | undefined {
  if (typeof elementType !== 'string') return GC_TYPE_OF_FIELD[field.type];
  const base: FieldType = (Object.hasOwn(GC_ELEMENT_TYPES, elementType) && GC_ELEMENT_TYPES[elementType]) || 'text';
  const isTextOfThatType =
    base === 'text' &&
    (field.type === 'text' || (typeof validationType === 'string' && GC_TEXT_TYPES[validationType] === field.type));
  const isListless = elementType === 'departments' && field.type === 'text';
  return base === field.type || isTextOfThatType || isListless ? elementType : GC_TYPE_OF_FIELD[field.type];
}

function textTypeOf(fieldType: FieldType, type: string, validationType: Json | undefined): Json | undefined {
  const means = (name: Json): FieldType | undefined => (typeof name === 'string' ? GC_TEXT_TYPES[name] : undefined);
  if (validationType !== undefined && (type !== 'textField' || (means(validationType) ?? 'text') === fieldType)) {
    return validationType;
  }
  if (type !== 'textField') return undefined;
  return Object.keys(GC_TEXT_TYPES).find((name) => GC_TEXT_TYPES[name] === fieldType);
}

function writeValidation(
  field: FieldJson,
  type: string,
  validation: Record<string, Json>,
  properties: Record<string, Json>,
  path: string,
  report: LossReport,
): void {
  for (const [member, limit] of Object.entries(field.validation)) {
    const isNumber = field.type === 'number' && typeof limit === 'number';
    if (member === 'maxLength' || member === 'minLength') validation[member] = Number(limit);
    else if (member === 'minItems' && type === 'attestation') validation['all'] = true;
    else if (member === 'min' && isNumber) validation['minValue'] = limit;
    else if (member === 'max' && isNumber) validation['maxValue'] = limit;
    else if (member === 'step' && isNumber) properties['stepCount'] = limit;
    else if (member === 'accept' && Array.isArray(limit)) properties['fileType'] = limit;
    else if (member === 'maxBytes') properties['maxFileSize'] = Number(limit);
    else if (limit !== undefined) report.add(`${path}/validation/${member}`, 'lost: GC Forms has no such limit');
  }
}

function reportLosses(field: FieldJson, type: string, path: string, { report }: GcExport): void {
  const usual = Object.hasOwn(GC_ELEMENT_TYPES, type) ? GC_ELEMENT_TYPES[type] : 'text';
  if (usual !== field.type && !Object.values(GC_TEXT_TYPES).includes(field.type)) {
    report.add(`${path}/type`, `"${field.type}" became "${type}"`);
  }
  for (const member of ['requiredIf', 'enabledIf', 'calculate', 'defaultValue', 'rows'] as const) {
    if (field[member] !== undefined) report.add(pointer(path, member), 'lost: GC Forms has no such thing');
  }
  if (field.repeat?.min !== undefined) report.add(`${path}/repeat/min`, 'lost: GC Forms has no least number of rows');
  if (field.type === 'group' && field.repeat === undefined && type === 'dynamicRow') {
    report.add(path, 'the group can be filled several times there');
  }
}
