/** When a field is shown: always, or when another has a certain answer. Other logic is told as it is, and left alone. */
import type { ReactNode } from 'react';
import type { FieldJson, FormJson, Json } from '../../../crdt/form/form-json.js';
import { allFields } from '../../../crdt/logic/evaluate.js';
import { textIn, useWording } from '../../app/language.js';
import { hasOptions, useEditor, useFormNow } from '../editor-context.js';

interface Condition {
  readonly field: string;
  readonly value: Json;
  /** For fields that hold several answers. */
  readonly isAmong: boolean;
}

export function ShownWhen({ field }: { readonly field: FieldJson }): ReactNode {
  const { t } = useWording();
  const { apply, language } = useEditor();
  const form = useFormNow();
  const others = askers(form, field.id);
  const condition = readCondition(field.visibleIf);
  const asked = others.find(({ id }) => id === condition?.field);
  const isOther = field.visibleIf !== undefined && (condition === undefined || asked === undefined);
  const set = (value: Json | null): void =>
    void apply({ op: 'setProperty', target: `fields/${field.id}`, path: 'visibleIf', value });
  const choose = (id: string): void => {
    const chosen = others.find((other) => other.id === id);
    if (chosen === undefined) set(null);
    else set(conditionOn(chosen, answersOf(chosen, language, t)[0]?.value ?? true));
  };
  if (isOther) {
    return (
      <div className="shown-when">
        <p className="muted">{t('shownByRule')}</p>
        <code>{JSON.stringify(field.visibleIf)}</code>
        <button type="button" className="quiet" onClick={() => set(null)}>
          {t('showAlways')}
        </button>
      </div>
    );
  }
  return (
    <div className="shown-when">
      <label>
        <span>{t('shownWhen')}</span>
        <select value={asked?.id ?? ''} onChange={(event) => choose(event.target.value)}>
          <option value="">{t('shownAlways')}</option>
          {others.map((other) => (
            <option key={other.id} value={other.id}>
              {textIn(other.title, language) || other.id}
            </option>
          ))}
        </select>
      </label>
      {asked !== undefined && (
        <label>
          <span>{t('shownAnswer')}</span>
          <select
            value={JSON.stringify(condition?.value)}
            onChange={(event) => set(conditionOn(asked, JSON.parse(event.target.value) as Json))}
          >
            {answersOf(asked, language, t).map(({ value, name }) => (
              <option key={JSON.stringify(value)} value={JSON.stringify(value)}>
                {name}
              </option>
            ))}
          </select>
        </label>
      )}
    </div>
  );
}

/** Fields whose answers are known beforehand. */
const askers = (form: FormJson, except: string): FieldJson[] =>
  form.pages
    .flatMap((page) => allFields(page.fields))
    .filter(
      (other) => other.id !== except && other.type !== 'matrix' && (hasOptions(other) || other.type === 'boolean'),
    );

function answersOf(
  field: FieldJson,
  language: string,
  t: (key: 'isYes' | 'isNo') => string,
): { readonly value: Json; readonly name: string }[] {
  if (field.type === 'boolean') {
    return [
      { value: true, name: t('isYes') },
      { value: false, name: t('isNo') },
    ];
  }
  return (field.options ?? []).map((option) => ({
    value: option.value ?? option.id,
    name: textIn(option.label, language) || option.id,
  }));
}

const holdsSeveral = ({ type }: FieldJson): boolean => type === 'choices' || type === 'ranking';

function conditionOn(field: FieldJson, value: Json): Json {
  return holdsSeveral(field) ? { in: [value, { var: field.id }] } : { '==': [{ var: field.id }, value] };
}

function readCondition(rule: Json | undefined): Condition | undefined {
  if (typeof rule !== 'object' || rule === null || Array.isArray(rule)) return undefined;
  if (typeof rule['var'] === 'string') return { field: rule['var'], value: true, isAmong: false };
  const [among, equal] = [rule['in'], rule['==']];
  const pair = Array.isArray(among) ? [among[1], among[0]] : Array.isArray(equal) ? equal : [];
  const [variable, value] = pair;
  if (typeof variable !== 'object' || variable === null || Array.isArray(variable)) return undefined;
  const field = variable['var'];
  if (typeof field !== 'string' || value === undefined || typeof value === 'object') return undefined;
  return { field, value, isAmong: Array.isArray(among) };
}
