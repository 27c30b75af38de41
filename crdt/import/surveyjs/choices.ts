import type { Json, OptionJson } from '../../form/form-json.js';
import { pointer } from '../loss-report.js';
import { isObject, keep, SourceObject } from '../source-object.js';
import type { SurveyContext } from './survey-context.js';

/**
 * Choices, columns or rows as options `o0`, `o1`, …: plain values, `"value|text"`, or objects with `value` and `text`.
 * @param prefix of the ids: `o` for options, `r` for rows
 * @param kept gets what a choice has beside these, as `<list>.<id>.<key>`
 */
export function readChoices(
  source: SourceObject,
  key: string,
  prefix: string,
  context: SurveyContext,
  kept: Record<string, Json>,
): OptionJson[] {
  const list = source.array(key) ?? [];
  context.limits.countOptions(list.length, source.at(key));
  const options: OptionJson[] = [];
  list.forEach((choice, i) => {
    const path = pointer(source.at(key), i);
    const option = readChoice(choice, path, `${prefix}${options.length}`, key, context, kept);
    if (option === undefined) context.report.add(path, 'lost: it has no value');
    else options.push(option);
  });
  return options;
}

function readChoice(
  choice: Json,
  path: string,
  id: string,
  list: string,
  context: SurveyContext,
  kept: Record<string, Json>,
): OptionJson | undefined {
  if (!isObject(choice)) {
    if (choice === null || Array.isArray(choice)) return undefined;
    const bar = typeof choice === 'string' ? choice.indexOf('|') : -1;
    if (typeof choice !== 'string' || bar < 1) return option(id, choice, {}, context);
    return option(id, choice.slice(0, bar), context.textsOf(choice.slice(bar + 1)) ?? {}, context);
  }
  const source = new SourceObject(choice, path);
  const named = source.peek('value') ?? source.peek('name');
  if (named === undefined || named === null || typeof named === 'object') return undefined;
  source.use(source.has('value') ? 'value' : 'name');
  const label = context.texts(source, source.has('text') ? 'text' : 'title');
  for (const [key, value] of source.unused()) {
    keep(kept, `${list}.${id}.${key}`, value, source.at(key), context.report);
  }
  return option(id, named, label, context);
}

function option(
  id: string,
  value: string | number | boolean,
  label: Record<string, string>,
  context: SurveyContext,
): OptionJson {
  const text = String(value);
  const shown = Object.keys(label).length > 0 || text === '' ? label : { [context.defaultLanguage]: text };
  return value === id ? { id, label: shown } : { id, label: shown, value };
}
