/** Kinds of fields: dragged onto a page, or pressed to come behind the field that is open. */
import type { ReactNode } from 'react';
import { useWording } from '../../app/language.js';
import { typeWord } from '../../words/field-types.js';
import { useEditor, useSelected } from '../editor-context.js';
import { useDrag } from '../moving/drag.js';
import { placeOf, standingOf, type Place } from '../moving/field-places.js';
import { TYPE_GROUPS, TYPE_SIGNS } from './new-field.js';
import { useAddField } from './use-add-field.js';

export function Palette(): ReactNode {
  const { t, language: own } = useWording();
  const { handle } = useEditor();
  const selected = useSelected();
  const begin = useDrag();
  const add = useAddField();
  const nextSpot = (): { place: Place; after: string | null } | undefined => {
    const { form } = handle;
    const standing = selected === null ? undefined : standingOf(form, selected);
    if (standing !== undefined) return { place: standing.place, after: selected };
    const last = form.pages[form.pages.length - 1];
    return last === undefined
      ? undefined
      : { place: { page: last.id }, after: last.fields[last.fields.length - 1]?.id ?? null };
  };
  return (
    <aside className="palette" aria-label={t('palette')}>
      {TYPE_GROUPS.map(({ word, types }) => (
        <section key={word}>
          <h2>{t(word)}</h2>
          <ul>
            {types.map((type) => (
              <li key={type}>
                <button
                  type="button"
                  aria-label={t('addNamed', { name: typeWord(type, own) })}
                  title={t('paletteHow')}
                  data-type={type}
                  onPointerDown={(event) =>
                    begin(event, {
                      kind: 'field',
                      id: undefined,
                      label: typeWord(type, own),
                      drop: ({ list, after }) => add(type, placeOf(list), after),
                    })
                  }
                  onClick={() => {
                    const spot = nextSpot();
                    if (spot !== undefined) add(type, spot.place, spot.after);
                  }}
                >
                  <span className="sign" aria-hidden="true" data-sign={TYPE_SIGNS[type]} />
                  {typeWord(type, own)}
                </button>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </aside>
  );
}
