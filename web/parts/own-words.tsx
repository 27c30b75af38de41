/** Words of the app among texts of a form, which may be in another language and run the other way. */
import type { ReactNode } from 'react';
import { useWording } from '../app/language.js';
import { textMarks } from '../app/text-language.js';

export function OwnWords({ children }: { readonly children: ReactNode }): ReactNode {
  const { language } = useWording();
  return <bdi {...textMarks(language)}>{children}</bdi>;
}
