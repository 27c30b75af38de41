/** What answers have to be: the limits that a field of this type can have, and when it is shown. */
import { useEffect, useState, type ReactNode } from 'react';
import type { FieldJson, FieldType, ValidationJson } from '../../../crdt/form/form-json.js';
import { useWording } from '../../app/language.js';
import type { WordKey } from '../../words/index.js';
import { useEditor } from '../editor-context.js';
import { ShownWhen } from './shown-when.js';

type Limit = 'minLength' | 'maxLength' | 'pattern' | 'min' | 'max' | 'step' | 'minItems' | 'maxItems';

const WORDS: Readonly<Record<Limit, WordKey>> = {
  minLength: 'limitMinLength',
  maxLength: 'limitMaxLength',
  pattern: 'limitPattern',
  min: 'limitMin',
  max: 'limitMax',
  step: 'limitStep',
  minItems: 'limitMinItems',
  maxItems: 'limitMaxItems',
};
const TEXT: readonly Limit[] = ['minLength', 'maxLength', 'pattern'];
const RANGE: readonly Limit[] = ['min', 'max'];
const ITEMS: readonly Limit[] = ['minItems', 'maxItems'];
const LIMITS: Partial<Readonly<Record<FieldType, readonly Limit[]>>> = {
  text: TEXT,
  paragraph: ['minLength', 'maxLength'],
  number: ['min', 'max', 'step'],
  date: RANGE,
  time: RANGE,
  datetime: RANGE,
  rating: RANGE,
  scale: RANGE,
  choices: ITEMS,
  ranking: ITEMS,
  file: ITEMS,
};

export function FieldRules({ field }: { readonly field: FieldJson }): ReactNode {
  const { t } = useWording();
  const limits = LIMITS[field.type] ?? [];
  return (
    <details className="rules">
      <summary>{t('rules')}</summary>
      {limits.length > 0 && (
        <div className="limits">
          {limits.map((limit) => (
            <LimitInput key={limit} field={field} limit={limit} />
          ))}
        </div>
      )}
      <ShownWhen field={field} />
    </details>
  );
}

const isMoment = ({ type }: FieldJson): boolean => type === 'date' || type === 'time' || type === 'datetime';

function LimitInput({ field, limit }: { readonly field: FieldJson; readonly limit: Limit }): ReactNode {
  const { t } = useWording();
  const { apply, show } = useEditor();
  const stored = field.validation[limit as keyof ValidationJson];
  const now = stored === undefined ? '' : String(stored);
  const [value, setValue] = useState(now);
  useEffect(() => setValue(now), [now]);
  const inputType =
    limit === 'pattern'
      ? 'text'
      : !isMoment(field)
        ? 'number'
        : field.type === 'datetime'
          ? 'datetime-local'
          : field.type;
  const commit = (): void => {
    show({ field: null });
    if (value === now) return;
    const given = inputType === 'number' ? Number(value) : value;
    const path = `validation.${limit}`;
    const isTaken = apply({
      op: 'setProperty',
      target: `fields/${field.id}`,
      path,
      value: value === '' ? null : given,
    });
    if (!isTaken) setValue(now);
  };
  return (
    <label>
      <span>{t(WORDS[limit])}</span>
      <input
        type={inputType}
        value={value}
        step={inputType === 'number' ? 'any' : undefined}
        data-limit={limit}
        onFocus={() => show({ field: field.id, activity: 'viewing' })}
        onChange={(event) => setValue(event.target.value)}
        onBlur={commit}
        onKeyDown={(event) => event.key === 'Enter' && commit()}
      />
    </label>
  );
}
