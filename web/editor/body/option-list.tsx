/** Options of a choice, or rows of a matrix. */
import type { ReactNode } from 'react';
import type { FieldJson, OptionJson } from '../../../crdt/form/form-json.js';
import { newId } from '../../../crdt/form/operations/operations.js';
import { textIn, useWording } from '../../app/language.js';
import { useEditor } from '../editor-context.js';
import { fieldsIn } from '../history/rewind.js';
import { Grip } from '../moving/grip.js';
import { TextInput } from '../texts/text-input.js';

interface OptionListProps {
  readonly field: FieldJson;
  readonly list: 'options' | 'rows';
}

export function OptionList({ field, list }: OptionListProps): ReactNode {
  const { t } = useWording();
  const { apply, handle, language, isReadOnly } = useEditor();
  const items = field[list] ?? [];
  const fieldId = field.id;
  const kind = `${list}-${fieldId}`;
  const move = (optionId: string, after: string | null): void => {
    if (optionId !== after) apply({ op: 'moveOption', fieldId, list, optionId, after });
  };
  /** As they stand when they are moved, which may be before this has rendered again. */
  const itemsNow = (): readonly OptionJson[] => fieldsIn(handle.form).find(({ id }) => id === fieldId)?.[list] ?? [];
  const placeIn = (optionId: string): string => {
    const now = itemsNow();
    return t('placeOf', { number: now.findIndex(({ id }) => id === optionId) + 1, count: now.length });
  };
  const step = (optionId: string, by: -1 | 1): void => {
    const now = itemsNow();
    const index = now.findIndex(({ id }) => id === optionId);
    if (by === -1 && index > 0) move(optionId, now[index - 2]?.id ?? null);
    const next = now[index + 1];
    if (by === 1 && next !== undefined) move(optionId, next.id);
  };
  const add = (): void => {
    const id = newId();
    const label = { [language]: `${t('option')} ${items.length + 1}` };
    if (!apply({ op: 'addOption', fieldId, list, option: { id, label } })) return;
    const input = document.querySelector<HTMLInputElement>(`[data-target="fields/${fieldId}/${list}/${id}/label"]`);
    input?.focus();
    input?.select();
  };
  return (
    <fieldset className="options">
      <legend>{list === 'rows' ? t('rows') : field.type === 'matrix' ? t('columns') : t('options')}</legend>
      <ol data-list={list} data-kind={kind}>
        {items.map((option, index) => {
          const name = textIn(option.label, language) || `${t('option')} ${index + 1}`;
          const before = items[index - 1]?.id ?? null;
          return (
            <li key={option.id} data-item={option.id}>
              {!isReadOnly && (
                <Grip
                  kind={kind}
                  id={option.id}
                  name={name}
                  place={() => placeIn(option.id)}
                  up={() => step(option.id, -1)}
                  down={() => step(option.id, 1)}
                  remember={() => () => move(option.id, before)}
                  drop={({ after }) => {
                    if (after !== before) move(option.id, after);
                  }}
                />
              )}
              <TextInput
                target={`fields/${fieldId}/${list}/${option.id}`}
                property="label"
                label={`${t('option')} ${index + 1}`}
                field={fieldId}
              />
              {!isReadOnly && (
                <button
                  type="button"
                  className="icon"
                  aria-label={t('removeNamed', { name })}
                  onClick={() => apply({ op: 'removeOption', fieldId, list, optionId: option.id })}
                >
                  ✕
                </button>
              )}
            </li>
          );
        })}
      </ol>
      {!isReadOnly && (
        <button type="button" className="quiet" onClick={add}>
          + {t('addOption')}
        </button>
      )}
    </fieldset>
  );
}
