/** Where an answer goes in, for each type of field. */
import type { ReactNode } from 'react';
import type { FieldJson, Json, OptionJson } from '../../crdt/form/form-json.js';
import { isRow } from '../../crdt/submission/sheet-logic.js';
import { textIn, useWording } from '../app/language.js';
import { isolated } from '../app/text-language.js';
import { FormText } from '../parts/form-text.js';
import { OwnWords } from '../parts/own-words.js';
import { FileInput } from './file-input.js';
import { useSheet } from './sheet-context.js';

export interface AnswerInputProps {
  readonly field: FieldJson;
  /** Of the control that the label belongs to. */
  readonly id: string;
  readonly name: string;
  readonly value: Json | undefined;
  readonly isRequired: boolean;
  readonly isEnabled: boolean;
  readonly isWrong: boolean;
  readonly describedBy: string | undefined;
  readonly onAnswer: (value: Json) => void;
}

const INPUT_TYPES: Readonly<Partial<Record<FieldJson['type'], string>>> = {
  email: 'email',
  phone: 'tel',
  url: 'url',
  number: 'number',
  date: 'date',
  time: 'time',
  datetime: 'datetime-local',
};

const storedValue = (option: OptionJson): string | number | boolean => option.value ?? option.id;

export function AnswerInput(props: AnswerInputProps): ReactNode {
  const { field } = props;
  switch (field.type) {
    case 'choice':
      return <Choices {...props} kind="radio" />;
    case 'choices':
      return <Choices {...props} kind="checkbox" />;
    case 'dropdown':
      return <Dropdown {...props} />;
    case 'ranking':
      return <Ranking {...props} />;
    case 'rating':
    case 'scale':
      return (field.options ?? []).length > 0 ? <Choices {...props} kind="radio" /> : <Scale {...props} />;
    case 'matrix':
      return <Matrix {...props} />;
    case 'boolean':
      return <YesNo {...props} />;
    case 'file':
      return <FileInput {...props} />;
    case 'calculated':
      return <output id={props.id}>{typeof props.value === 'object' ? '' : String(props.value ?? '–')}</output>;
    default:
      return <TextAnswer {...props} />;
  }
}

function TextAnswer({
  field,
  id,
  value,
  isRequired,
  isEnabled,
  isWrong,
  describedBy,
  onAnswer,
}: AnswerInputProps): ReactNode {
  const { language } = useSheet();
  const shared = {
    id,
    disabled: !isEnabled,
    'aria-required': isRequired,
    'aria-invalid': isWrong,
    'aria-describedby': describedBy,
    placeholder: textIn(field.placeholder, language),
    // A number stays one: compared as texts, `1.0` on the way to `1.05` would be put right to `1`, and `-0` to `0`.
    value: typeof value === 'string' || typeof value === 'number' ? value : '',
  };
  const take = (text: string): void => {
    if (text === '') onAnswer(null);
    else onAnswer(field.type === 'number' ? Number(text) : text);
  };
  if (field.type === 'paragraph' || field.type === 'address')
    return <textarea {...shared} rows={4} onChange={(event) => take(event.target.value)} />;
  return (
    <input
      {...shared}
      type={INPUT_TYPES[field.type] ?? 'text'}
      // Numbers, dates and addresses run from the left in every script.
      dir={field.type in INPUT_TYPES ? 'ltr' : undefined}
      step={field.type === 'number' ? (field.validation.step ?? 'any') : undefined}
      autoComplete={field.type === 'email' ? 'email' : field.type === 'phone' ? 'tel' : 'on'}
      onChange={(event) => take(event.target.value)}
    />
  );
}

function Choices({
  field,
  id,
  value,
  isEnabled,
  onAnswer,
  kind,
}: AnswerInputProps & { readonly kind: 'radio' | 'checkbox' }): ReactNode {
  const { language } = useSheet();
  const chosen = Array.isArray(value) ? value : value === undefined ? [] : [value];
  const toggle = (stored: Json, isOn: boolean): void => {
    if (kind === 'radio') onAnswer(stored);
    else {
      const next = isOn ? [...chosen, stored] : chosen.filter((each) => each !== stored);
      onAnswer(next.length === 0 ? null : next);
    }
  };
  return (
    <div className="choices">
      {(field.options ?? []).map((option) => (
        <label key={option.id} className="choice">
          <input
            type={kind}
            name={id}
            disabled={!isEnabled}
            checked={chosen.includes(storedValue(option))}
            onChange={(event) => toggle(storedValue(option), event.target.checked)}
          />
          <span>
            <FormText texts={option.label} language={language} otherwise={option.id} />
          </span>
        </label>
      ))}
    </div>
  );
}

