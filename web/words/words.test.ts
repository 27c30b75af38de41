/** The word lists of the app. */
import t from 'tap';
import { ANALYTICS } from './analytics.js';
import { APP } from './app.js';
import { COMMENTS } from './comments.js';
import { EDITOR } from './editor.js';
import { FORMS } from './forms.js';
import { WORDS } from './index.js';
import { OPERATE } from './operate.js';
import { RESPOND } from './respond.js';

const placeholders = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).sort();

t.test('every word is there in both languages, with the same values in it', async (t) => {
  for (const [key, [english, french]] of Object.entries(WORDS)) {
    t.ok(english.trim() !== '' && french.trim() !== '', `${key} is there in both`);
    t.same(placeholders(french), placeholders(english), `${key} takes the same values in both`);
  }
});

t.test('no word stands in two lists, where one would hide the other', async (t) => {
  const keys = [ANALYTICS, APP, COMMENTS, EDITOR, FORMS, OPERATE, RESPOND].flatMap((list) => Object.keys(list));
  t.equal(new Set(keys).size, keys.length);
  t.equal(keys.length, Object.keys(WORDS).length, 'no list is missing here');
});
