/**
 * What a rich text says, as lines of Markdown: the JSON of a form holds these, whether the document has a Y.Text or the
 * Y.XmlFragment of an editor. Each line is a block, so a text without marks reads the same in both.
 *
 *   `# ` to `### `         heading
 *   `- ` or `* `           bullet, two spaces of indent for each level
 *   `1. `                  numbered, likewise
 *   anything else          paragraph
 *   `**bold**` `_italic_` `[text](https://…)` and `\` before a sign that means itself
 */
export interface Run {
  readonly text: string;
  readonly bold?: true;
  readonly italic?: true;
  readonly href?: string;
}

export interface Block {
  readonly kind: 'paragraph' | 'heading' | 'bullet' | 'ordered';
  /** Of a heading 1 to 3, of a list item 0 to 7, of a paragraph 0. */
  readonly level: number;
  readonly runs: readonly Run[];
}

export const MAX_LEVEL = 7;
/** Longer lines are read as they stand. */
const MAX_LINE = 20_000;
const MAX_NESTING = 6;
const LINK = /\[((?:\\.|[^[\]\\])*)\]\(((?:https?:\/\/|mailto:|tel:|\/)[^\s()<>]*)\)/y;
const HREF = /^(?:https?:\/\/|mailto:|tel:|\/)[^\s()<>]*$/;
const SPECIAL = /[\\*_[\]]/g;
const HEADING = /^(#{1,3}) (.*)$/;
const ITEM = /^( *)(?:[-*]|(\d{1,9})\.) (.*)$/;

/** Total: anything is some text. */
export function parseRichText(text: string): Block[] {
  return text.split('\n').map(parseLine);
}

function parseLine(line: string): Block {
  if (line.length > MAX_LINE) return { kind: 'paragraph', level: 0, runs: [{ text: line }] };
  const heading = HEADING.exec(line);
  if (heading !== null) return { kind: 'heading', level: heading[1]?.length ?? 1, runs: parseRuns(heading[2] ?? '') };
  const item = ITEM.exec(line);
  if (item === null) return { kind: 'paragraph', level: 0, runs: parseRuns(line) };
  const level = Math.min(MAX_LEVEL, Math.floor((item[1]?.length ?? 0) / 2));
  return { kind: item[2] === undefined ? 'bullet' : 'ordered', level, runs: parseRuns(item[3] ?? '') };
}

type Marks = Omit<Run, 'text'>;

function parseRuns(text: string, marks: Marks = {}, nesting = 0): Run[] {
  const runs: Run[] = [];
  let plain = '';
  const push = (more: readonly Run[]): void => {
    if (plain !== '') runs.push({ text: plain, ...marks });
    plain = '';
    runs.push(...more);
  };
  /** Signs of which no more closes anything, so that a line of them takes no time that grows with its square. */
  const exhausted = new Set<string>();
  for (let at = 0; at < text.length;) {
    const sign = text.charAt(at);
    if (sign === '\\' && /[!-/:-@[-`{-~]/.test(text.charAt(at + 1))) {
      plain += text.charAt(at + 1);
      at += 2;
      continue;
    }
    const marked = nesting < MAX_NESTING ? markedAt(text, at, exhausted) : undefined;
    if (marked === undefined) {
      plain += sign;
      at += 1;
      continue;
    }
    push(parseRuns(marked.inner, { ...marks, ...marked.marks }, nesting + 1));
    at = marked.end;
  }
  push([]);
  return joined(runs);
}

interface Marked {
  readonly inner: string;
  readonly marks: Marks;
  readonly end: number;
}

function markedAt(text: string, at: number, exhausted: Set<string>): Marked | undefined {
  if (text.charAt(at) === '[') {
    LINK.lastIndex = at;
    const link = LINK.exec(text);
    if (link === null) return undefined;
    return { inner: link[1] ?? '', marks: { href: link[2] ?? '' }, end: LINK.lastIndex };
  }
  for (const [sign, marks] of [
    ['**', { bold: true }],
    ['_', { italic: true }],
    ['*', { italic: true }],
  ] as const) {
    if (exhausted.has(sign) || !text.startsWith(sign, at) || !opens(text, at, sign)) continue;
    const close = closeOf(text, at + sign.length, sign);
    if (close !== undefined) return { inner: text.slice(at + sign.length, close), marks, end: close + sign.length };
    exhausted.add(sign);
  }
  return undefined;
}

const isSpace = (sign: string): boolean => sign === '' || /\s/.test(sign);
const isWord = (sign: string): boolean => /[\p{L}\p{N}]/u.test(sign);

function opens(text: string, at: number, sign: string): boolean {
  if (isSpace(text.charAt(at + sign.length))) return false;
  return sign !== '_' || !isWord(text.charAt(at - 1));
}

function closeOf(text: string, from: number, sign: string): number | undefined {
  for (let at = text.indexOf(sign, from + 1); at !== -1; at = text.indexOf(sign, at + 1)) {
    if (isSpace(text.charAt(at - 1)) || text.charAt(at - 1) === '\\') continue;
    if (sign === '_' && isWord(text.charAt(at + 1))) continue;
    // A single star is none of two.
    if (sign === '*' && (text.charAt(at + 1) === '*' || text.charAt(at - 1) === '*')) continue;
    return at;
  }
  return undefined;
}

const sameMarks = (a: Run, b: Run): boolean => a.bold === b.bold && a.italic === b.italic && a.href === b.href;

/** Neighbours with the same marks are one run. */
export function joined(runs: readonly Run[]): Run[] {
  const whole: Run[] = [];
  for (const run of runs) {
    const last = whole[whole.length - 1];
    if (run.text === '') continue;
    if (last !== undefined && sameMarks(last, run)) whole[whole.length - 1] = { ...last, text: last.text + run.text };
    else whole.push(run);
  }
  return whole;
}

export function writeRichText(blocks: readonly Block[]): string {
  return blocks.map(writeBlock).join('\n');
}

function writeBlock({ kind, level, runs }: Block): string {
  const text = writeRuns(runs);
  switch (kind) {
    case 'heading':
      return `${'#'.repeat(Math.min(3, Math.max(1, level)))} ${text}`;
    case 'bullet':
      return `${'  '.repeat(Math.min(MAX_LEVEL, level))}- ${text}`;
    case 'ordered':
      return `${'  '.repeat(Math.min(MAX_LEVEL, level))}1. ${text}`;
    case 'paragraph': {
      if (!HEADING.test(text) && !ITEM.test(text)) return text;
      return text.replace(/^( *)(\d+)?(?=[#*.-])/, '$1$2\\');
    }
  }
}

function writeRuns(runs: readonly Run[]): string {
  const [only, ...others] = joined(runs);
  if (only === undefined) return '';
  // What means nothing special stays as it is written.
  if (others.length === 0 && !isMarked(only) && isPlain(only.text)) return only.text;
  const whole = [only, ...others];
  const words = wordsOf(whole);
  // Within a word `_` does not open; where no sign can, the mark is dropped and no letter.
  return (
    ATTEMPTS.map(({ marks, italic }) => writeMarks(whole, marks, italic)).find(
      (written) => wordsOf(parseRuns(written)) === words,
    ) ?? writeMarks(whole, [], '_')
  );
}

const ATTEMPTS: readonly { readonly marks: readonly (keyof Marks)[]; readonly italic: '_' | '*' }[] = [
  { marks: ['href', 'bold', 'italic'], italic: '_' },
  { marks: ['href', 'bold', 'italic'], italic: '*' },
  { marks: ['href', 'bold'], italic: '_' },
  { marks: ['href'], italic: '_' },
];
const wordsOf = (runs: readonly Run[]): string => runs.map(({ text }) => text).join('');

const isMarked = ({ bold, italic, href }: Run): boolean => bold === true || italic === true || href !== undefined;

function isPlain(text: string): boolean {
  if (text.length > MAX_LINE) return true;
  const [run, ...others] = parseRuns(text);
  return others.length === 0 && run !== undefined && !isMarked(run) && run.text === text;
}

/** Neighbours that share a mark share its signs: `**a _b_**`. */
function writeMarks(runs: readonly Run[], [mark, ...inner]: readonly (keyof Marks)[], italic: '_' | '*'): string {
  if (mark === undefined) return runs.map(({ text }) => text.replace(SPECIAL, '\\$&')).join('');
  let written = '';
  for (let from = 0; from < runs.length;) {
    const value = runs[from]?.[mark];
    let to = from + 1;
    while (to < runs.length && runs[to]?.[mark] === value) to += 1;
    written += wrap(writeMarks(runs.slice(from, to), inner, italic), mark, value, italic);
    from = to;
  }
  return written;
}

function wrap(text: string, mark: keyof Marks, value: string | true | undefined, italic: '_' | '*'): string {
  // Spaces at its ends would keep a sign from opening or closing.
  const [, before = '', inner = '', after = ''] = /^(\s*)(.*?)(\s*)$/s.exec(text) ?? [];
  if (value === undefined || inner === '') return text;
  if (mark === 'bold') return `${before}**${inner}**${after}`;
  if (mark === 'italic') return before + italic + inner + italic + after;
  return HREF.test(String(value)) ? `${before}[${inner}](${value})${after}` : text;
}
