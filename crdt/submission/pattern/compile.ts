/**
 * ECMAScript patterns (flag `u`) into programs. Built from the end: each part is compiled knowing what follows it.
 *
 * The engine of the platform checks the syntax first and decides what a single character or class matches, so this file
 * knows only how parts are put together. Backreferences and lookbehind are refused.
 */
import { UnsupportedPatternError, type Instruction, type Program } from './program.js';

const MAX_PATTERN_LENGTH = 1_000;
const MAX_INSTRUCTIONS = 2_000;

type Node =
  | { readonly kind: 'char'; readonly source: string }
  | { readonly kind: 'assert'; readonly op: 'start' | 'end' }
  | { readonly kind: 'boundary'; readonly isNegated: boolean }
  | { readonly kind: 'ahead'; readonly isNegated: boolean; readonly body: Node }
  | { readonly kind: 'sequence'; readonly parts: readonly Node[] }
  | { readonly kind: 'choice'; readonly branches: readonly Node[] }
  | { readonly kind: 'repeat'; readonly body: Node; readonly min: number; readonly max: number };

/** @throws SyntaxError when it is no pattern; UnsupportedPatternError */
export function compilePattern(pattern: string): Program {
  if (pattern.length > MAX_PATTERN_LENGTH) throw new UnsupportedPatternError('so many characters');
  // Throws for what is no pattern.
  RegExp(pattern, 'u');
  return new Emitter().program(new Parser(pattern).whole());
}

class Parser {
  #at = 0;

  constructor(private readonly pattern: string) {}

  whole(): Node {
    return this.#choice();
  }

