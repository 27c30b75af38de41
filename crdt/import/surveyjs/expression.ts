/**
 * SurveyJS expressions, as a tree. Grammar, loosest first; each level is left-associative:
 *
 *   or        and ( ("or" | "||") and )*
 *   and       compare ( ("and" | "&&") compare )*
 *   compare   sum ( comparison sum | "empty" | "notempty" )?
 *   sum       product ( ("+" | "-") product )*
 *   product   unary ( ("*" | "/" | "%") unary )*
 *   unary     ("!" | "not" | "-") unary | value
 *   value     number | string | "true" | "false" | "null" | {name} | "[" list "]" | "(" or ")" | name "(" list ")"
 *
 * Source: the "Expressions" chapter of the SurveyJS documentation.
 */
export type Expression =
  | { readonly kind: 'value'; readonly value: string | number | boolean | null }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'list'; readonly items: readonly Expression[] }
  | { readonly kind: 'call'; readonly name: string; readonly items: readonly Expression[] }
  | { readonly kind: 'unary'; readonly operator: UnaryOperator; readonly operand: Expression }
  | {
      readonly kind: 'binary';
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    };

export type UnaryOperator = 'not' | 'negative' | 'empty' | 'notempty';
export type BinaryOperator =
  | 'or'
  | 'and'
  | '=='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | 'contains'
  | 'notcontains'
  | 'anyof'
  | 'allof'
  | 'noneof'
  | '+'
  | '-'
  | '*'
  | '/'
  | '%';

export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
}

const MAX_LENGTH = 10_000;
const MAX_DEPTH = 64;

/** Every way to write a comparison. */
const COMPARISONS: ReadonlyMap<string, BinaryOperator> = new Map([
  ['=', '=='],
  ['==', '=='],
  ['equal', '=='],
  ['<>', '!='],
  ['!=', '!='],
  ['notequal', '!='],
  ['<', '<'],
  ['less', '<'],
  ['<=', '<='],
  ['lessorequal', '<='],
  ['>', '>'],
  ['greater', '>'],
  ['>=', '>='],
  ['greaterorequal', '>='],
  ['contains', 'contains'],
  ['contain', 'contains'],
  ['*=', 'contains'],
  ['notcontains', 'notcontains'],
  ['notcontain', 'notcontains'],
  ['anyof', 'anyof'],
  ['allof', 'allof'],
  ['noneof', 'noneof'],
]);

export const comparisonNamed = (name: string): BinaryOperator | undefined => COMPARISONS.get(name.toLowerCase());

type Token =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'string' | 'variable' | 'word' | 'sign'; readonly text: string };

