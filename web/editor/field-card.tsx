/** One field: its title always, everything else when it is open. */
import { useState, type DragEvent, type ReactNode } from 'react';
import type { FieldJson } from '../../crdt/form/form-json.js';
import { textIn, useWording } from '../app/language.js';
import { typeWord } from '../words/field-types.js';
import { colourOf } from '../parts/avatar.js';
import { hasOptions, hasPlaceholder, useEditor } from './editor-context.js';
import { FIELD_DRAG, FieldList, MoveButtons } from './form-body.js';
import { OptionList } from './option-list.js';
import { TextInput } from './text-input.js';

export interface FieldCardProps {
  readonly field: FieldJson;
  readonly onUp: (() => void) | undefined;
  readonly onDown: (() => void) | undefined;
  /** Another field was dropped here. */
  readonly onDropped: (fieldId: string) => void;
}

export function FieldCard({ field, onUp, onDown, onDropped }: FieldCardProps): ReactNode {
  const { t, language: own } = useWording();
  const { apply, language, selected, select, others, openThreads } = useEditor();
  const [isOver, setOver] = useState(false);
  const isOpen = selected === field.id;
  const target = `fields/${field.id}`;
  const name = textIn(field.title, language) || typeWord(field.type, own);
  const here = others.filter((person) => person.field === field.id);
  const first = here[0];
  const onDrop = (event: DragEvent): void => {
    const dropped = event.dataTransfer.getData(FIELD_DRAG);
    setOver(false);
    if (dropped === '') return;
    event.preventDefault();
    event.stopPropagation();
    onDropped(dropped);
  };
  const classes = [
    'card field',
    isOpen ? 'open' : '',
    isOver ? 'over' : '',
    first === undefined ? '' : `held ${colourOf(first.user.id)}`,
  ];
  return (
    <li
      className={classes.join(' ')}
      data-field={field.id}
      onFocus={(event) => {
        event.stopPropagation();
        select(field.id);
      }}
      onDragOver={(event) => {
        if (!event.dataTransfer.types.includes(FIELD_DRAG)) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={onDrop}
    >
      <div className="field-head">
        <span
          className="grip"
          draggable
          aria-hidden="true"
          onDragStart={(event) => event.dataTransfer.setData(FIELD_DRAG, field.id)}
        >
          ⠿
        </span>
        <TextInput target={target} property="title" label={t('question')} className="question" field={field.id} />
        {field.required && <span className="badge">{t('required')}</span>}
        <span className="badge type">{typeWord(field.type, own)}</span>
        {(openThreads.get(field.id) ?? 0) > 0 && (
          <span className="badge talk">{t('threadCount', { count: openThreads.get(field.id) ?? 0 })}</span>
        )}
      </div>
      {here.length > 0 && (
        <p className="here">
          {t(here.some(({ activity }) => activity === 'typing') ? 'typingHere' : 'workingHere', {
            names: here.map(({ user }) => user.name ?? user.id).join(', '),
          })}
        </p>
      )}
      {isOpen && (
        <div className="field-more">
          <TextInput target={target} property="description" label={t('description')} field={field.id} isLong />
          {hasPlaceholder(field) && (
            <TextInput target={target} property="placeholder" label={t('placeholder')} field={field.id} />
          )}
          {field.type === 'matrix' && <OptionList field={field} list="rows" />}
          {hasOptions(field) && <OptionList field={field} list="options" />}
          <div className="field-foot">
            {!['statement', 'calculated', 'group', 'hidden'].includes(field.type) && (
              <label className="inline">
                <input
                  type="checkbox"
                  checked={field.required}
                  onChange={(event) =>
                    apply({ op: 'setProperty', target, path: 'required', value: event.target.checked })
                  }
                />
                {t('required')}
              </label>
            )}
            <span className="spacer" />
            <MoveButtons name={name} onUp={onUp} onDown={onDown} />
            <button
              type="button"
              className="icon bad"
              aria-label={t('removeNamed', { name })}
              onClick={() => apply({ op: 'removeField', fieldId: field.id })}
            >
              ✕
            </button>
          </div>
        </div>
      )}
      {field.type === 'group' && (
        <div className="group">
          <FieldList fields={field.fields ?? []} place={{ parent: field.id }} />
        </div>
      )}
    </li>
  );
}