  #choice(): Node {
    const branches = [this.#sequence()];
    while (this.#take('|')) branches.push(this.#sequence());
    const [only] = branches;
    return branches.length === 1 && only !== undefined ? only : { kind: 'choice', branches };
  }

  #sequence(): Node {
    const parts: Node[] = [];
    while (this.#at < this.pattern.length && !this.#sees('|') && !this.#sees(')')) parts.push(this.#term());
    return { kind: 'sequence', parts };
  }

  #term(): Node {
    if (this.#take('^')) return { kind: 'assert', op: 'start' };
    if (this.#take('$')) return { kind: 'assert', op: 'end' };
    if (this.#take('\\b')) return { kind: 'boundary', isNegated: false };
    if (this.#take('\\B')) return { kind: 'boundary', isNegated: true };
    if (this.#take('(?=')) return { kind: 'ahead', isNegated: false, body: this.#closed() };
    if (this.#take('(?!')) return { kind: 'ahead', isNegated: true, body: this.#closed() };
    if (this.#sees('(?<=') || this.#sees('(?<!')) throw new UnsupportedPatternError('lookbehind');
    return this.#quantified(this.#atom());
  }

  #atom(): Node {
    if (this.#take('(?:')) return this.#closed();
    if (this.#sees('(?<')) {
      this.#at = this.pattern.indexOf('>', this.#at) + 1;
      return this.#closed();
    }
    if (this.#sees('(?')) throw new UnsupportedPatternError('modifiers');
    if (this.#take('(')) return this.#closed();
    const from = this.#at;
    if (this.#sees('[')) this.#skipClass();
    else if (this.#sees('\\')) this.#skipEscape();
    else this.#at += String.fromCodePoint(this.pattern.codePointAt(this.#at) ?? 0).length;
    return { kind: 'char', source: this.pattern.slice(from, this.#at) };
  }

  #closed(): Node {
    const body = this.#choice();
    this.#take(')');
    return body;
  }

  #skipClass(): void {
    for (this.#at += 1; !this.#sees(']'); this.#at += 1) if (this.#sees('\\')) this.#at += 1;
    this.#at += 1;
  }

  #skipEscape(): void {
    const escape =
      /\\(?:u\{[0-9A-Fa-f]+\}|u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|c[A-Za-z]|[pP]\{[^}]*\}|[1-9k]|[^])/y;
    escape.lastIndex = this.#at;
    const [text = ''] = escape.exec(this.pattern) ?? [];
    if (/^\\[1-9k]/.test(text)) throw new UnsupportedPatternError('backreferences');
    this.#at += text.length;
  }

  #quantified(body: Node): Node {
    const quantifier = /(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/y;
    quantifier.lastIndex = this.#at;
    const found = quantifier.exec(this.pattern);
    if (found === null) return body;
    this.#at += found[0].length;
    const [, sign, least, comma, most] = found;
    if (sign !== undefined)
      return { kind: 'repeat', body, min: sign === '+' ? 1 : 0, max: sign === '?' ? 1 : Infinity };
    const min = Number(least);
    return { kind: 'repeat', body, min, max: comma === '' ? min : most === '' ? Infinity : Number(most) };
  }

  #sees(text: string): boolean {
    return this.pattern.startsWith(text, this.#at);
  }

  #take(text: string): boolean {
    if (!this.#sees(text)) return false;
    this.#at += text.length;
    return true;
  }
}

class Emitter {
  readonly #instructions: Instruction[] = [];
  readonly #tests = new Map<string, (codePoint: number) => boolean>();

  program(node: Node): Program {
    const match = this.#add({ op: 'match' });
    return { entry: this.#emit(node, match), instructions: this.#instructions };
  }

  /** @returns where to enter the part so that `next` follows it */
  #emit(node: Node, next: number): number {
    switch (node.kind) {
      case 'char':
        return this.#add({ op: 'char', test: this.#test(node.source), next });
      case 'assert':
        return this.#add({ op: node.op, next });
      case 'boundary':
        return this.#add({ op: 'boundary', isNegated: node.isNegated, next });
      case 'ahead': {
        const body = this.#emit(node.body, this.#add({ op: 'match' }));
        return this.#add({ op: 'ahead', isNegated: node.isNegated, body, next });
      }
      case 'sequence':
        return node.parts.reduceRight((after, part) => this.#emit(part, after), next);
      case 'choice':
        return node.branches
          .map((branch) => this.#emit(branch, next))
          .reduceRight((second, first) => this.#add({ op: 'fork', first, second }));
      case 'repeat':
        return this.#repeat(node.body, node.min, node.max, next);
    }
  }

  /** `[a-z]{3,30}` asks the same thirty times. */
  #test(source: string): (codePoint: number) => boolean {
    const test = this.#tests.get(source) ?? characterTest(source);
    this.#tests.set(source, test);
    return test;
  }

  #repeat(body: Node, min: number, max: number, next: number): number {
    let entry = next;
    if (max === Infinity) {
      const loop = this.#add({ op: 'fork', first: next, second: next });
      this.#instructions[loop] = { op: 'fork', first: this.#emit(body, loop), second: next };
      entry = loop;
    } else {
      for (let i = min; i < max; i += 1)
        entry = this.#add({ op: 'fork', first: this.#emit(body, entry), second: next });
    }
    for (let i = 0; i < min; i += 1) {
      // A part without instructions repeats into nothing, however often.
      const before = entry;
      entry = this.#emit(body, entry);
      if (entry === before) break;
    }
    return entry;
  }

  #add(instruction: Instruction): number {
    if (this.#instructions.length >= MAX_INSTRUCTIONS) throw new UnsupportedPatternError('so many repetitions');
    return this.#instructions.push(instruction) - 1;
  }
}

/** One character against one character, class or escape: that takes the platform's engine no time worth a bound. */
function characterTest(source: string): (codePoint: number) => boolean {
  const single = new RegExp(`^${source}$`, 'u');
  const known = new Map<number, boolean>();
  return (codePoint) => {
    let isMatch = known.get(codePoint);
    if (isMatch === undefined) {
      isMatch = single.test(String.fromCodePoint(codePoint));
      known.set(codePoint, isMatch);
    }
    return isMatch;
  };
}
