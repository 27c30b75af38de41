import type { FieldJson, Json, ValidationJson } from '../../form/form-json.js';
import { pointer } from '../loss-report.js';
import { isObject, SourceObject } from '../source-object.js';
import type { SurveyContext } from './survey-context.js';

const MAX_PATTERN_LENGTH = 1000;

/** Limits of a question and its validators. A validator that has no counterpart stays in `properties.validators`. */
export function readValidation(
  source: SourceObject,
  field: FieldJson,
  context: SurveyContext,
  kept: Record<string, Json>,
): void {
  const validation = field.validation;
  const copyCount = (key: string, member: 'minLength' | 'maxLength' | 'minItems' | 'maxItems' | 'maxBytes'): void => {
    // -1 and 0 mean "no limit" there.
    if (source.peek(key) === -1 || source.peek(key) === 0) source.use(key);
    const count = source.count(key, 1);
    if (count !== undefined) validation[member] = count;
  };
  copyCount('maxLength', 'maxLength');
  copyCount('minLength', 'minLength');
  copyCount('minSelectedChoices', 'minItems');
  copyCount('maxSelectedChoices', 'maxItems');
  for (const member of ['min', 'max'] as const) {
    // A rating has `rateMin` and `rateMax` instead.
    if (field.type === 'rating') break;
    const limit = source.peek(member);
    if (typeof limit === 'number' || (typeof limit === 'string' && limit !== '')) {
      source.use(member);
      validation[member] = limit;
    }
  }
  const step = source.peek('step');
  if (typeof step === 'number' && step > 0) {
    source.use('step');
    validation.step = step;
  }
  if (field.type === 'file') {
    copyCount('maxSize', 'maxBytes');
    const accept = source.peek('acceptedTypes');
    if (typeof accept === 'string' && accept.trim() !== '') {
      source.use('acceptedTypes');
      validation.accept = accept.split(',').map((kind) => kind.trim()).filter((kind) => kind !== ''); // prettier-ignore
    }
  }
  if (field.type === 'rating') readRating(source, validation);
  const validators = source.array('validators') ?? [];
  const left = validators.filter((item, i) => {
    const path = pointer(source.at('validators'), i);
    if (isObject(item) && applyValidator(new SourceObject(item, path), field)) return false;
    context.report.add(path, 'kept in the property "validators", without effect');
    return true;
  });
  if (left.length > 0) kept['validators'] = left;
}

function readRating(source: SourceObject, validation: ValidationJson): void {
  const rates = source.array('rateValues');
  // Its values are options then, which the caller reads.
  if (rates !== undefined && rates.length > 0) return;
  const min = source.number('rateMin') ?? 1;
  const step = source.peek('rateStep');
  const count = source.count('rateCount', 1);
  validation.min = min;
  if (typeof step === 'number' && step > 0) {
    source.use('rateStep');
    validation.step = step;
  }
  validation.max = source.number('rateMax') ?? (count === undefined ? 5 : min + (count - 1) * (validation.step ?? 1));
}

/** @returns whether the validator is expressed in full */
function applyValidator(validator: SourceObject, field: FieldJson): boolean {
  const members = new Set(Object.keys(validator.value).filter((key) => key !== 'type'));
  const only = (...names: string[]): boolean => [...members].every((name) => names.includes(name));
  const { validation } = field;
  const setCounts = (
    min: string,
    max: string,
    low: 'minLength' | 'minItems',
    high: 'maxLength' | 'maxItems',
  ): boolean => {
    const counts = [min, max].map((key) => (validator.has(key) ? validator.count(key) : undefined));
    if (!only(min, max) || [min, max].some((key, i) => validator.has(key) && counts[i] === undefined)) return false;
    const [least, most] = counts;
    if (least !== undefined && validation[low] !== undefined) return false;
    if (most !== undefined && validation[high] !== undefined) return false;
    if (least !== undefined && least > 0) validation[low] = least;
    if (most !== undefined && most > 0) validation[high] = most;
    return true;
  };
  switch (validator.peek('type')) {
    case 'numeric':
    case 'numericvalidator': {
      const [min, max] = [validator.number('minValue'), validator.number('maxValue')];
      if (!only('minValue', 'maxValue') || members.size !== [min, max].filter((limit) => limit !== undefined).length) {
        return false;
      }
      // A limit of the question itself would be overwritten.
      if (validation.min !== undefined || validation.max !== undefined) return false;
      // Without limits it only asks for a number, which a text field does not.
      if (field.type === 'text') field.type = 'number';
      if (min !== undefined) validation.min = min;
      if (max !== undefined) validation.max = max;
      return true;
    }
    case 'text':
      return setCounts('minLength', 'maxLength', 'minLength', 'maxLength');
    case 'answercount':
      return setCounts('minCount', 'maxCount', 'minItems', 'maxItems');
    case 'regex': {
      const pattern = validator.peek('regex');
      if (typeof pattern !== 'string' || pattern === '' || pattern.length > MAX_PATTERN_LENGTH || !only('regex'))
        return false;
      if (validation.pattern !== undefined) return false;
      validation.pattern = pattern;
      return true;
    }
    case 'email':
      if (members.size > 0 || (field.type !== 'text' && field.type !== 'email')) return false;
      field.type = 'email';
      return true;
    default:
      return false;
  }
}
