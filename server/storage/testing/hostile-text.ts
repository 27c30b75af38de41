import fc from 'fast-check';

/** What separates, globs, escapes, ends or names something special in one of the stores, in JavaScript or in a path. */
const TOKENS = [
  ...['/', ':', '|', ',', ';', ' ', '\n', '\t', '.', '..', '%', '%2F', '%00', '\\', '\\0', '\\x00', '"', "'"],
  ...['*', '?', '[a-z]', '[^a]', '{', '}', '{}', '{a}', '}:log{', '(', '[', '+', '-', '$', '>', '~'],
  ...['\0', '\0\x01', '\0\xff', '\0\x02', '\x01', '\x7f', '\xff', '\ufffd', '\uffff', '\u{10ffff}'],
  ...['é', 'e\u0301', 'ß', 'İ', '字', '👩‍🚀', '\u202e', '\u200b', 'a', 'A', 'b', '0', '00'],
  ...['__proto__', 'constructor', 'error', 'newListener', 'removeListener', 'undefined', 'null'],
];

/** Well-formed text, never empty, that tries to be read as something else. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...TOKENS),
  fc.array(fc.constantFrom(...TOKENS), { minLength: 1, maxLength: 5 }).map((tokens) => tokens.join('')),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
);
