import type { FormJson, Json, PageJson } from '../../form/form-json.js';
import { languageSchema } from '../../form/form-schema.js';
import { ElementIds } from '../element-ids.js';
import { invalidSource } from '../import-error.js';
import { pointer, type LossReport } from '../loss-report.js';
import { SourceObject } from '../source-object.js';
import { ExpressionError } from './expression.js';
import { ruleOf } from './logic.js';
import { readQuestions } from './question.js';
import { SurveyContext } from './survey-context.js';
import { applyTriggers } from './triggers.js';

/**
 * A SurveyJS survey: names become ids, expressions JSONLogic, triggers that show something `visibleIf`.
 * Source: the SurveyJS Form Library API reference.
 * @throws {ImportError}
 */
export function importSurveyJs(json: Json, formId: string, report: LossReport): FormJson {
  const survey = SourceObject.from(json, '');
  if (survey === undefined) throw invalidSource('', 'a survey is an object');
  const locale = survey.peek('locale');
  const isLocale = typeof locale === 'string' && languageSchema.safeParse(locale).success;
  if (isLocale) survey.use('locale');
  const context = new SurveyContext(report, isLocale ? locale : 'en');
  const settings: Record<string, Json> = {};
  const title = context.texts(survey, 'title');
  const description = context.texts(survey, 'description');
  const pages = readPages(survey, context);

  for (const rule of context.rules) {
    try {
      rule.apply(ruleOf(rule.text, context.targets, rule.scope));
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      rule.keep();
      report.add(rule.path, `kept as it is, without effect: the expression ${error.message}`);
    }
  }
  const triggers = applyTriggers(survey.array('triggers') ?? [], survey.at('triggers'), context);
  if (triggers.length > 0) settings['triggers'] = triggers;
  for (const [id, kept] of context.keptOfPages) if (Object.keys(kept).length > 0) settings[`page.${id}`] = kept;
  for (const element of context.hidden) element.visibleIf ??= false;
  survey.keepRest(settings, report);
  return { id: formId, title, description, languages: [...context.languages], settings, pages };
}

function readPages(survey: SourceObject, context: SurveyContext): PageJson[] {
  const pages = survey.array('pages');
  const loose = ['elements', 'questions'].filter((key) => Array.isArray(survey.peek(key)));
  if (pages === undefined && loose.length === 0) {
    throw invalidSource('', 'a survey has a list of pages, elements or questions');
  }
  const ids = new ElementIds(['end']);
  const read = (pages ?? []).flatMap((item, i) => {
    const path = pointer(survey.at('pages'), i);
    const source = SourceObject.from(item, path);
    if (source !== undefined) return [readPage(source, `p${i + 1}`, ids, context)];
    context.report.add(path, 'left out: not a page');
    return [];
  });
  for (const key of loose) {
    const fields = readQuestions(survey.array(key) ?? [], survey.at(key), context, { depth: 1 });
    read.push({ id: ids.take('', `p${read.length + 1}`), title: {}, description: {}, fields });
  }
  return read;
}

function readPage(source: SourceObject, fallbackId: string, ids: ElementIds, context: SurveyContext): PageJson {
  context.limits.countElement(source.path);
  const kept: Record<string, Json> = {};
  const name = source.string('name') ?? '';
  const id = ids.take(name, fallbackId);
  if (name !== '' && name !== id) kept['name'] = name;
  const page: PageJson = {
    id,
    title: context.texts(source, 'title'),
    description: context.texts(source, 'description'),
    fields: [],
  };
  const key = source.array('elements') === undefined ? 'questions' : 'elements';
  page.fields = readQuestions(source.array(key) ?? [], source.at(key), context, { depth: 1 });
  if (name !== '' && !context.pages.has(name)) context.pages.set(name, page);
  context.hide(source, page);
  context.pageRule(source, page, kept);
  source.keepRest(kept, context.report);
  context.keptOfPages.set(id, kept);
  return page;
}
