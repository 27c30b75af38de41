/** Where fields stand and where they can go, one step at a time. */
import type { FieldJson, FormJson, OperationInput } from '../../../client/index.js';

export type Place = { readonly page: string } | { readonly parent: string };

/** As `data-list` has it. */
export const listOf = (place: Place): string => ('page' in place ? `page/${place.page}` : `parent/${place.parent}`);
export function placeOf(list: string): Place {
  const [area, id = ''] = list.split('/');
  return area === 'parent' ? { parent: id } : { page: id };
}

export interface Standing {
  readonly place: Place;
  readonly siblings: readonly FieldJson[];
  readonly index: number;
  /** Of the page that it stands on, itself or inside of groups. */
  readonly page: number;
}

export function standingOf(form: FormJson, fieldId: string): Standing | undefined {
  const search = (siblings: readonly FieldJson[], place: Place, page: number): Standing | undefined => {
    const index = siblings.findIndex(({ id }) => id === fieldId);
    if (index !== -1) return { place, siblings, index, page };
    for (const { id, fields = [] } of siblings) {
      const found = search(fields, { parent: id }, page);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  for (const [number, page] of form.pages.entries()) {
    const found = search(page.fields, { page: page.id }, number);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** One place up or down; from the end of a page to the next, from the end of a group to behind it. */
export function stepOf(form: FormJson, fieldId: string, by: -1 | 1): OperationInput | undefined {
  const standing = standingOf(form, fieldId);
  if (standing === undefined) return undefined;
  const { place, siblings, index, page } = standing;
  const move = (to: Place, after: string | null): OperationInput => ({ op: 'moveField', fieldId, ...to, after });
  if (by === -1 && index > 0) return move(place, siblings[index - 2]?.id ?? null);
  if (by === 1 && index < siblings.length - 1) return move(place, siblings[index + 1]?.id ?? null);
  if ('parent' in place) {
    const outer = standingOf(form, place.parent);
    if (outer === undefined) return undefined;
    const before = by === -1 ? outer.siblings[outer.index - 1] : outer.siblings[outer.index];
    return move(outer.place, before?.id ?? null);
  }
  const next = form.pages[page + by];
  if (next === undefined) return undefined;
  return move({ page: next.id }, by === -1 ? (next.fields[next.fields.length - 1]?.id ?? null) : null);
}
