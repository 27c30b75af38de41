/** One answer against its field: type, format, limits and options. Whether it is needed at all is not asked here. */
import type { FieldJson, Json } from '../form/form-json.js';
import { isDate, isDateTime, isEmail, isPhone, isTime, isWebAddress, momentOf } from './answer-formats.js';
import { matchPattern } from './pattern/match.js';

export const ISSUE_CODES = [
  'required',
  'type',
  'format',
  'minLength',
  'maxLength',
  'pattern',
  'min',
  'max',
  'step',
  'option',
  'duplicate',
  'minItems',
  'maxItems',
  'accept',
  'maxBytes',
  'unique',
] as const;
export type IssueCode = (typeof ISSUE_CODES)[number];

export interface AnswerFinding {
  readonly code: IssueCode;
  readonly message: string;
  /** Where in the value, such as a row of a matrix. */
  readonly at?: string;
}

/** True for what counts as no answer: nothing, blank text, an empty list or object. */
export function isBlank(value: Json | undefined): boolean {
  if (value === undefined || value === null) return true;
  if (typeof value === 'string') return value.trim() === '';
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && Object.values(value).every(isBlank);
}

/** Every finding about an answer that is not blank. Never throws. Groups are looked into by `inspect-sheet.ts`. */
export function checkAnswer(field: FieldJson, value: Json): AnswerFinding[] {
  switch (field.type) {
    case 'text':
    case 'paragraph':
      return checkText(field, value);
    case 'email':
      return checkText(field, value, isEmail, 'an email address, such as name@example.org');
    case 'phone':
      return checkText(field, value, isPhone, 'a telephone number');
    case 'url':
      return checkText(field, value, isWebAddress, 'a web address that begins with http:// or https://');
    case 'date':
      return checkMoment(field, value, isDate, 'a date, such as 2030-12-31');
    case 'time':
      return checkMoment(field, value, isTime, 'a time, such as 13:45');
    case 'datetime':
      return checkMoment(field, value, isDateTime, 'a date with time, such as 2030-12-31T13:45');
    case 'number':
    case 'rating':
    case 'scale':
      return (field.options ?? []).length > 0 ? checkOption(field, value) : checkNumber(field, value);
    case 'choice':
    case 'dropdown':
      return checkOption(field, value);
    case 'choices':
    case 'ranking':
      return checkOptions(field, value);
    case 'matrix':
      return checkMatrix(field, value);
    case 'boolean':
      return typeof value === 'boolean' ? [] : [wrongType('true or false')];
    case 'file':
      return checkFiles(field, value);
    case 'signature':
      return typeof value === 'string' ? checkBytes(field, value.length) : checkFiles(field, value);
    case 'address':
      return isText(value) || isTextRecord(value) ? [] : [wrongType('text, or an object of texts')];
    case 'group':
    case 'hidden':
    case 'statement':
    case 'calculated':
      return [];
  }
}

function checkText(field: FieldJson, value: Json, isFormat?: (text: string) => boolean, format = ''): AnswerFinding[] {
  if (!isText(value)) return [wrongType('text')];
  const { minLength, maxLength, pattern } = field.validation;
  const findings: AnswerFinding[] = [];
  // Characters as people count them, which is what JSON Schema counts too.
  const length = minLength === undefined && maxLength === undefined ? 0 : Array.from(value).length;
  if (minLength !== undefined && length < minLength)
    findings.push({ code: 'minLength', message: `must have at least ${minLength} characters` });
  if (maxLength !== undefined && length > maxLength)
    findings.push({ code: 'maxLength', message: `must have at most ${maxLength} characters` });
  if (isFormat?.(value) === false) findings.push({ code: 'format', message: `must be ${format}` });
  if (pattern === undefined) return findings;
  const verdict = matchPattern(pattern, value);
  if (verdict === 'no match') findings.push({ code: 'pattern', message: 'does not have the form that is asked for' });
  if (verdict === 'too costly') findings.push({ code: 'pattern', message: 'is too long to be checked' });
  return findings;
}

function checkNumber({ validation }: FieldJson, value: Json): AnswerFinding[] {
  if (typeof value !== 'number') return [wrongType('a number')];
  const { min, max, step } = validation;
  const findings: AnswerFinding[] = [];
  if (typeof min === 'number' && value < min) findings.push({ code: 'min', message: `must be at least ${min}` });
  if (typeof max === 'number' && value > max) findings.push({ code: 'max', message: `must be at most ${max}` });
  if (step !== undefined && !isOnStep(value, typeof min === 'number' ? min : 0, step))
    findings.push({
      code: 'step',
      message: `must be a multiple of ${step}${typeof min === 'number' ? ` from ${min}` : ''}`,
    });
  return findings;
}

/** As far as binary fractions can tell: 0.3 is a multiple of 0.1. */
function isOnStep(value: number, base: number, step: number): boolean {
  const steps = (value - base) / step;
  return Math.abs(steps - Math.round(steps)) <= 1e-9 * Math.max(1, Math.abs(steps));
}

