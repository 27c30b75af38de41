import t from 'tap';
import fc from 'fast-check';
import { matchPattern } from './match.js';

const NESTING = { depthSize: 'small', maxDepth: 4, depthIdentifier: 'pattern' } as const;

/** Patterns put together at random from what people use. */
const pattern = fc.letrec<{ whole: string; term: string; atom: string }>((tie) => ({
  whole: fc
    .array(
      fc.array(tie('term'), { maxLength: 4 }).map((terms) => terms.join('')),
      { minLength: 1, maxLength: 3 },
    )
    .map((branches) => branches.join('|')),
  term: fc.oneof(
    NESTING,
    fc
      .tuple(tie('atom'), fc.constantFrom('', '', '*', '+', '?', '*?', '{2}', '{1,}', '{0,2}', '{0}'))
      .map((parts) => parts.join('')),
    fc.constantFrom('^', '$', '\\b', '\\B'),
    fc.tuple(fc.constantFrom('(?=', '(?!'), tie('whole')).map(([open, body]) => `${open}${body})`),
  ),
  atom: fc.oneof(
    NESTING,
    fc.constantFrom('a', 'b', '.', '\\d', '\\w', '\\S', '[ab]', '[^a\\]-]', '\\.', '\\u0061', '\\u{1F600}', '\\uD83D\\uDE00', '😀', '\\p{L}', '[a-c😀]', '\\x62', '\\-'.replace('\\-', '-')), // prettier-ignore
    fc.tuple(fc.constantFrom('(', '(?:'), tie('whole')).map(([open, body]) => `${open}${body})`),
  ),
})).whole;

const text = fc.string({
  unit: fc.constantFrom('a', 'b', 'c', '1', ' ', '-', ']', '.', '😀', '\n', 'é'),
  maxLength: 8,
});

/**
 * Asked at each character, as ECMA-262 22.2.7.2 has it. Searching by itself, V8 also looks between the halves of a
 * surrogate pair, where an empty match may stand.
 */
function isFound(source: string, subject: string): boolean {
  const engine = new RegExp(source, 'uy');
  let at = 0;
  for (const character of [...Array.from(subject), '']) {
    engine.lastIndex = at;
    if (engine.test(subject)) return true;
    at += character.length;
  }
  return false;
}

void t.test('it agrees with the engine of the platform', async () => {
  fc.assert(
    fc.property(pattern, text, (source, subject) => {
      // Longer ones may take the engine of the platform minutes, and ours more steps than it allows itself.
      fc.pre(source.length <= 80);
      return matchPattern(source, subject) === (isFound(source, subject) ? 'match' : 'no match');
    }),
    { numRuns: 3_000 },
  );
});

void t.test('patterns that take a backtracking engine for ever take no time', async (t) => {
  const long = 'a'.repeat(2_000);
  for (const source of [
    '^(a+)+$',
    '^(a|a)*$',
    '^(a|aa)+$',
    '(.*)*(.*)*(.*)*x',
    '^(?:a?){50}a{50}$',
    '^([a-z]+)*\\d$',
  ]) {
    t.equal(matchPattern(source, `${long}!`), 'no match', source);
  }
  t.equal(matchPattern('^(?=.*\\d)(?=.*[A-Z]).{8,}$', 'Passw0rd'), 'match');
  t.equal(matchPattern('^(?=.*\\d)(?=.*[A-Z]).{8,}$', 'password'), 'no match');
  t.equal(matchPattern('((?=(.*a)*b)a)*c', long), 'too costly', 'lookahead in a loop has its budget');
});

void t.test('what cannot be bounded is not decided', async (t) => {
  for (const source of ['(a)\\1', '(?<x>a)\\k<x>', '(?<=a)b', '(', 'a{1000}{1000}', 'a'.repeat(1_001)]) {
    t.equal(matchPattern(source, 'ab'), 'undecided', source.slice(0, 30));
  }
  t.equal(matchPattern('(?<year>\\d{4})-\\d\\d', 'on 2024-05'), 'match', 'a name alone does no harm');
  t.equal(matchPattern('a', 'b'.repeat(10_001)), 'too costly');
  t.equal(matchPattern('', ''), 'match');
});
