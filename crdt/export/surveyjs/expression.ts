import type { FieldType, Json } from '../../form/form-json.js';
import { emptyRule } from '../../import/surveyjs/logic.js';
import { isObject } from '../../import/source-object.js';

/** What an expression calls a field. */
export interface NamedField {
  readonly name: string;
  readonly type: FieldType;
}

const SEVERAL: ReadonlySet<FieldType> = new Set(['choices', 'ranking', 'file']);
const PLAIN: Readonly<Record<string, string>> = {
  '==': '=',
  '===': '=',
  '!=': '<>',
  '!==': '<>',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
};
const CHAINS: ReadonlySet<string> = new Set(['and', 'or', '+', '-', '*', '/', '%']);
const MAX_DEPTH = 32;

/** JSONLogic as a SurveyJS expression; undefined when it has no counterpart. */
export function expressionOf(rule: Json, fields: ReadonlyMap<string, NamedField>): string | undefined {
  try {
    return new Printer(fields).print(rule, 0);
  } catch (error) {
    if (error instanceof NoCounterpart) return undefined;
    throw error;
  }
}

class NoCounterpart extends Error {}

class Printer {
  constructor(readonly fields: ReadonlyMap<string, NamedField>) {}

  print(rule: Json, depth: number): string {
    if (depth > MAX_DEPTH) throw new NoCounterpart();
    if (rule === null) return 'null';
    if (typeof rule === 'number' || typeof rule === 'boolean') return String(rule);
    if (typeof rule === 'string') return `'${rule.replace(/[\\']/g, '\\$&')}'`;
    if (Array.isArray(rule)) return `[${rule.map((item) => this.print(item, depth + 1)).join(', ')}]`;
    const [entry, second] = Object.entries(rule);
    if (entry === undefined || second !== undefined) throw new NoCounterpart();
    const [operator, value] = entry;
    if (operator === 'var') return this.#variable(value);
    const operands = Array.isArray(value) ? value : [value];
    const operand = (item: Json | undefined): string => this.#operand(item, depth + 1);
    const [left, right] = operands;

    const empty = emptyOperand(rule);
    if (empty !== undefined) return `${operand(empty)} empty`;
    const list = this.#listComparison(operator, operands);
    if (list !== undefined) return `${operand(list.left)} ${list.word} ${this.print(list.items, depth + 1)}`;
    if (operator === '!') {
      const hidden = emptyOperand(left);
      if (hidden !== undefined) return `${operand(hidden)} notempty`;
      return `!${operand(left)}`;
    }
    if (operator === '-' && operands.length === 1) return `-${operand(left)}`;
    if (operator === 'in' && operands.length === 2) {
      return Array.isArray(right)
        ? `${operand(left)} anyof ${this.print(right, depth + 1)}`
        : `${operand(right)} contains ${operand(left)}`;
    }
    const sign = PLAIN[operator];
    if (sign !== undefined && operands.length === 2) return `${operand(left)} ${sign} ${operand(right)}`;
    if (CHAINS.has(operator) && operands.length > 1) return operands.map(operand).join(` ${operator} `);
    throw new NoCounterpart();
  }

  /** In parentheses unless it is one word. */
  #operand(rule: Json | undefined, depth: number): string {
    if (rule === undefined) throw new NoCounterpart();
    const text = this.print(rule, depth);
    return isObject(rule) && rule['var'] === undefined ? `(${text})` : text;
  }

  #variable(name: Json | undefined): string {
    const path = Array.isArray(name) ? name[0] : name;
    if (typeof path !== 'string') throw new NoCounterpart();
    const [id = '', ...rest] = path.split('.');
    const field = this.fields.get(id);
    const text = [field?.name ?? '', ...rest].join('.');
    if (field === undefined || /[{}]/.test(text) || text !== text.trim()) throw new NoCounterpart();
    return `{${text}}`;
  }

  /** `contains` of several, `anyof`, and equality with a list are conjunctions of `in` in JSONLogic. */
  #listComparison(
    operator: string,
    operands: readonly Json[],
  ): { left: Json; word: string; items: Json[] } | undefined {
    if ((operator !== 'and' && operator !== 'or') || operands.length < 2) return undefined;
    const last = operands.at(-1);
    const length = isObject(last) && Array.isArray(last['==']) ? last['=='] : undefined;
    const measured = isObject(length?.[0]) ? length[0]['length'] : undefined;
    const isEquality = operator === 'and' && Array.isArray(measured) && length?.[1] === operands.length - 1;
    const parts = (isEquality ? operands.slice(0, -1) : operands).map((part) =>
      isObject(part) ? part['in'] : undefined,
    );
    const first = parts[0];
    const left = Array.isArray(first) ? first[1] : undefined;
    if (left === undefined || Array.isArray(left)) return undefined;
    const items: Json[] = [];
    for (const part of parts) {
      if (!Array.isArray(part) || part.length !== 2 || JSON.stringify(part[1]) !== JSON.stringify(left))
        return undefined;
      if (part[0] === undefined) return undefined;
      items.push(part[0]);
    }
    if (isEquality) return JSON.stringify(measured) === JSON.stringify([left]) ? { left, word: '=', items } : undefined;
    if (operator === 'and') return { left, word: 'allof', items };
    // `anyof` of an answer with one value is another rule.
    const id = isObject(left) && typeof left['var'] === 'string' ? left['var'] : '';
    return SEVERAL.has(this.fields.get(id)?.type ?? 'text') ? { left, word: 'anyof', items } : undefined;
  }
}

function emptyOperand(rule: Json | undefined): Json | undefined {
  if (!isObject(rule) || !Array.isArray(rule['and'])) return undefined;
  const [first] = rule['and'];
  const [operand] = isObject(first) && Array.isArray(first['!']) ? first['!'] : [];
  return operand !== undefined && JSON.stringify(rule) === JSON.stringify(emptyRule(operand)) ? operand : undefined;
}
