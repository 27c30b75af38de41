/** Operations as somebody writes them in a program, made whole: what `operationSchema` does, without schemas. */
import { objectOf, valueThat, type Check, type ValueIssue } from '../checks/check.js';
import {
  completeField,
  completePage,
  fieldCheck,
  id,
  json,
  language,
  optionCheck,
  pageCheck,
} from '../checks/form-check.js';
import { isId, isObject } from '../form-values.js';
import {
  newId,
  OperationsRefusedError,
  type Operation,
  type OperationInput,
  type OperationIssue,
} from './operations.js';
import { TARGET, TARGET_RULE, TEXT_PROPERTIES } from './target.js';

const isString = (value: unknown): value is string => typeof value === 'string';
const wholeFrom = (lowest: number): Check =>
  valueThat((value) => Number.isSafeInteger(value) && (value as number) >= lowest, `a whole number from ${lowest}`);
const oneOf = (names: readonly string[]): Check =>
  valueThat((value) => isString(value) && names.includes(value), `one of ${names.join(', ')}`);
const string = valueThat(isString, 'a text');
const target = valueThat((value) => isString(value) && TARGET.test(value), TARGET_RULE);
const after = valueThat((value) => value === null || isId(value), 'an id, or null for the first place');
const list = oneOf(['options', 'rows']);
const property = oneOf(TEXT_PROPERTIES);
const place = { page: id, parent: id, after };
/** An id that is not there is made up later. */
const named =
  (check: Check): Check =>
  (value, path, issues) =>
    check(withId(value), path, issues);

/** Members of each operation besides `op`, and those that it needs. */
const OPERATIONS: Readonly<Record<Operation['op'], Check>> = {
  setProperty: operation(
    { target, path: valueThat((v) => isString(v) && v.length > 0 && v.length <= 256, 'a name'), value: json },
    'target',
    'path',
  ),
  setTitle: operation({ target, language, value: string }, 'language', 'value'),
  setDescription: operation({ target, language, value: string }, 'language', 'value'),
  insertText: operation(
    { target, property, language, index: wholeFrom(0), text: valueThat((v) => isString(v) && v !== '', 'a text') },
    'target',
    'property',
    'language',
    'index',
    'text',
  ),
  deleteText: operation(
    { target, property, language, index: wholeFrom(0), length: wholeFrom(1) },
    'target',
    'property',
    'language',
    'index',
    'length',
  ),
  addField: operation({ ...place, field: named(fieldCheck) }, 'field'),
  moveField: operation({ ...place, fieldId: id }, 'fieldId'),
  removeField: operation({ fieldId: id }, 'fieldId'),
  addPage: operation({ after, page: named(pageCheck) }, 'page'),
  movePage: operation({ after, pageId: id }, 'pageId'),
  removePage: operation({ pageId: id }, 'pageId'),
  addOption: operation({ fieldId: id, list, after, option: named(optionCheck) }, 'fieldId', 'option'),
  moveOption: operation({ fieldId: id, list, optionId: id, after }, 'fieldId', 'optionId'),
  removeOption: operation({ fieldId: id, list, optionId: id }, 'fieldId', 'optionId'),
};

function operation(checks: Readonly<Record<string, Check>>, ...required: readonly string[]): Check {
  return objectOf({ op: string, ...checks }, required);
}

/** @throws OperationsRefusedError with everything that is wrong */
export function completeOperations(inputs: readonly OperationInput[]): Operation[] {
  const issues = inputs.flatMap(issuesOf);
  if (issues.length > 0) throw new OperationsRefusedError(issues);
  return inputs.map(complete);
}

function issuesOf(input: unknown, index: number): OperationIssue[] {
  const op = isObject(input) ? input['op'] : undefined;
  const found: ValueIssue[] = [];
  if (isString(op) && Object.hasOwn(OPERATIONS, op)) OPERATIONS[op as Operation['op']](input, '', found);
  else found.push({ path: 'op', message: 'there is no such operation' });
  return found.map(({ path, message }) => ({
    path: ['operations', index, ...(path === '' ? [] : path.split('.'))].join('/'),
    message,
    code: 'invalid_operation',
  }));
}

function complete(input: OperationInput): Operation {
  switch (input.op) {
    case 'setTitle':
    case 'setDescription':
      return { ...input, target: input.target ?? 'form' };
    case 'addField':
      return { ...input, field: completeField(withId(input.field)) };
    case 'addPage':
      return { ...input, page: completePage(withId(input.page)) };
    case 'addOption':
      return { ...input, list: input.list ?? 'options', option: withId(input.option) };
    case 'moveOption':
    case 'removeOption':
      return { ...input, list: input.list ?? 'options' };
    default:
      return input;
  }
}

function withId<T>(value: T): T & { id: string } {
  const isWithout = isObject(value) && value['id'] === undefined;
  return (isWithout ? { ...value, id: newId() } : value) as T & { id: string };
}
