/** In which of the form's languages it is read: what its link says, what was chosen for it here before, what suits the browser. */
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { useWording } from '../app/language.js';
import { browserStorage } from '../app/storage.js';
import { bestLanguage, nameOfLanguage, textMarks } from '../app/text-language.js';

const keyOf = (formId: string): string => `formloom.form-language.${formId}`;
/** In the address: `?lang=ar`. */
const PARAMETER = 'lang';

export interface FormLanguage {
  readonly language: string;
  readonly choose: (language: string) => void;
}

/** @param languages of the form; the first one is for those whom no other suits */
export function useFormLanguage(formId: string, languages: readonly string[]): FormLanguage {
  const { language: own } = useWording();
  const [chosen, setChosen] = useState<string>();
  const suiting = (): string | undefined => {
    const asked = new URLSearchParams(location.search).get(PARAMETER);
    const kept = browserStorage.get(keyOf(formId));
    const wishes = [chosen, asked, kept].filter((wish) => wish !== undefined && wish !== null);
    return bestLanguage([...wishes, ...navigator.languages], languages);
  };
  const choose = (tag: string): void => {
    setChosen(tag);
    browserStorage.set(keyOf(formId), tag);
    const address = new URL(location.href);
    if (!address.searchParams.has(PARAMETER)) return;
    // Or the page would be in the other language again when it is loaded anew.
    address.searchParams.set(PARAMETER, tag);
    history.replaceState(null, '', address);
  };
  // Who turns the page to a language has the form in it, too, where the form has it.
  const before = useRef(own);
  useEffect(() => {
    if (before.current === own) return;
    before.current = own;
    const same = bestLanguage([own], languages);
    if (same !== undefined) choose(same);
  }, [own]);
  return { language: suiting() ?? languages[0] ?? own, choose };
}

export interface LanguageChoiceProps extends FormLanguage {
  readonly languages: readonly string[];
}

export function LanguageChoice({ languages, language, choose }: LanguageChoiceProps): ReactNode {
  const { t } = useWording();
  if (languages.length < 2) return null;
  return (
    <label className="inline language-choice">
      <span>{t('formLanguage')}</span>
      <select value={language} onChange={(event) => choose(event.target.value)}>
        {languages.map((tag) => (
          <option key={tag} value={tag} {...textMarks(tag)}>
            {nameOfLanguage(tag)}
          </option>
        ))}
      </select>
    </label>
  );
}
