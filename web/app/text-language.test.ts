import t from 'tap';
import { bestLanguage, directionOf, nameOfLanguage, textMarks } from './text-language.js';

t.test('a language is laid out from the right where its script is', async (t) => {
  for (const tag of ['ar', 'ar-EG', 'he', 'fa', 'ur', 'ps', 'sd', 'ug', 'yi', 'dv', 'ckb', 'AR'])
    t.equal(directionOf(tag), 'rtl', tag);
  for (const tag of ['az-Arab', 'tr-Hebr', 'en-Thaa', 'en-Syrc', 'man-Nkoo', 'pa-Arab-PK'])
    t.equal(directionOf(tag), 'rtl', tag);
  for (const tag of ['en', 'fr-CA', 'iu', 'zh-Hant', 'ar-Latn', 'ur-Latn-PK', 'ku', 'pa', '', 'no tag'])
    t.equal(directionOf(tag), 'ltr', tag);
  t.same(textMarks('he-IL'), { lang: 'he-IL', dir: 'rtl' });
});

t.test('the first wish that can be met decides, however exactly', async (t) => {
  t.equal(bestLanguage(['fr-CA', 'en'], ['en', 'fr']), 'fr');
  t.equal(bestLanguage(['ar'], ['en', 'ar-EG']), 'ar-EG');
  t.equal(bestLanguage(['de', 'ar-MA', 'en'], ['en', 'ar']), 'ar');
  t.equal(bestLanguage(['fr-ca'], ['fr', 'fr-CA']), 'fr-CA');
  t.equal(bestLanguage(['zh-TW'], ['zh-Hans', 'zh-Hant']), 'zh-Hant');
  t.equal(bestLanguage(['sr-Latn'], ['sr']), 'sr', 'in another script rather than not at all');
  t.equal(bestLanguage(['de', 'x', ''], ['en', 'fr']), undefined);
});

t.test('languages are called what their readers call them', async (t) => {
  t.same(['ar', 'en', 'fr', 'he', 'fr-CA'].map(nameOfLanguage), [
    'العربية',
    'English',
    'Français',
    'עברית',
    'Français canadien',
  ]);
  t.equal(nameOfLanguage('no tag'), 'no tag');
});
