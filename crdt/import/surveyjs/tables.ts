/** Tables of questions: each cell becomes a field, since each holds an answer. */
import type { FieldJson, Json } from '../../form/form-json.js';
import { pointer } from '../loss-report.js';
import { isObject, SourceObject } from '../source-object.js';
import { MAX_GROUP_DEPTH } from '../import-limits.js';
import { readChoices } from './choices.js';
import { readQuestion, type Place } from './question.js';
import type { SurveyContext } from './survey-context.js';

/** @param place its `idPrefix` and `scope` are those of the table, here and below */
export function multipleTextFields(source: SourceObject, context: SurveyContext, place: Place): FieldJson[] {
  return (source.array('items') ?? []).flatMap((item, i) =>
    cell(item, pointer(source.at('items'), i), 'text', undefined, context, place),
  );
}

/** The columns of a table with rows that people add: one field a column. */
export function tableColumnFields(source: SourceObject, context: SurveyContext, place: Place): FieldJson[] {
  const cellType = source.string('cellType');
  const choices = source.array('choices');
  return (source.array('columns') ?? []).flatMap((column, i) =>
    cell(column, pointer(source.at('columns'), i), cellType ?? 'dropdown', choices, context, place),
  );
}

/** A table with given rows: a group a row, in it a field a column. */
export function tableFields(
  source: SourceObject,
  context: SurveyContext,
  place: Place,
  properties: Record<string, Json>,
): FieldJson[] {
  return readChoices(source, 'rows', 'r', context, properties).flatMap((row) => {
    context.limits.countElement(source.path);
    const value = String(row.value ?? row.id);
    const id = context.ids.take(`${place.idPrefix ?? ''}${value}`, 'q');
    const cells: Place = { depth: place.depth + 1, idPrefix: `${id}_`, scope: `${place.scope ?? ''}${value}.` };
    const fields = tableColumnFields(source, context, cells);
    const group: FieldJson = {
      id,
      type: 'group',
      title: row.label,
      description: {},
      required: false,
      validation: {},
      fields,
    };
    return place.depth <= MAX_GROUP_DEPTH ? [group] : fields;
  });
}

function cell(
  item: Json,
  path: string,
  defaultType: string,
  choices: readonly Json[] | undefined,
  context: SurveyContext,
  place: Place,
): FieldJson[] {
  const given = typeof item === 'string' ? { name: item } : item;
  if (!isObject(given)) {
    context.report.add(path, 'left out: not a cell');
    return [];
  }
  const { cellType, ...question } = given;
  const type = typeof cellType === 'string' && cellType !== 'default' ? cellType : defaultType;
  const own = Array.isArray(question['choices']) && question['choices'].length > 0;
  const shared = choices !== undefined && !own ? { choices: [...choices] } : {};
  return readQuestion(new SourceObject({ type, ...question, ...shared }, path), context, place);
}