function Dropdown({
  field,
  id,
  value,
  isRequired,
  isEnabled,
  isWrong,
  describedBy,
  onAnswer,
}: AnswerInputProps): ReactNode {
  const { t, language: own } = useWording();
  const { language } = useSheet();
  const options = field.options ?? [];
  const placeholder = textIn(field.placeholder, language);
  const chosen = options.find((option) => storedValue(option) === value)?.id ?? '';
  return (
    <select
      id={id}
      value={chosen}
      disabled={!isEnabled}
      aria-required={isRequired}
      aria-invalid={isWrong}
      aria-describedby={describedBy}
      onChange={(event) => {
        const option = options.find(({ id: optionId }) => optionId === event.target.value);
        onAnswer(option === undefined ? null : storedValue(option));
      }}
    >
      <option value="" lang={placeholder === '' ? own : language}>
        {placeholder || isolated(t('choose'))}
      </option>
      {options.map((option) => (
        <option key={option.id} value={option.id}>
          {textIn(option.label, language) || option.id}
        </option>
      ))}
    </select>
  );
}

/** Nothing is answered before something was moved or confirmed. */
function Ranking({ field, value, isEnabled, onAnswer }: AnswerInputProps): ReactNode {
  const { t } = useWording();
  const { language } = useSheet();
  const options = field.options ?? [];
  const ranked = Array.isArray(value) ? value : [];
  const ordered = [
    ...ranked.flatMap((stored) => options.filter((option) => storedValue(option) === stored)),
    ...options.filter((option) => !ranked.includes(storedValue(option))),
  ];
  const swap = (at: number, by: number): void => {
    const next = ordered.map(storedValue);
    const [item] = next.splice(at, 1);
    if (item !== undefined) next.splice(at + by, 0, item);
    onAnswer(next);
  };
  return (
    <>
      <ol className="ranking">
        {ordered.map((option, index) => {
          const name = textIn(option.label, language) || option.id;
          return (
            <li key={option.id}>
              <span>
                <FormText texts={option.label} language={language} otherwise={option.id} />
              </span>
              <button
                type="button"
                className="icon"
                aria-label={t('upNamed', { name })}
                disabled={!isEnabled || index === 0}
                onClick={() => swap(index, -1)}
              >
                ↑
              </button>
              <button
                type="button"
                className="icon"
                aria-label={t('downNamed', { name })}
                disabled={!isEnabled || index === ordered.length - 1}
                onClick={() => swap(index, 1)}
              >
                ↓
              </button>
            </li>
          );
        })}
      </ol>
      {ranked.length === 0 && (
        <button type="button" className="quiet" disabled={!isEnabled} onClick={() => swap(0, 0)}>
          <OwnWords>{t('keepOrder')}</OwnWords>
        </button>
      )}
    </>
  );
}

const MOST_STEPS = 21;

function Scale({ field, id, value, isEnabled, onAnswer }: AnswerInputProps): ReactNode {
  const { min = field.type === 'scale' ? 0 : 1, max = field.type === 'scale' ? 10 : 5, step = 1 } = field.validation;
  const from = Number(min);
  const count = Math.min(MOST_STEPS, Math.floor((Number(max) - from) / step) + 1);
  return (
    <div className="scale">
      {Array.from({ length: Math.max(0, count) }, (_, i) => from + i * step).map((mark) => (
        <label key={mark}>
          <input
            type="radio"
            name={id}
            checked={value === mark}
            disabled={!isEnabled}
            onChange={() => onAnswer(mark)}
          />
          <span>{mark}</span>
        </label>
      ))}
    </div>
  );
}

function YesNo({ id, value, isEnabled, onAnswer }: AnswerInputProps): ReactNode {
  const { t } = useWording();
  return (
    <div className="choices">
      {[true, false].map((each) => (
        <label key={String(each)} className="choice">
          <input
            type="radio"
            name={id}
            checked={value === each}
            disabled={!isEnabled}
            onChange={() => onAnswer(each)}
          />
          <OwnWords>{t(each ? 'yes' : 'no')}</OwnWords>
        </label>
      ))}
    </div>
  );
}

function Matrix({ field, id, name, value, isEnabled, onAnswer }: AnswerInputProps): ReactNode {
  const { language } = useSheet();
  const given = isRow(value) ? value : {};
  return (
    <div className="matrix" tabIndex={0} role="region" aria-label={name}>
      <table>
        <thead>
          <tr>
            <td />
            {(field.options ?? []).map((option) => (
              <th key={option.id} scope="col">
                <FormText texts={option.label} language={language} otherwise={option.id} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {(field.rows ?? []).map((row) => (
            <tr key={row.id}>
              <th scope="row">
                <FormText texts={row.label} language={language} otherwise={row.id} />
              </th>
              {(field.options ?? []).map((option) => (
                <td key={option.id}>
                  <input
                    type="radio"
                    name={`${id}-${row.id}`}
                    aria-label={`${textIn(row.label, language)}: ${textIn(option.label, language)}`}
                    disabled={!isEnabled}
                    checked={given[String(storedValue(row))] === storedValue(option)}
                    onChange={() => onAnswer({ ...given, [String(storedValue(row))]: storedValue(option) })}
                  />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
