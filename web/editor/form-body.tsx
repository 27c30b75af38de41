/** The form itself: its title, its pages, their fields. */
import { useState, type ReactNode } from 'react';
import { FIELD_TYPES, type FieldJson, type FieldType, type PageJson } from '../../crdt/form/form-json.js';
import { newId, type OperationInput } from '../../crdt/form/operations.js';
import { useWording } from '../app/language.js';
import { typeWord } from '../words/field-types.js';
import { useEditor } from './editor-context.js';
import { FieldCard } from './field-card.js';
import { TextInput } from './text-input.js';

export function FormBody(): ReactNode {
  const { t } = useWording();
  const { form, apply } = useEditor();
  return (
    <div className="form-body">
      <div className="card form-head">
        <h1 className="unseen">{t('editing')}</h1>
        <TextInput target="form" property="title" label={t('formTitle')} className="title" />
        <TextInput target="form" property="description" label={t('formDescription')} isLong />
      </div>
      {form.pages.map((page, index) => (
        <PageSection key={page.id} page={page} index={index} />
      ))}
      <button
        type="button"
        className="add-page"
        onClick={() => apply({ op: 'addPage', page: { id: newId(), title: {}, description: {}, fields: [] } })}
      >
        {t('addPage')}
      </button>
    </div>
  );
}

function PageSection({ page, index }: { readonly page: PageJson; readonly index: number }): ReactNode {
  const { t } = useWording();
  const { form, apply } = useEditor();
  const name = t('pageNumber', { number: index + 1 });
  const before = form.pages[index - 2]?.id ?? null;
  const after = form.pages[index + 1]?.id;
  return (
    <section className="page" aria-label={name}>
      <div className="page-head">
        <span className="page-number">{name}</span>
        <TextInput target={`pages/${page.id}`} property="title" label={t('pageTitle')} className="page-title" />
        <MoveButtons
          name={name}
          onUp={index === 0 ? undefined : () => apply({ op: 'movePage', pageId: page.id, after: before })}
          onDown={after === undefined ? undefined : () => apply({ op: 'movePage', pageId: page.id, after })}
        />
        {form.pages.length > 1 && page.fields.length === 0 && (
          <button
            type="button"
            className="icon"
            aria-label={t('removeNamed', { name })}
            onClick={() => apply({ op: 'removePage', pageId: page.id })}
          >
            ✕
          </button>
        )}
      </div>
      <FieldList fields={page.fields} place={{ page: page.id }} />
    </section>
  );
}

type Place = { readonly page: string } | { readonly parent: string };

export function FieldList({
  fields,
  place,
}: {
  readonly fields: readonly FieldJson[];
  readonly place: Place;
}): ReactNode {
  const { apply } = useEditor();
  const move = (fieldId: string, after: string | null): void => {
    if (fieldId !== after) apply({ op: 'moveField', fieldId, ...place, after } satisfies OperationInput);
  };
  return (
    <>
      <ol className="fields">
        {fields.map((field, index) => (
          <FieldCard
            key={field.id}
            field={field}
            onUp={index === 0 ? undefined : () => move(field.id, fields[index - 2]?.id ?? null)}
            onDown={index === fields.length - 1 ? undefined : () => move(field.id, fields[index + 1]?.id ?? null)}
            onDropped={(dropped) => move(dropped, field.id)}
          />
        ))}
      </ol>
      <AddField place={place} last={fields[fields.length - 1]?.id ?? null} onDropped={move} />
    </>
  );
}

interface AddFieldProps {
  readonly place: Place;
  readonly last: string | null;
  readonly onDropped: (fieldId: string, after: string | null) => void;
}

export const FIELD_DRAG = 'application/x-formloom-field';

function AddField({ place, last, onDropped }: AddFieldProps): ReactNode {
  const { t, language: own } = useWording();
  const { apply, select, language } = useEditor();
  const [type, setType] = useState<FieldType>('text');
  const add = (): void => {
    const id = newId();
    apply({ op: 'addField', ...place, field: newField(id, type, language, t('option')) });
    select(id);
    // The new field's title has the focus, as soon as it is there.
    requestAnimationFrame(() =>
      document.querySelector<HTMLInputElement>(`[data-target="fields/${id}/title"]`)?.focus(),
    );
  };
  return (
    <div
      className="add-field"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => onDropped(event.dataTransfer.getData(FIELD_DRAG), last)}
    >
      <select aria-label={t('fieldType')} value={type} onChange={(event) => setType(event.target.value as FieldType)}>
        {FIELD_TYPES.map((each) => (
          <option key={each} value={each}>
            {typeWord(each, own)}
          </option>
        ))}
      </select>
      <button type="button" onClick={add}>
        {t('addField')}
      </button>
    </div>
  );
}

function newField(id: string, type: FieldType, language: string, option: string): FieldJson {
  const field: FieldJson = { id, type, title: {}, description: {}, required: false, validation: {} };
  const choices = (count: number, name: string): FieldJson['options'] =>
    Array.from({ length: count }, (_, i) => ({ id: newId(), label: { [language]: `${name} ${i + 1}` } }));
  if (['choice', 'choices', 'dropdown', 'ranking', 'matrix'].includes(type)) field.options = choices(2, option);
  if (type === 'matrix') field.rows = choices(2, option);
  if (type === 'rating' || type === 'scale') field.validation = { min: 1, max: type === 'rating' ? 5 : 10 };
  if (type === 'group') field.fields = [];
  return field;
}

interface MoveButtonsProps {
  readonly name: string;
  readonly onUp: (() => void) | undefined;
  readonly onDown: (() => void) | undefined;
}

export function MoveButtons({ name, onUp, onDown }: MoveButtonsProps): ReactNode {
  const { t } = useWording();
  return (
    <>
      <button
        type="button"
        className="icon"
        aria-label={t('upNamed', { name })}
        disabled={onUp === undefined}
        onClick={onUp}
      >
        ↑
      </button>
      <button
        type="button"
        className="icon"
        aria-label={t('downNamed', { name })}
        disabled={onDown === undefined}
        onClick={onDown}
      >
        ↓
      </button>
    </>
  );
}
