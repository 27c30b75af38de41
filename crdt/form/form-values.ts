/** What single values of a form may be. The schemas of `form-schema.ts` say the same; a property test compares them. */
import { FIELD_TYPES, type FieldType, type JumpJson } from './form-json.js';
import { asJson, isUnsafeKey } from './json-value.js';

export const ID = /^[A-Za-z0-9_-]{1,64}$/;
export const ID_RULE = 'an id is 1 to 64 of A-Z a-z 0-9 _ -';
export const LANGUAGE = /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/;
export const LANGUAGE_RULE = 'a language tag such as en or fr-CA';
export const MAX_PATTERN_LENGTH = 1_000;

export const isId = (value: unknown): value is string =>
  typeof value === 'string' && ID.test(value) && !isUnsafeKey(value);

export const isLanguage = (value: unknown): value is string => typeof value === 'string' && LANGUAGE.test(value);

/** Half a surrogate pair would become another character on its way to other replicas. */
export const isText = (value: unknown): value is string => typeof value === 'string' && value.isWellFormed();

const FIELD_TYPE_SET: ReadonlySet<unknown> = new Set(FIELD_TYPES);
export const isFieldType = (value: unknown): value is FieldType => FIELD_TYPE_SET.has(value);

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isPositiveCount = (value: unknown): boolean => isCount(value) && value !== 0;
const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean';
const isLimit = (value: unknown): boolean => isNumber(value) || isText(value);

export const isOptionValue = (value: unknown): value is string | number | boolean =>
  isText(value) || isNumber(value) || isBoolean(value);

const VALIDATION: ReadonlyMap<string, (value: unknown) => boolean> = new Map([
  ['minLength', isCount],
  ['maxLength', isCount],
  ['pattern', (value: unknown) => isText(value) && value.length <= MAX_PATTERN_LENGTH],
  ['min', isLimit],
  ['max', isLimit],
  ['step', (value: unknown) => isNumber(value) && value > 0],
  ['minItems', isCount],
  ['maxItems', isCount],
  ['accept', (value: unknown) => Array.isArray(value) && value.every(isText)],
  ['maxBytes', isPositiveCount],
  ['unique', isBoolean],
]);

/** `toString` and the like are no limits, although every object has them. */
export const isValidationEntry = (key: string, value: unknown): boolean => VALIDATION.get(key)?.(value) === true;

export const isJumps = (value: unknown): value is JumpJson[] => Array.isArray(value) && value.every(isJump);

function isJump(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { to, if: rule, ...others } = value;
  return isText(to) && (rule === undefined || asJson(rule) !== undefined) && Object.keys(others).length === 0;
}

export function isRepeat(value: unknown): value is { min?: number; max?: number } {
  if (!isObject(value)) return false;
  return Object.entries(value).every(
    ([key, count]) => (key === 'min' && isCount(count)) || (key === 'max' && isPositiveCount(count)),
  );
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
