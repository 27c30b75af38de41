/** A pattern as a program for `match.ts`: a graph of states, each of which reads a character, tests the place, or forks. */
export type Instruction =
  | { readonly op: 'char'; readonly test: (codePoint: number) => boolean; readonly next: number }
  | { readonly op: 'fork'; readonly first: number; readonly second: number }
  | { readonly op: 'start' | 'end'; readonly next: number }
  | { readonly op: 'boundary'; readonly isNegated: boolean; readonly next: number }
  | { readonly op: 'ahead'; readonly isNegated: boolean; readonly body: number; readonly next: number }
  | { readonly op: 'match' };

export interface Program {
  readonly instructions: readonly Instruction[];
  readonly entry: number;
}

/** The pattern says something that cannot be matched in bounded time, such as a backreference. */
export class UnsupportedPatternError extends Error {
  constructor(what: string) {
    super(`patterns with ${what} are not supported`);
    this.name = 'UnsupportedPatternError';
  }
}
