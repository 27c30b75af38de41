/**
 * Runs a program over a text in bounded time: no state is entered twice at the same place, so the work grows with
 * states × characters and never exponentially, as that of a backtracking engine may (ReDoS). `(a+)+$` on 30 characters
 * takes V8 minutes and this 200 steps. Only lookahead repeats work, hence the budget.
 */
import { compilePattern } from './compile.js';
import { UnsupportedPatternError, type Program } from './program.js';

/** Longer texts are not matched. */
const MAX_TEXT_LENGTH = 10_000;
/** About 50 ms. */
const MAX_STEPS = 4_000_000;

/** `undecided`: the pattern is none or unsupported. `too costly`: text and pattern together are over the bound. */
export type PatternVerdict = 'match' | 'no match' | 'undecided' | 'too costly';

/** As `new RegExp(pattern, 'u').test(text)`: the pattern may stand anywhere unless it says otherwise. Never throws. */
export function matchPattern(pattern: string, text: string): PatternVerdict {
  let program: Program;
  try {
    program = compilePattern(pattern);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof UnsupportedPatternError) return 'undecided';
    throw error;
  }
  const characters = Array.from(text.slice(0, MAX_TEXT_LENGTH + 1), (character) => character.codePointAt(0) ?? 0);
  if (text.length > MAX_TEXT_LENGTH || program.instructions.length * (characters.length + 1) > MAX_STEPS) {
    return 'too costly';
  }
  const matcher = new Matcher(program, characters);
  const isMatch = matcher.search();
  return matcher.isExhausted ? 'too costly' : isMatch ? 'match' : 'no match';
}

class Matcher {
  isExhausted = false;
  #steps = 0;

  constructor(
    private readonly program: Program,
    private readonly characters: readonly number[],
  ) {}

  search(): boolean {
    // What led nowhere from one start leads nowhere from another.
    const seen = this.#nothingSeen();
    for (let at = 0; at <= this.characters.length; at += 1) if (this.#run(this.program.entry, at, seen)) return true;
    return false;
  }

  #nothingSeen(): Uint8Array {
    return new Uint8Array(Math.ceil((this.program.instructions.length * (this.characters.length + 1)) / 8));
  }

  #run(entry: number, from: number, seen: Uint8Array): boolean {
    const { characters } = this;
    const { instructions } = this.program;
    const pending: number[] = [entry, from];
    while (pending.length > 0) {
      const at = pending.pop() ?? 0;
      const state = pending.pop() ?? 0;
      const bit = state * (characters.length + 1) + at;
      const byte = seen[bit >> 3] ?? 0;
      if ((byte & (1 << (bit & 7))) !== 0) continue;
      seen[bit >> 3] = byte | (1 << (bit & 7));
      this.#steps += 1;
      if (this.#steps > MAX_STEPS) this.isExhausted = true;
      if (this.isExhausted) return false;
      const instruction = instructions[state];
      switch (instruction?.op) {
        case 'match':
          return true;
        case 'char': {
          const character = characters[at];
          if (character !== undefined && instruction.test(character)) pending.push(instruction.next, at + 1);
          break;
        }
        case 'fork':
          pending.push(instruction.second, at, instruction.first, at);
          break;
        case 'start':
          if (at === 0) pending.push(instruction.next, at);
          break;
        case 'end':
          if (at === characters.length) pending.push(instruction.next, at);
          break;
        case 'boundary':
          if ((this.#isWord(at - 1) !== this.#isWord(at)) !== instruction.isNegated) pending.push(instruction.next, at);
          break;
        case 'ahead': {
          this.#steps += seen.length >> 3;
          if (this.#run(instruction.body, at, this.#nothingSeen()) !== instruction.isNegated)
            pending.push(instruction.next, at);
          break;
        }
        case undefined:
          break;
      }
    }
    return false;
  }

  #isWord(at: number): boolean {
    const character = this.characters[at];
    return character !== undefined && /\w/.test(String.fromCodePoint(character));
  }
}
