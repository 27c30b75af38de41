/** A text of the app in each of its languages; `{name}` is replaced by a value. */
export type Pair = readonly [en: string, fr: string];

export type WordList = Readonly<Record<string, Pair>>;
