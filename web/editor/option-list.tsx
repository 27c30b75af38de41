/** Options of a choice, or rows of a matrix. */
import type { ReactNode } from 'react';
import type { FieldJson } from '../../crdt/form/form-json.js';
import { newId } from '../../crdt/form/operations.js';
import { textIn, useWording } from '../app/language.js';
import { useEditor } from './editor-context.js';
import { MoveButtons } from './form-body.js';
import { TextInput } from './text-input.js';

export function OptionList({
  field,
  list,
}: {
  readonly field: FieldJson;
  readonly list: 'options' | 'rows';
}): ReactNode {
  const { t } = useWording();
  const { apply, language } = useEditor();
  const items = field[list] ?? [];
  const fieldId = field.id;
  const move = (optionId: string, after: string | null | undefined): void => {
    if (after !== undefined) apply({ op: 'moveOption', fieldId, list, optionId, after });
  };
  return (
    <fieldset className="options">
      <legend>{list === 'rows' ? t('rows') : field.type === 'matrix' ? t('columns') : t('options')}</legend>
      <ol>
        {items.map((option, index) => {
          const name = textIn(option.label, language) || `${t('option')} ${index + 1}`;
          return (
            <li key={option.id}>
              <TextInput
                target={`fields/${fieldId}/${list}/${option.id}`}
                property="label"
                label={`${t('option')} ${index + 1}`}
                field={fieldId}
              />
              <MoveButtons
                name={name}
                onUp={index === 0 ? undefined : () => move(option.id, items[index - 2]?.id ?? null)}
                onDown={index === items.length - 1 ? undefined : () => move(option.id, items[index + 1]?.id)}
              />
              <button
                type="button"
                className="icon"
                aria-label={t('removeNamed', { name })}
                onClick={() => apply({ op: 'removeOption', fieldId, list, optionId: option.id })}
              >
                ✕
              </button>
            </li>
          );
        })}
      </ol>
      <button
        type="button"
        onClick={() =>
          apply({
            op: 'addOption',
            fieldId,
            list,
            option: { id: newId(), label: { [language]: `${t('option')} ${items.length + 1}` } },
          })
        }
      >
        {t('addOption')}
      </button>
    </fieldset>
  );
}
