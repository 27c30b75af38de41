import { useCallback } from 'react';
import type { FieldType } from '../../../crdt/form/form-json.js';
import { useWording } from '../../app/language.js';
import { typeWord } from '../../words/field-types.js';
import { useEditor } from '../editor-context.js';
import type { Place } from '../moving/field-places.js';
import { newField } from './new-field.js';

/** Adds a field, opens it, and puts the caret into its title. */
export function useAddField(): (type: FieldType, place: Place, after: string | null) => void {
  const { t, language: own } = useWording();
  const { apply, select, language, announce } = useEditor();
  return useCallback(
    (type, place, after) => {
      const field = newField(type, language, t('option'));
      if (!apply({ op: 'addField', ...place, after, field })) return;
      select(field.id);
      announce(t('addedNamed', { name: typeWord(type, own) }));
      document.querySelector<HTMLInputElement>(`[data-target="fields/${field.id}/title"]`)?.focus();
    },
    [apply, select, announce, language, t, own],
  );
}
