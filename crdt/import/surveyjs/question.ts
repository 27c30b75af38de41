import type { FieldJson, FieldType, Json } from '../../form/form-json.js';
import { MAX_GROUP_DEPTH } from '../import-limits.js';
import { pointer } from '../loss-report.js';
import { isDeeperThan, isEmpty, SourceObject } from '../source-object.js';
import { readChoices } from './choices.js';
import { INPUT_TYPES, SURVEY_TYPE_OF_FIELD, SURVEY_TYPES } from './question-types.js';
import type { SurveyContext } from './survey-context.js';
import { multipleTextFields, tableColumnFields, tableFields } from './tables.js';
import { readValidation } from './validation.js';

/** Where a question stands: how deep, and what its name is part of. */
export interface Place {
  readonly depth: number;
  /** Of ids inside a table, so that the cells of two rows differ. */
  readonly idPrefix?: string;
  /** What stands before its name in expressions, as `table.row.`. */
  readonly scope?: string;
}

export function readQuestions(list: readonly Json[], path: string, context: SurveyContext, place: Place): FieldJson[] {
  return list.flatMap((item, i) => {
    const source = SourceObject.from(item, pointer(path, i));
    if (source !== undefined) return readQuestion(source, context, place);
    context.report.add(pointer(path, i), 'left out: not a question');
    return [];
  });
}

/** One question or panel as a field; a group that would be nested too deeply gives its fields instead. */
export function readQuestion(source: SourceObject, context: SurveyContext, place: Place): FieldJson[] {
  const { report } = context;
  context.limits.countElement(source.path);
  const properties: Record<string, Json> = {};
  const sourceType = source.string('type') ?? 'text';
  const type = fieldTypeOf(source, sourceType, properties, context);
  const name = source.string('name') ?? '';
  const id = context.ids.take(`${place.idPrefix ?? ''}${name}`, 'q');
  // A cell's name is part of its id; the report says of the table that its cells became fields.
  if (name !== '' && name !== id && place.idPrefix === undefined) {
    properties['name'] = name;
    const why = context.targets.has(name) ? 'the name occurs twice' : 'the name is no id';
    report.add(source.at('name'), `${why}: the field is "${id}"`);
  }
  const field: FieldJson = {
    id,
    type,
    title: context.texts(source, 'title'),
    description: context.texts(source, sourceType === 'html' ? 'html' : 'description'),
    required: source.boolean('isRequired') ?? false,
    validation: {},
  };
  const placeholder = { ...context.texts(source, 'placeHolder'), ...context.texts(source, 'placeholder') };
  if (Object.keys(placeholder).length > 0) field.placeholder = placeholder;
  readValidation(source, field, context, properties);
  readOptions(source, field, context, properties);
  const scopedName = `${place.scope ?? ''}${name}`;
  register(scopedName, field, context);

  context.hide(source, field);
  const scope = place.scope ?? '';
  context.fieldRule(source, 'visibleIf', field, 'visibleIf', scope);
  context.fieldRule(source, 'requiredIf', field, 'requiredIf', scope);
  context.fieldRule(source, 'enableIf', field, 'enabledIf', scope);
  if (type === 'calculated') context.fieldRule(source, 'expression', field, 'calculate', scope);
  const initial = source.peek('defaultValue');
  if (initial !== undefined && !isEmpty(initial) && !isDeeperThan(initial, MAX_DEFAULT_DEPTH)) {
    source.use('defaultValue');
    field.defaultValue = initial;
  }
  if (type !== 'group') {
    source.keepRest(properties, report);
    if (Object.keys(properties).length > 0) field.properties = properties;
    return [field];
  }
  const children = readChildren(source, sourceType, name, field, context, place, properties);
  field.fields = children;
  source.keepRest(properties, report);
  if (Object.keys(properties).length > 0) field.properties = properties;
  if (place.depth <= MAX_GROUP_DEPTH) return [field];
  report.add(source.path, 'nested too deeply: its fields stand beside it');
  if (context.fields.get(scopedName) === field) {
    context.targets.delete(scopedName);
    context.fields.delete(scopedName);
  }
  return children;
}

const MAX_DEFAULT_DEPTH = 30;