/** @throws {ExpressionError} */
export function parseExpression(text: string): Expression {
  if (text.length > MAX_LENGTH) throw new ExpressionError(`an expression has at most ${MAX_LENGTH} characters`);
  return new Parser(tokenize(text)).parse();
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  // One alternative a kind of token; sticky, so that anything between two tokens is an error.
  const pattern =
    /\s*(?:(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w])|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|\{([^{}]*)\}|([A-Za-z_]\w*)|(<=|>=|<>|!=|==|\*=|&&|\|\||[-+*/%<>=!()[\],]))/suy;
  const end = text.trimEnd().length;
  while (pattern.lastIndex < end) {
    const at = pattern.lastIndex;
    const match = pattern.exec(text);
    if (match === null) throw new ExpressionError(`cannot be read at character ${at + 1}`);
    const [, number, single, double, variable, word, sign] = match;
    if (number !== undefined) {
      const value = Number(number);
      if (!Number.isFinite(value)) throw new ExpressionError(`the number ${number} is too large`);
      tokens.push({ kind: 'number', value });
    } else if (variable !== undefined) tokens.push({ kind: 'variable', text: variable.trim() });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word });
    else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign });
    else tokens.push({ kind: 'string', text: (single ?? double ?? '').replace(/\\(['"\\])/g, '$1') });
  }
  return tokens;
}

class Parser {
  #next = 0;
  #depth = 0;

  constructor(readonly tokens: readonly Token[]) {}

  parse(): Expression {
    const expression = this.#or();
    if (this.#next < this.tokens.length) throw new ExpressionError('has more than one expression');
    return expression;
  }

  #or(): Expression {
    return this.#chain(new Map([['or', 'or'], ['||', 'or']]), () => this.#and()); // prettier-ignore
  }

  #and(): Expression {
    return this.#chain(new Map([['and', 'and'], ['&&', 'and']]), () => this.#compare()); // prettier-ignore
  }

  #compare(): Expression {
    const left = this.#sum();
    const word = this.#word();
    const operator = comparisonNamed(word);
    if (operator !== undefined) {
      this.#next += 1;
      return { kind: 'binary', operator, left, right: this.#sum() };
    }
    if (word === 'empty' || word === 'notempty') {
      this.#next += 1;
      return { kind: 'unary', operator: word, operand: left };
    }
    return left;
  }

  #sum(): Expression {
    return this.#chain(new Map([['+', '+'], ['-', '-']]), () => this.#product()); // prettier-ignore
  }

  #product(): Expression {
    return this.#chain(new Map([['*', '*'], ['/', '/'], ['%', '%']]), () => this.#unary()); // prettier-ignore
  }

  #chain(operators: ReadonlyMap<string, BinaryOperator>, operand: () => Expression): Expression {
    let left = operand();
    let length = 0;
    for (let operator = operators.get(this.#word()); operator !== undefined; operator = operators.get(this.#word())) {
      this.#next += 1;
      length += 1;
      // Each link nests the tree once more to the left.
      if (length > MAX_DEPTH) throw new ExpressionError('is too long');
      left = { kind: 'binary', operator, left, right: operand() };
    }
    return left;
  }

  #unary(): Expression {
    const word = this.#word();
    if (word !== '!' && word !== 'not' && word !== '-') return this.#value();
    this.#next += 1;
    const operand = this.#nested(() => this.#unary());
    if (word === '-' && operand.kind === 'value' && typeof operand.value === 'number' && operand.value !== 0) {
      return { kind: 'value', value: -operand.value };
    }
    return { kind: 'unary', operator: word === '-' ? 'negative' : 'not', operand };
  }

  #value(): Expression {
    const token = this.tokens[this.#next];
    if (token === undefined) throw new ExpressionError('ends too early');
    this.#next += 1;
    if (token.kind === 'number') return { kind: 'value', value: token.value };
    if (token.kind === 'string') return { kind: 'value', value: token.text };
    if (token.kind === 'variable') return { kind: 'variable', name: token.text };
    if (token.kind === 'word') return this.#named(token.text);
    if (token.text === '[') return { kind: 'list', items: this.#list(']') };
    if (token.text !== '(') throw new ExpressionError(`has an unexpected "${token.text}"`);
    const inner = this.#nested(() => this.#or());
    this.#expect(')');
    return inner;
  }

  #named(name: string): Expression {
    if (this.#word() === '(') {
      this.#next += 1;
      return { kind: 'call', name, items: this.#list(')') };
    }
    const lower = name.toLowerCase();
    if (lower === 'true' || lower === 'false') return { kind: 'value', value: lower === 'true' };
    if (lower === 'null' || lower === 'undefined') return { kind: 'value', value: null };
    // SurveyJS reads a bare word as text.
    return { kind: 'value', value: name };
  }

  #list(end: string): Expression[] {
    const items: Expression[] = [];
    if (this.#word() !== end) {
      items.push(this.#nested(() => this.#or()));
      while (this.#word() === ',') {
        this.#next += 1;
        items.push(this.#nested(() => this.#or()));
      }
    }
    this.#expect(end);
    return items;
  }

  #nested(read: () => Expression): Expression {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new ExpressionError('is nested too deeply');
    const expression = read();
    this.#depth -= 1;
    return expression;
  }

  #expect(sign: string): void {
    if (this.#word() !== sign) throw new ExpressionError(`lacks a "${sign}"`);
    this.#next += 1;
  }

  /** The next token when it is a word or sign, in lower case; otherwise nothing. */
  #word(): string {
    const token = this.tokens[this.#next];
    return token?.kind === 'word' || token?.kind === 'sign' ? token.text.toLowerCase() : '';
  }
}
