/** Languages of the texts that people write, by their BCP 47 tags: their direction, what they are called, which one suits. */

export interface TextMarks {
  readonly lang: string;
  readonly dir: 'ltr' | 'rtl';
}

const FROM_THE_RIGHT: ReadonlySet<string | undefined> = new Set([
  'Adlm',
  'Arab',
  'Aran',
  'Hebr',
  'Mand',
  'Nkoo',
  'Rohg',
  'Samr',
  'Syrc',
  'Thaa',
]);

/** By the script that the tag names, or else by the one in which the language is written most (Unicode's likely subtags). */
export function directionOf(tag: string): TextMarks['dir'] {
  return FROM_THE_RIGHT.has(likely(tag)?.script) ? 'rtl' : 'ltr';
}

/** For the element that holds a text in this language. */
export function textMarks(tag: string): TextMarks {
  return { lang: tag, dir: directionOf(tag) };
}

/** A text within another one that may run the other way, where there are no elements (the isolates of UAX #9). */
export const isolated = (text: string): string => `\u2068${text}\u2069`;

/** In the language itself, so that those find it who read it. */
export function nameOfLanguage(tag: string): string {
  try {
    const name = new Intl.DisplayNames([tag], { type: 'language' }).of(tag) ?? tag;
    return name.slice(0, 1).toLocaleUpperCase(tag) + name.slice(1);
  } catch {
    return tag;
  }
}

/**
 * The first wish that can be met: by the very language, by the same one in the same script (`fr-CA` by `fr`, `zh-TW` by
 * `zh-Hant`), or by the same one at all.
 */
export function bestLanguage(wishes: readonly string[], offered: readonly string[]): string | undefined {
  const known = offered.map((tag) => ({ tag, is: likely(tag) }));
  for (const wish of wishes) {
    const exact = offered.find((tag) => tag.toLowerCase() === wish.toLowerCase());
    if (exact !== undefined) return exact;
    const wanted = likely(wish);
    const same = known.filter(({ is }) => is !== undefined && is.language === wanted?.language);
    const best = same.find(({ is }) => is?.script === wanted?.script) ?? same[0];
    if (best !== undefined) return best.tag;
  }
  return undefined;
}

/** Undefined for what is no tag. */
function likely(tag: string): Intl.Locale | undefined {
  try {
    return new Intl.Locale(tag).maximize();
  } catch {
    return undefined;
  }
}
