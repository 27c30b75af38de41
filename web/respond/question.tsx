/** One field as a respondent sees it: what is asked, where to answer, what is wrong. */
import { useId, type ReactNode } from 'react';
import type { FieldJson, Json } from '../../crdt/form/form-json.js';
import { isRepeating, isRow, type SheetPart } from '../../crdt/submission/sheet-logic.js';
import { languageIn, textIn, useWording } from '../app/language.js';
import { FormText } from '../parts/form-text.js';
import { OwnWords } from '../parts/own-words.js';
import { RichView } from '../parts/rich-view.js';
import { AnswerInput } from './answer-input.js';
import { AtQuestion } from './company.js';
import { issueText } from './issue-text.js';
import { useSheet } from './sheet-context.js';

export interface QuestionProps {
  readonly field: FieldJson;
  /** The sheet, or the row of a group, that it stands in. */
  readonly part: SheetPart;
  /** Dotted, as issues have it. */
  readonly path: string;
  readonly value: Json | undefined;
  readonly onAnswer: (value: Json) => void;
}

export function Question(props: QuestionProps): ReactNode {
  const { field, part } = props;
  if (!part.visible.has(field.id) || field.type === 'hidden') return null;
  if (field.type === 'statement') return <Statement field={field} />;
  if (field.type === 'group') return isRepeating(field) ? <Rows {...props} /> : <Group {...props} />;
  return <Single {...props} />;
}

function Statement({ field }: { readonly field: FieldJson }): ReactNode {
  const { language } = useSheet();
  const title = textIn(field.title, language);
  return (
    <div className="card statement">
      {title !== '' && (
        <h3>
          <FormText texts={field.title} language={language} />
        </h3>
      )}
      <RichView text={textIn(field.description, language)} lang={languageIn(field.description, language)} />
    </div>
  );
}

/** Several controls belong to one question. */
const GROUPED: ReadonlySet<string> = new Set(['choice', 'choices', 'ranking', 'rating', 'scale', 'matrix', 'boolean']);

function Single({ field, part, path, value, onAnswer }: QuestionProps): ReactNode {
  const { t } = useWording();
  const { language, issues, touch, others } = useSheet();
  const id = useId();
  const own = issues.filter((issue) => issue.path === path || issue.path.startsWith(`${path}.`));
  const description = textIn(field.description, language);
  const isRequired = part.required.has(field.id);
  const describedBy = [description === '' ? '' : `${id}-d`, own.length === 0 ? '' : `${id}-e`]
    .filter(Boolean)
    .join(' ');
  const title = (
    <>
      <FormText texts={field.title} language={language} otherwise={<OwnWords>{t('question')}</OwnWords>} />
      {isRequired && (
        <span className="needed">
          {' '}
          <OwnWords>{t('requiredMark')}</OwnWords>
        </span>
      )}
    </>
  );
  const input = (
    <AnswerInput
      field={field}
      id={id}
      name={textIn(field.title, language) || t('question')}
      value={value ?? part.values[field.id]}
      isRequired={isRequired}
      isEnabled={part.enabled.has(field.id)}
      isWrong={own.length > 0}
      describedBy={describedBy === '' ? undefined : describedBy}
      onAnswer={onAnswer}
    />
  );
  const notes = (
    <>
      {description !== '' && (
        <RichView
          id={`${id}-d`}
          className="description"
          text={description}
          lang={languageIn(field.description, language)}
        />
      )}
    </>
  );
  const errors = own.length > 0 && (
    <p id={`${id}-e`} className="issue" role="alert">
      <OwnWords>{own.map((issue) => issueText(t, field, issue)).join(' ')}</OwnWords>
    </p>
  );
  const className = `card question-card ${own.length > 0 ? 'has-issue' : ''}`;
  const onBlur = (): void => touch(path);
  if (GROUPED.has(field.type)) {
    return (
      <fieldset
        data-question={field.id}
        className={className}
        aria-describedby={describedBy === '' ? undefined : describedBy}
        onBlur={onBlur}
      >
        <legend>{title}</legend>
        {notes}
        {input}
        {errors}
        <AtQuestion others={others.filter((person) => person.field === field.id)} />
      </fieldset>
    );
  }
  return (
    <div data-question={field.id} className={className} onBlur={onBlur}>
      <label htmlFor={id}>{title}</label>
      {notes}
      {input}
      {errors}
      <AtQuestion others={others.filter((person) => person.field === field.id)} />
    </div>
  );
}

function Group({ field, part, path }: QuestionProps): ReactNode {
  const { language, answers, answer } = useSheet();
  const root = path.split('.')[0] ?? '';
  return (
    <fieldset className="card group-card">
      <legend>
        <FormText texts={field.title} language={language} />
      </legend>
      <RichView
        className="description"
        text={textIn(field.description, language)}
        lang={languageIn(field.description, language)}
      />
      {/* The fields of a group that does not repeat stand at the top of the sheet. */}
      {(field.fields ?? []).map((child) => (
        <Question
          key={child.id}
          field={child}
          part={part}
          path={`${root}.${child.id}`}
          value={answers[child.id]}
          onAnswer={(value) => answer(child.id, value)}
        />
      ))}
    </fieldset>
  );
}

function Rows({ field, path, value, onAnswer }: QuestionProps): ReactNode {
  const { t } = useWording();
  const { language, state, issues } = useSheet();
  const name = textIn(field.title, language);
  const rows = Array.isArray(value) ? value.map((row) => (isRow(row) ? row : {})) : [];
  const parts = state.rows.get(field.id) ?? [];
  const own = issues.filter((issue) => issue.path === path);
  const change = (index: number, id: string, answer: Json): void =>
    onAnswer(
      rows.map((row, i) => {
        if (i !== index) return row;
        const others = Object.entries(row).filter(([member]) => member !== id);
        return Object.fromEntries(answer === null ? others : [...others, [id, answer]]);
      }),
    );
  return (
    <fieldset className={`card group-card ${own.length > 0 ? 'has-issue' : ''}`}>
      <legend>
        <FormText texts={field.title} language={language} />
      </legend>
      <RichView
        className="description"
        text={textIn(field.description, language)}
        lang={languageIn(field.description, language)}
      />
      {rows.map((row, index) => {
        const part = parts[index];
        return (
          <div key={index} className="row" role="group" aria-label={`${name} ${index + 1}`}>
            <div className="row-head">
              <strong>{index + 1}</strong>
              <button
                type="button"
                className="quiet"
                aria-label={t('removeNamed', { name: `${name} ${index + 1}` })}
                onClick={() => onAnswer(rows.length === 1 ? null : rows.filter((_, i) => i !== index))}
              >
                <OwnWords>{t('remove')}</OwnWords>
              </button>
            </div>
            {part !== undefined &&
              (field.fields ?? []).map((child) => (
                <Question
                  key={child.id}
                  field={child}
                  part={part}
                  path={`${path}.${index}.${child.id}`}
                  value={row[child.id]}
                  onAnswer={(answer) => change(index, child.id, answer)}
                />
              ))}
          </div>
        );
      })}
      {own.length > 0 && (
        <p className="issue" role="alert">
          <OwnWords>{own.map((issue) => issueText(t, field, issue)).join(' ')}</OwnWords>
        </p>
      )}
      <button
        type="button"
        disabled={rows.length >= (field.repeat?.max ?? Infinity)}
        onClick={() => onAnswer([...rows, {}])}
      >
        <OwnWords>{t('addRow')}</OwnWords>
      </button>
    </fieldset>
  );
}
