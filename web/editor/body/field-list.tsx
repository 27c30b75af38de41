/** Fields of a page or of a group, and the way to add one. */
import { useState, type ReactNode } from 'react';
import { FIELD_TYPES, type FieldJson, type FieldType } from '../../../crdt/form/form-json.js';
import { useWording } from '../../app/language.js';
import { typeWord } from '../../words/field-types.js';
import { useEditor, useSelected } from '../editor-context.js';
import { listOf, type Place } from '../moving/field-places.js';
import { FieldCard } from './field-card.js';
import { useAddField } from './use-add-field.js';

interface FieldListProps {
  readonly fields: readonly FieldJson[];
  readonly place: Place;
}

export function FieldList({ fields, place }: FieldListProps): ReactNode {
  const { t } = useWording();
  const { isReadOnly } = useEditor();
  const selected = useSelected();
  return (
    <>
      <ol className="fields" data-list={listOf(place)} data-kind="field">
        {fields.map((field) => (
          <FieldCard key={field.id} field={field} isOpen={selected === field.id} />
        ))}
        {fields.length === 0 && <li className="no-fields">{t('noFields')}</li>}
      </ol>
      {!isReadOnly && <AddField place={place} last={fields[fields.length - 1]?.id ?? null} />}
    </>
  );
}

function AddField({ place, last }: { readonly place: Place; readonly last: string | null }): ReactNode {
  const { t, language: own } = useWording();
  const add = useAddField();
  const [type, setType] = useState<FieldType>('text');
  return (
    <div className="add-field">
      <select aria-label={t('fieldType')} value={type} onChange={(event) => setType(event.target.value as FieldType)}>
        {FIELD_TYPES.map((each) => (
          <option key={each} value={each}>
            {typeWord(each, own)}
          </option>
        ))}
      </select>
      <button type="button" onClick={() => add(type, place, last)}>
        {t('addField')}
      </button>
    </div>
  );
}
