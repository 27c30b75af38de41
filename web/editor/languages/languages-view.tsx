/** Two languages beside each other: every text of the form, what is missing marked. */
import { useMemo, useState, type ReactNode } from 'react';
import type { FormJson, TextProperty } from '../../../client/index.js';
import type { FieldJson, Texts } from '../../../crdt/form/form-json.js';
import { isLanguage } from '../../../crdt/form/form-values.js';
import { useWording } from '../../app/language.js';
import type { WordKey } from '../../words/index.js';
import { hasPlaceholder, useEditor, useFormNow } from '../editor-context.js';
import { RichText } from '../texts/rich-text.js';
import { TextInput } from '../texts/text-input.js';

interface Row {
  readonly target: string;
  readonly property: TextProperty;
  readonly texts: Texts;
  readonly word: WordKey;
  readonly field?: string;
  /** A text that nobody has begun need not be there. */
  readonly isOptional: boolean;
}
interface Section {
  readonly name: string;
  readonly rows: readonly Row[];
}

export function LanguagesView(): ReactNode {
  const { t } = useWording();
  const form = useFormNow();
  const [left, setLeft] = useState(form.languages[0] ?? 'en');
  const [right, setRight] = useState(form.languages[1] ?? form.languages[0] ?? 'en');
  const [isMissingOnly, setMissingOnly] = useState(false);
  const sections = useMemo(() => sectionsOf(form, t('form'), (number) => t('pageNumber', { number })), [form, t]);
  const isMissing = ({ texts, isOptional }: Row): boolean => {
    const has = (language: string): boolean => (texts[language] ?? '').trim() !== '';
    if (isOptional && !form.languages.some(has)) return false;
    return !has(left) || !has(right);
  };
  const missing = sections.flatMap(({ rows }) => rows).filter(isMissing).length;
  return (
    <div className="form-body languages">
      <div className="languages-bar card">
        <LanguageChoice label={t('leftLanguage')} value={left} onChoose={setLeft} />
        <LanguageChoice label={t('rightLanguage')} value={right} onChoose={setRight} />
        <span className={missing === 0 ? 'badge published' : 'badge moved'} role="status">
          {missing === 0 ? t('allTranslated') : t('missingTexts', { count: missing })}
        </span>
        <label className="inline">
          <input type="checkbox" checked={isMissingOnly} onChange={(event) => setMissingOnly(event.target.checked)} />
          {t('missingOnly')}
        </label>
        <span className="spacer" />
        <AddLanguage />
      </div>
      {sections.map(({ name, rows }, index) => {
        const shown = isMissingOnly ? rows.filter(isMissing) : rows;
        if (shown.length === 0) return null;
        return (
          <section key={index} className="card" aria-label={name}>
            <h2>{name}</h2>
            <ul className="pairs">
              {shown.map((row) => (
                <li key={`${row.target}/${row.property}`} className={isMissing(row) ? 'pair missing' : 'pair'}>
                  <span className="pair-name">
                    {t(row.word)} {isMissing(row) && <span className="badge moved">{t('missing')}</span>}
                  </span>
                  <Cell row={row} language={left} />
                  <Cell row={row} language={right} />
                </li>
              ))}
            </ul>
          </section>
        );
      })}
    </div>
  );
}

function Cell({ row, language }: { readonly row: Row; readonly language: string }): ReactNode {
  const { t } = useWording();
  const { target, property, field } = row;
  const label = `${t(row.word)} (${language})`;
  return property === 'description' ? (
    <RichText target={target} property={property} label={label} language={language} field={field} />
  ) : (
    <TextInput
      target={target}
      property={property}
      label={label}
      language={language}
      field={field}
      isWrapped={property === 'title'}
    />
  );
}

interface LanguageChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly onChoose: (language: string) => void;
}

function LanguageChoice({ label, value, onChoose }: LanguageChoiceProps): ReactNode {
  const { languages } = useFormNow();
  return (
    <label className="inline">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChoose(event.target.value)}>
        {languages.map((tag) => (
          <option key={tag}>{tag}</option>
        ))}
      </select>
    </label>
  );
}

function AddLanguage(): ReactNode {
  const { t } = useWording();
  const { apply, isReadOnly } = useEditor();
  const { languages } = useFormNow();
  const [tag, setTag] = useState('');
  const isRight = isLanguage(tag) && !languages.includes(tag);
  if (isReadOnly) return null;
  return (
    <form
      className="inline-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (isRight && apply({ op: 'setProperty', target: 'form', path: 'languages', value: [...languages, tag] }))
          setTag('');
      }}
    >
      <input
        aria-label={t('newLanguage')}
        placeholder="es, de, iu…"
        value={tag}
        maxLength={20}
        onChange={(event) => setTag(event.target.value.trim())}
      />
      <button disabled={!isRight}>{t('addLanguage')}</button>
    </form>
  );
}

function sectionsOf(form: FormJson, formName: string, pageName: (number: number) => string): Section[] {
  const head: Row[] = [
    { target: 'form', property: 'title', texts: form.title, word: 'formTitle', isOptional: false },
    { target: 'form', property: 'description', texts: form.description, word: 'formDescription', isOptional: true },
  ];
  return [
    { name: formName, rows: head },
    ...form.pages.map((page, index) => ({
      name: pageName(index + 1),
      rows: [
        {
          target: `pages/${page.id}`,
          property: 'title' as const,
          texts: page.title,
          word: 'pageTitle' as const,
          isOptional: true,
        },
        ...page.fields.flatMap(rowsOf),
      ],
    })),
  ];
}

function rowsOf(field: FieldJson): Row[] {
  const target = `fields/${field.id}`;
  const own = { field: field.id };
  const isStatement = field.type === 'statement';
  return [
    {
      ...own,
      target,
      property: 'title',
      texts: field.title,
      word: isStatement ? 'heading' : 'question',
      isOptional: isStatement,
    },
    { ...own, target, property: 'description', texts: field.description, word: 'description', isOptional: true },
    ...(hasPlaceholder(field)
      ? [
          {
            ...own,
            target,
            property: 'placeholder' as const,
            texts: field.placeholder ?? {},
            word: 'placeholder' as const,
            isOptional: true,
          },
        ]
      : []),
    ...(['rows', 'options'] as const).flatMap((list) =>
      (field[list] ?? []).map((option) => ({
        ...own,
        target: `${target}/${list}/${option.id}`,
        property: 'label' as const,
        texts: option.label,
        word: 'option' as const,
        isOptional: false,
      })),
    ),
    ...(field.fields ?? []).flatMap(rowsOf),
  ];
}
