import type { FieldType, Json } from '../../form/form-json.js';
import { ruleProblem, variablesOf } from '../../logic/evaluate.js';
import { ExpressionError, parseExpression, type BinaryOperator, type Expression } from './expression.js';

/** What a name in an expression stands for. */
export interface Target {
  readonly id: string;
  readonly type: FieldType;
  /** The names of this one's parts, as `{question.part}` says them, with what follows the field id in the answers. */
  readonly parts?: ReadonlyMap<string, string> | undefined;
}

export type Targets = ReadonlyMap<string, Target>;

const SEVERAL: ReadonlySet<FieldType> = new Set(['choices', 'ranking', 'file']);
/** Scopes of a question inside a table row or a repeated panel: our ids are unique in the form and need none. */
const SCOPES = /^(?:panel|row)\./;

/**
 * An expression as JSONLogic over field ids.
 * @param scope what `row.` and `panel.` stand for where the expression is
 * @throws {ExpressionError} when it has no counterpart
 */
export function ruleOf(text: string, targets: Targets, scope = ''): Json {
  const rule = logicOf(parseExpression(text), targets, scope);
  const problem = ruleProblem(rule);
  if (problem !== undefined) throw new ExpressionError(problem);
  const known = new Set([...targets.values()].map(({ id }) => id));
  for (const id of variablesOf(rule)) if (!known.has(id)) throw new ExpressionError(`there is no question "${id}"`);
  return rule;
}

export function logicOf(expression: Expression, targets: Targets, scope = ''): Json {
  switch (expression.kind) {
    case 'value':
      return expression.value;
    case 'variable':
      return { var: variable(expression.name, targets, scope).path };
    case 'list':
      return expression.items.map((item) => logicOf(item, targets, scope));
    case 'call':
      throw new ExpressionError(`there is no function "${expression.name}" here`);
    case 'unary': {
      const operand = logicOf(expression.operand, targets, scope);
      if (expression.operator === 'not') return { '!': [operand] };
      if (expression.operator === 'negative') return { '-': [operand] };
      return expression.operator === 'empty' ? emptyRule(operand) : { '!': [emptyRule(operand)] };
    }
    case 'binary':
      if (expression.operator === 'and' || expression.operator === 'or') {
        const operands = chainOf(expression.operator, expression);
        return { [expression.operator]: operands.map((operand) => logicOf(operand, targets, scope)) };
      }
      return binary(expression.operator, expression.left, expression.right, targets, scope);
  }
}

/** Zero and false are answers; nothing, an empty text and an empty list are none. */
export const emptyRule = (operand: Json): Json => ({
  and: [{ '!': [operand] }, { '!==': [operand, 0] }, { '!==': [operand, false] }],
});

/** What a comparison with a list becomes for an answer of several values. */
export function comparisonRule(operator: BinaryOperator, left: Json, right: Json, hasSeveral: boolean): Json {
  const items = Array.isArray(right) ? right : [right];
  const includes = items.map((item): Json => ({ in: [item, left] }));
  switch (operator) {
    case 'contains':
    case 'allof':
      return joined('and', includes);
    case 'notcontains':
      return { '!': [joined('and', includes)] };
    case 'anyof':
      return hasSeveral ? joined('or', includes) : { in: [left, items] };
    case 'noneof':
      return { '!': [hasSeveral ? joined('or', includes) : { in: [left, items] }] };
    case '==':
    case '!=': {
      if (!Array.isArray(right)) return { [operator]: [left, right] };
      const equal = { and: [...includes, { '==': [{ length: [left] }, items.length] }] };
      return operator === '==' ? equal : { '!': [equal] };
    }
    default:
      return { [operator]: [left, right] };
  }
}

/** `a and b and c` is one `and` of three. */
function chainOf(operator: 'and' | 'or', expression: Expression): Expression[] {
  if (expression.kind !== 'binary' || expression.operator !== operator) return [expression];
  return [...chainOf(operator, expression.left), ...chainOf(operator, expression.right)];
}

function joined(operator: 'and' | 'or', rules: readonly Json[]): Json {
  const [only] = rules;
  return rules.length === 1 && only !== undefined ? only : { [operator]: [...rules] };
}

function binary(operator: BinaryOperator, left: Expression, right: Expression, targets: Targets, scope: string): Json {
  const hasSeveral = left.kind === 'variable' && SEVERAL.has(variable(left.name, targets, scope).type);
  return comparisonRule(operator, logicOf(left, targets, scope), logicOf(right, targets, scope), hasSeveral);
}

function variable(name: string, targets: Targets, scope: string): { path: string; type: FieldType } {
  for (const candidate of [name, name.replace(SCOPES, scope), name.replace(SCOPES, '')]) {
    const whole = targets.get(candidate);
    if (whole !== undefined) return { path: whole.id, type: whole.type };
    // Names may contain dots: the longest question name that fits is the question.
    for (let dot = candidate.lastIndexOf('.'); dot > 0; dot = candidate.lastIndexOf('.', dot - 1)) {
      const target = targets.get(candidate.slice(0, dot));
      const part = target?.parts?.get(candidate.slice(dot + 1));
      if (target !== undefined && part !== undefined) return { path: `${target.id}.${part}`, type: 'choice' };
    }
  }
  throw new ExpressionError(`there is no question "${name}" here`);
}