function checkMoment(
  { validation }: FieldJson,
  value: Json,
  isFormat: (text: string) => boolean,
  format: string,
): AnswerFinding[] {
  if (!isText(value)) return [wrongType('text')];
  if (!isFormat(value)) return [{ code: 'format', message: `must be ${format}` }];
  const at = momentOf(value);
  const limit = (bound: number | string | undefined): number | undefined =>
    typeof bound === 'string' && isFormat(bound) ? momentOf(bound) : undefined;
  const { min, max } = validation;
  const [least, most] = [limit(min), limit(max)];
  const findings: AnswerFinding[] = [];
  if (least !== undefined && at < least) findings.push({ code: 'min', message: `must not be before ${min}` });
  if (most !== undefined && at > most) findings.push({ code: 'max', message: `must not be after ${max}` });
  return findings;
}

function checkOption(field: FieldJson, value: Json): AnswerFinding[] {
  if (value === null || typeof value === 'object') return [wrongType('one of the options')];
  return isOption(field, value) ? [] : [notAnOption()];
}

function checkOptions(field: FieldJson, value: Json): AnswerFinding[] {
  if (!Array.isArray(value)) return [wrongType('a list of options')];
  const findings = value.every((item) => isOption(field, item)) ? [] : [notAnOption()];
  if (new Set(value.map((item) => JSON.stringify(item))).size < value.length)
    findings.push({ code: 'duplicate', message: 'names an option twice' });
  return [...findings, ...checkCount(field, value.length)];
}

function checkMatrix(field: FieldJson, value: Json): AnswerFinding[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [wrongType('an object by row')];
  const rows = new Set((field.rows ?? []).map((row) => String(row.value ?? row.id)));
  return Object.entries(value).flatMap(([row, column]): AnswerFinding[] => {
    if (!rows.has(row)) return [{ code: 'option', message: 'is not one of the rows', at: row }];
    return column === null || isOption(field, column) ? [] : [{ ...notAnOption(), at: row }];
  });
}

function checkFiles(field: FieldJson, value: Json): AnswerFinding[] {
  if (!Array.isArray(value) || !value.every(isFile)) return [wrongType('a list of uploaded files')];
  const { accept = [] } = field.validation;
  const findings = value.flatMap((file) => {
    const isAccepted = accept.length === 0 || accept.some((pattern) => accepts(pattern, file));
    const wrong: AnswerFinding = { code: 'accept', message: `must be ${accept.join(' or ')}`, at: file.id };
    return [...(isAccepted ? [] : [wrong]), ...checkBytes(field, file.bytes)];
  });
  return [...findings, ...checkCount(field, value.length)];
}

export interface FileAnswer {
  readonly id: string;
  readonly name: string;
  /** MIME type. */
  readonly type: string;
  readonly bytes: number;
}

export function isFile(value: unknown): value is { id: string; name: string; type: string; bytes: number } {
  if (typeof value !== 'object' || value === null) return false;
  const { id, name, type, bytes } = value as Record<string, unknown>;
  return typeof id === 'string' && typeof name === 'string' && typeof type === 'string' && typeof bytes === 'number';
}

/** As HTML's `accept`: a MIME type, `image/*`, or an extension with its dot. */
export function accepts(pattern: string, { name, type }: Pick<FileAnswer, 'name' | 'type'>): boolean {
  const wanted = pattern.trim().toLowerCase();
  if (wanted.startsWith('.')) return name.toLowerCase().endsWith(wanted);
  const given = type.toLowerCase().split(';', 1)[0]?.trim() ?? '';
  return wanted === '*/*' || (wanted.endsWith('/*') ? given.startsWith(wanted.slice(0, -1)) : given === wanted);
}

function checkBytes({ validation: { maxBytes } }: FieldJson, bytes: number): AnswerFinding[] {
  if (maxBytes === undefined || bytes <= maxBytes) return [];
  return [{ code: 'maxBytes', message: `must have at most ${maxBytes} bytes` }];
}

function checkCount({ validation: { minItems, maxItems } }: FieldJson, count: number): AnswerFinding[] {
  if (minItems !== undefined && count < minItems)
    return [{ code: 'minItems', message: `must have at least ${minItems} items` }];
  if (maxItems !== undefined && count > maxItems)
    return [{ code: 'maxItems', message: `must have at most ${maxItems} items` }];
  return [];
}

/** Without options, whatever is one plain value: an importer may not have carried them over. */
function isOption(field: FieldJson, value: Json): boolean {
  const { options = [] } = field;
  if (options.length === 0) return value !== null && typeof value !== 'object';
  return options.some((option) => (option.value ?? option.id) === value);
}

const isText = (value: Json): value is string => typeof value === 'string';
const isTextRecord = (value: Json): boolean =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((part) => part === null || isText(part));
const wrongType = (wanted: string): AnswerFinding => ({ code: 'type', message: `must be ${wanted}` });
const notAnOption = (): AnswerFinding => ({ code: 'option', message: 'is not one of the options' });
