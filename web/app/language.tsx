/** The language of the app itself; forms have languages of their own. */
import { createContext, useContext, useEffect, useMemo, useState, type ReactNode } from 'react';
import type { Texts } from '../../crdt/form/form-json.js';
import { WORDS, type WordKey } from '../words/index.js';
import { browserStorage } from './storage.js';

export const LANGUAGES = ['en', 'fr'] as const;
export type Language = (typeof LANGUAGES)[number];

export interface Wording {
  readonly language: Language;
  readonly setLanguage: (language: Language) => void;
  /** @param values take the place of `{name}` */
  readonly t: (key: WordKey, values?: Readonly<Record<string, string | number>>) => string;
}

const KEY = 'formloom.language';
const Context = createContext<Wording | undefined>(undefined);

function firstLanguage(): Language {
  const wanted = browserStorage.get(KEY) ?? navigator.language;
  return wanted.startsWith('fr') ? 'fr' : 'en';
}

export function LanguageProvider({ children }: { readonly children: ReactNode }): ReactNode {
  const [language, setLanguage] = useState<Language>(firstLanguage);
  useEffect(() => {
    document.documentElement.lang = language;
    browserStorage.set(KEY, language);
  }, [language]);
  const wording = useMemo<Wording>(
    () => ({
      language,
      setLanguage,
      t: (key, values = {}) =>
        WORDS[key][language === 'en' ? 0 : 1].replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? '')),
    }),
    [language],
  );
  return <Context.Provider value={wording}>{children}</Context.Provider>;
}

export function useWording(): Wording {
  const wording = useContext(Context);
  if (wording === undefined) throw new Error('The page is not inside a LanguageProvider.');
  return wording;
}

/** A text of a form in the language asked for, or in any other that it has. */
export function textIn(texts: Texts | undefined, language: string): string {
  return texts?.[languageIn(texts, language)] ?? '';
}

/** The language in which `textIn` gives it. */
export function languageIn(texts: Texts = {}, language: string): string {
  const has = (tag: string): boolean => (texts[tag] ?? '') !== '';
  return has(language) ? language : (Object.keys(texts).find(has) ?? language);
}
