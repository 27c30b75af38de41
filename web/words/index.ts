/** Every word of the app, in English and in French; one file for each page. */
import { ANALYTICS } from './analytics.js';
import { APP } from './app.js';
import { COMMENTS } from './comments.js';
import { EDITOR } from './editor.js';
import { FORMS } from './forms.js';
import { OPERATE } from './operate.js';
import { RESPOND } from './respond.js';
import type { WordList } from './word-list.js';

export const WORDS = {
  ...APP,
  ...FORMS,
  ...EDITOR,
  ...COMMENTS,
  ...RESPOND,
  ...OPERATE,
  ...ANALYTICS,
} as const satisfies WordList;
export type WordKey = keyof typeof WORDS;
