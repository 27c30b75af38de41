import type { FieldJson, Json, PageJson } from '../../form/form-json.js';
import { pointer } from '../loss-report.js';
import { isObject, SourceObject } from '../source-object.js';
import { comparisonNamed, ExpressionError } from './expression.js';
import { comparisonRule, emptyRule, logicOf, ruleOf } from './logic.js';
import type { SurveyContext } from './survey-context.js';

/**
 * Triggers of type `visible` become `visibleIf` of the questions and pages they show; the others are returned.
 * Several triggers on one question: any of them shows it. A `visibleIf` of its own must hold as well.
 */
export function applyTriggers(triggers: readonly Json[], path: string, context: SurveyContext): Json[] {
  const shownBy = new Map<FieldJson | PageJson, Json[]>();
  const left = triggers.filter((item, i) => {
    const at = pointer(path, i);
    if (!isObject(item) || item['type'] !== 'visible') {
      context.report.add(at, 'kept in the setting "triggers", without effect');
      return true;
    }
    const source = new SourceObject(item, at);
    source.use('type');
    const rule = triggerRule(source, context);
    if (rule === undefined) return true;
    const add = (key: 'questions' | 'pages', elements: ReadonlyMap<string, FieldJson | PageJson>): void =>
      (source.array(key) ?? []).forEach((name, j) => {
        const element = typeof name === 'string' ? elements.get(name) : undefined;
        if (element === undefined)
          context.report.add(pointer(source.at(key), j), 'left out: there is nothing of that name');
        else shownBy.set(element, [...(shownBy.get(element) ?? []), rule]);
      });
    add('questions', context.fields);
    add('pages', context.pages);
    source.loseRest(context.report);
    return false;
  });
  for (const [element, rules] of shownBy) {
    const [only] = rules;
    const shown: Json = rules.length === 1 && only !== undefined ? only : { or: rules };
    element.visibleIf = element.visibleIf === undefined ? shown : { and: [element.visibleIf, shown] };
  }
  return left;
}

function triggerRule(source: SourceObject, context: SurveyContext): Json | undefined {
  try {
    const expression = source.string('expression');
    if (expression !== undefined && expression.trim() !== '') return ruleOf(expression, context.targets);
    const name = source.string('name') ?? '';
    const answer = logicOf({ kind: 'variable', name }, context.targets);
    const operator = (source.string('operator') ?? 'equal').toLowerCase();
    const value = source.use('value') ?? null;
    if (operator === 'empty') return emptyRule(answer);
    if (operator === 'notempty') return { '!': [emptyRule(answer)] };
    const comparison = comparisonNamed(operator);
    if (comparison === undefined) throw new ExpressionError(`there is no operator "${operator}" here`);
    if (isObject(value) || (Array.isArray(value) && value.some((item) => typeof item === 'object'))) {
      throw new ExpressionError('its value is no plain one');
    }
    const type = context.targets.get(name)?.type;
    return comparisonRule(comparison, answer, value, type === 'choices' || type === 'ranking' || type === 'file');
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    context.report.add(source.path, `kept in the setting "triggers", without effect: ${error.message}`);
    return undefined;
  }
}