function fieldTypeOf(
  source: SourceObject,
  sourceType: string,
  properties: Record<string, Json>,
  context: SurveyContext,
): FieldType {
  const known = Object.hasOwn(SURVEY_TYPES, sourceType) ? SURVEY_TYPES[sourceType] : undefined;
  if (known === undefined) {
    properties['type'] = sourceType.slice(0, 128);
    context.report.add(source.at('type'), `there is no question type "${sourceType}" here: it became a text`);
    return 'text';
  }
  if (sourceType === 'text') {
    const inputType = source.peek('inputType');
    if (typeof inputType !== 'string' || inputType === '' || inputType === 'text') {
      source.string('inputType');
      return known;
    }
    const type = Object.hasOwn(INPUT_TYPES, inputType) ? INPUT_TYPES[inputType] : undefined;
    // An unknown input type is kept as a property with the rest.
    if (type === undefined) return known;
    const [, usual] = SURVEY_TYPE_OF_FIELD[type];
    if (usual === inputType) source.use('inputType');
    else properties['type'] = 'text';
    return type;
  }
  if (sourceType === 'matrixdropdown' || sourceType === 'matrixdynamic' || sourceType === 'multipletext') {
    context.report.add(source.at('type'), `"${sourceType}" became a group of fields`);
    return known;
  }
  const type = sourceType === 'imagepicker' && source.boolean('multiSelect') === true ? 'choices' : known;
  if (SURVEY_TYPE_OF_FIELD[type][0] !== sourceType && sourceType !== 'paneldynamic') {
    properties['type'] = sourceType;
    context.report.add(source.at('type'), `"${sourceType}" is shown as "${type}"`);
  }
  return type;
}

function readOptions(
  source: SourceObject,
  field: FieldJson,
  context: SurveyContext,
  properties: Record<string, Json>,
): void {
  switch (field.type) {
    case 'choice':
    case 'choices':
    case 'dropdown':
    case 'ranking':
      field.options = readChoices(source, 'choices', 'o', context, properties);
      break;
    case 'rating': {
      const options = readChoices(source, 'rateValues', 'o', context, properties);
      if (options.length > 0) field.options = options;
      break;
    }
    case 'matrix':
      field.options = readChoices(source, 'columns', 'o', context, properties);
      field.rows = readChoices(source, 'rows', 'r', context, properties);
      break;
    default:
      break;
  }
}

/** Makes the name known to rules and triggers; of two equal names the first counts. */
function register(name: string, field: FieldJson, context: SurveyContext): void {
  if (name === '' || context.targets.has(name)) return;
  const parts = new Map(
    (field.rows ?? [])
      .map((row): [string, string] => [String(row.value ?? row.id), String(row.value ?? row.id)])
      // A dot would be one more step down in JSONLogic.
      .filter(([part]) => !part.includes('.')),
  );
  context.targets.set(name, { id: field.id, type: field.type, parts });
  context.fields.set(name, field);
}

function readChildren(
  source: SourceObject,
  sourceType: string,
  name: string,
  field: FieldJson,
  context: SurveyContext,
  place: Place,
  properties: Record<string, Json>,
): FieldJson[] {
  const inside: Place = { depth: place.depth + 1 };
  const cells: Place = { ...inside, idPrefix: `${field.id}_`, scope: `${name}.` };
  const repeat = (min: string, max: string): void => {
    const least = source.count(min);
    const most = source.count(max, 1);
    field.repeat = { ...(least !== undefined && { min: least }), ...(most !== undefined && { max: most }) };
  };
  switch (sourceType) {
    case 'multipletext':
      return multipleTextFields(source, context, cells);
    case 'matrixdropdown':
      return tableFields(source, context, cells, properties);
    case 'matrixdynamic':
      repeat('minRowCount', 'maxRowCount');
      return tableColumnFields(source, context, cells);
    case 'paneldynamic':
      repeat('minPanelCount', 'maxPanelCount');
      return readQuestions(source.array('templateElements') ?? [], source.at('templateElements'), context, inside);
    default: {
      const key = source.array('elements') === undefined ? 'questions' : 'elements';
      return readQuestions(source.array(key) ?? [], source.at(key), context, inside);
    }
  }
}
