import type { FieldJson, FormJson, Json, PageJson } from '../../form/form-json.js';
import { ElementIds } from '../element-ids.js';
import { invalidSource } from '../import-error.js';
import { ImportLimits } from '../import-limits.js';
import { pointer, type LossReport } from '../loss-report.js';
import { isObject, SourceObject } from '../source-object.js';
import { bilingual, elementKey, readElement, type GcContext } from './element.js';
import { applyRules } from './logic.js';
import { readGroups } from './groups.js';

/** Parts of a template with one text in two languages; the text becomes the setting of the same name. */
const TEXT_PARTS = ['introduction', 'privacyPolicy', 'confirmation'] as const;

/**
 * A GC Forms template. `layout` orders the elements of a form in one page; `groups` are pages, with `nextAction` as
 * jumps; conditional rules are `visibleIf`. Source: the templates and their JSON schema in cds-snc/platform-forms-client.
 * @throws {ImportError}
 */
export function importGcForms(json: Json, formId: string, report: LossReport): FormJson {
  const outer = SourceObject.from(json, '');
  if (outer === undefined) throw invalidSource('', 'a GC Forms template is an object');
  // Exports of whole form records hold the template under `form`.
  const template = outer.has('elements') ? outer : (outer.object('form') ?? outer);
  const elements = template.array('elements');
  if (elements === undefined)
    throw invalidSource(template.at('elements'), 'a GC Forms template has a list of elements');

  const context: GcContext = {
    ids: new ElementIds(),
    limits: new ImportLimits(),
    report,
    fieldsByElement: new Map(),
    rules: [],
  };
  const settings: Record<string, Json> = {};
  const ordered = inLayout(elements, template, report);
  const groups = template.object('groups');
  const fieldsOf = (list: readonly SourceObject[]): FieldJson[] =>
    list.flatMap((element) => readElement(element, context, 1));
  const pages: PageJson[] =
    groups === undefined
      ? [{ id: 'p1', title: {}, description: {}, fields: fieldsOf(ordered) }]
      : readGroups(groups, template, ordered, fieldsOf, context, settings);
  applyRules(context);

  const title = bilingual(template, 'title');
  for (const name of TEXT_PARTS) {
    const part = template.object(name);
    if (part === undefined) continue;
    const texts = bilingual(part, 'description');
    if (Object.keys(texts).length > 0) settings[name] = texts;
    const referrer = bilingual(part, 'referrerUrl');
    if (Object.keys(referrer).length > 0) settings[`${name}Url`] = referrer;
    part.keepRest(settings, report, `${name}.`);
  }
  template.keepRest(settings, report);
  if (outer !== template) outer.keepRest(settings, report, 'record.');
  return { id: formId, title, description: {}, languages: ['en', 'fr'], settings, pages };
}

/** The elements as `layout` orders them; those it does not name come last. */
function inLayout(elements: readonly Json[], template: SourceObject, report: LossReport): SourceObject[] {
  const listed = elements.flatMap((item, i) => {
    const path = pointer(template.at('elements'), i);
    if (isObject(item)) return [new SourceObject(item, path)];
    report.add(path, 'left out: not an element');
    return [];
  });
  const layout = template.array('layout');
  if (layout === undefined || layout.length === 0) return listed;
  const places = new Map<string, number>();
  layout.forEach((id, i) => {
    const key = elementKey(id);
    if (key !== undefined && !places.has(key)) places.set(key, i);
  });
  const present = new Set(listed.map((element) => elementKey(element.peek('id'))));
  layout.forEach((id, i) => {
    if (!present.has(elementKey(id)))
      report.add(pointer(template.at('layout'), i), 'left out: there is no such element');
  });
  const placeOf = (element: SourceObject): number =>
    places.get(elementKey(element.peek('id')) ?? '') ?? Number.MAX_SAFE_INTEGER;
  for (const element of listed) {
    if (placeOf(element) === Number.MAX_SAFE_INTEGER)
      report.add(element.path, 'not in the layout: it stands at the end');
  }
  return listed.toSorted((a, b) => placeOf(a) - placeOf(b));
}
