import type { FieldJson, Json, OptionJson, Texts } from '../../form/form-json.js';
import { pointer, type LossReport } from '../../import/loss-report.js';
import { INPUT_TYPES, SURVEY_TYPE_OF_FIELD, SURVEY_TYPES } from '../../import/surveyjs/question-types.js';
import { expressionOf, type NamedField } from './expression.js';

export interface SurveyExport {
  readonly report: LossReport;
  readonly defaultLanguage: string;
  /** By field id. */
  readonly fields: ReadonlyMap<string, NamedField>;
}

/** A plain string when there is but the default language; nothing for no text. */
export function localized(key: string, texts: Texts | undefined, context: SurveyExport): Record<string, Json> {
  const { [context.defaultLanguage]: own, ...others } = texts ?? {};
  if (Object.keys(others).length === 0) return own === undefined ? {} : { [key]: own };
  return { [key]: own === undefined ? others : { default: own, ...others } };
}

/** `visibleIf` of a question or page; what is never shown is `visible: false`. */
export function visibility(rule: Json | undefined, path: string, context: SurveyExport): Record<string, Json> {
  return rule === false ? { visible: false } : expression('visibleIf', rule, `${path}/visibleIf`, context);
}

export function writeQuestion(field: FieldJson, path: string, context: SurveyExport): Record<string, Json> {
  const { report } = context;
  const { type: sourceType, ...kept } = field.properties ?? {};
  const choices: Record<string, Json> = {};
  const extras = new Map<string, Record<string, Json>>();
  const rest: Record<string, Json> = {};
  for (const [key, value] of Object.entries(kept)) {
    // The name is written from the context, where it is unique.
    if (key === 'name') continue;
    const [, option, member] = /^(?:choices|columns|rows|rateValues)\.([or]\d+)\.(.+)$/s.exec(key) ?? [];
    if (option === undefined || member === undefined) rest[key] = value;
    else extras.set(option, { ...extras.get(option), [member]: value });
  }
  const [type, inputType] = typeOf(field, sourceType, rest['inputType']);
  const write = (options: readonly OptionJson[] | undefined): Json[] =>
    (options ?? []).map((option) => ({
      ...extras.get(option.id),
      value: option.value ?? option.id,
      ...localized('text', option.label, context),
    }));
  if (field.type === 'matrix') {
    choices['columns'] = write(field.options);
    choices['rows'] = write(field.rows);
  } else if (field.options !== undefined)
    choices[field.type === 'rating' ? 'rateValues' : 'choices'] = write(field.options);
  if (field.type !== 'matrix' && field.rows !== undefined) report.add(`${path}/rows`, 'lost: only a matrix has rows');
  const isMeant = SURVEY_TYPES[type] === field.type || INPUT_TYPES[inputType ?? ''] === field.type;
  if (!isMeant && sourceType === undefined) report.add(`${path}/type`, `"${field.type}" became "${type}"`);
  const isRepeated = field.type === 'group' && field.repeat !== undefined;
  const children = field.fields?.map((child, i) => writeQuestion(child, `${path}/fields/${i}`, context));

  return {
    ...rest,
    type: isRepeated ? 'paneldynamic' : type,
    name: context.fields.get(field.id)?.name ?? field.id,
    ...(inputType !== undefined && { inputType }),
    ...localized('title', field.title, context),
    ...localized(type === 'html' ? 'html' : 'description', field.description, context),
    ...localized('placeholder', field.placeholder, context),
    ...(field.required && { isRequired: true }),
    ...(type === 'imagepicker' && field.type === 'choices' && { multiSelect: true }),
    ...choices,
    ...limitsOf(field, path, rest['validators'], report),
    ...(field.type === 'hidden' ? { visible: false } : visibility(field.visibleIf, path, context)),
    ...expression('requiredIf', field.requiredIf, `${path}/requiredIf`, context),
    ...expression('enableIf', field.enabledIf, `${path}/enabledIf`, context),
    ...expression('expression', field.calculate, `${path}/calculate`, context),
    ...(field.defaultValue !== undefined && { defaultValue: field.defaultValue }),
    ...(field.repeat?.min !== undefined && { minPanelCount: field.repeat.min }),
    ...(field.repeat?.max !== undefined && { maxPanelCount: field.repeat.max }),
    ...(children !== undefined && { [isRepeated ? 'templateElements' : 'elements']: children }),
  };
}

/** The type that it was imported from, as long as that still means the same. */
function typeOf(
  field: FieldJson,
  sourceType: Json | undefined,
  inputType: Json | undefined,
): readonly [string, string?] {
  const usual = SURVEY_TYPE_OF_FIELD[field.type];
  if (typeof sourceType !== 'string') return usual;
  if (sourceType === 'imagepicker' && (field.type === 'choice' || field.type === 'choices')) return ['imagepicker'];
  if (sourceType === 'text' && typeof inputType === 'string') {
    return INPUT_TYPES[inputType] === field.type ? ['text', inputType] : usual;
  }
  const meaning = (Object.hasOwn(SURVEY_TYPES, sourceType) && SURVEY_TYPES[sourceType]) || 'text';
  return meaning === field.type ? [sourceType] : usual;
}

function expression(key: string, rule: Json | undefined, path: string, context: SurveyExport): Record<string, Json> {
  if (rule === undefined) return {};
  const text = expressionOf(rule, context.fields);
  if (text !== undefined) return { [key]: text };
  context.report.add(path, 'lost: SurveyJS has no expression for it');
  return {};
}

function limitsOf(
  field: FieldJson,
  path: string,
  keptValidators: Json | undefined,
  report: LossReport,
): Record<string, Json> {
  const limits: Record<string, Json> = {};
  const validators: Json[] = [];
  const { accept, pattern, minLength, ...others } = field.validation;
  if (minLength !== undefined) validators.push({ type: 'text', minLength });
  if (pattern !== undefined) validators.push({ type: 'regex', regex: pattern });
  if (accept !== undefined) limits['acceptedTypes'] = accept.join(',');
  const names: Record<string, string> = {
    maxLength: 'maxLength',
    minItems: 'minSelectedChoices',
    maxItems: 'maxSelectedChoices',
    maxBytes: 'maxSize',
    min: field.type === 'rating' ? 'rateMin' : 'min',
    max: field.type === 'rating' ? 'rateMax' : 'max',
    step: field.type === 'rating' ? 'rateStep' : 'step',
  };
  for (const [member, limit] of Object.entries(others)) {
    const name = names[member];
    if (name === undefined) report.add(pointer(`${path}/validation`, member), 'lost: SurveyJS has no such limit');
    else if (limit !== undefined) limits[name] = limit;
  }
  if (Array.isArray(keptValidators)) validators.push(...keptValidators);
  if (validators.length > 0) limits['validators'] = validators;
  return limits;
}
