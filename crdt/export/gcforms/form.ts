import type { FieldJson, FormJson, Json, PageJson } from '../../form/form-json.js';
import type { LossReport } from '../../import/loss-report.js';
import { isObject } from '../../import/source-object.js';
import { allFields } from '../../logic/evaluate.js';
import { bilingual, writeElement, type GcExport } from './element.js';
import { choiceIdOf } from './logic.js';

const TEXT_PARTS = ['introduction', 'privacyPolicy', 'confirmation'] as const;

/** A form as a GC Forms template: pages become groups, unless there is but one without a title. */
export function exportGcForms(form: FormJson, report: LossReport): Record<string, Json> {
  const fields = form.pages.flatMap((page) => allFields(page.fields));
  const context: GcExport = {
    report,
    elementIds: numbersOf(fields),
    fields: new Map(fields.map((field) => [field.id, field])),
  };
  form.languages.forEach((language, i) => {
    if (language !== 'en' && language !== 'fr') {
      report.add(`/languages/${i}`, 'lost: GC Forms speaks English and French only');
    }
  });
  if (Object.keys(form.description).length > 0) report.add('/description', 'lost: a template has no description');
  const settings = new Map(Object.entries(form.settings));
  const content: Record<string, Json> = bilingual('title', form.title, '/title', report);
  for (const name of TEXT_PARTS) content[name] = partOf(name, settings);

  const written = form.pages.map((page, i) =>
    page.fields.flatMap((field, j) => writeElement(field, `/pages/${i}/fields/${j}`, context)),
  );
  const idsOf = (elements: readonly Json[]): Json[] =>
    elements.flatMap((element) => (isObject(element) && element['id'] !== undefined ? [element['id']] : []));
  content['elements'] = written.flat();
  content['layout'] = written.flatMap(idsOf);
  if (needsGroups(form)) {
    const groups: Record<string, Json> = {};
    const names = groupNames(form.pages);
    form.pages.forEach((page, i) => {
      const kept = settings.get(`page.${page.id}`);
      settings.delete(`page.${page.id}`);
      groups[names.get(page.id) ?? page.id] = {
        ...(isObject(kept) ? kept : { name: page.title['en'] ?? page.id }),
        ...bilingual('title', page.title, `/pages/${i}/title`, report),
        ...(Object.keys(page.description).length > 0 &&
          bilingual('description', page.description, `/pages/${i}/description`, report)),
        elements: idsOf(written[i] ?? []).map(String),
        ...nextActionOf(page, i, names, context, form.settings),
      };
      if (page.visibleIf !== undefined) report.add(`/pages/${i}/visibleIf`, 'lost: a group is always shown');
    });
    for (const [key, value] of settings) {
      if (!key.startsWith('group.')) continue;
      settings.delete(key);
      groups[key.slice('group.'.length)] = value;
    }
    content['groups'] = groups;
    content['groupsLayout'] = [...names.values()].filter((name) => name !== 'start');
  }
  for (const [key, value] of settings) content[key] = value;
  return content;
}

/** `f12` is element 12; the others get the numbers that are free. */
function numbersOf(fields: readonly FieldJson[]): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const { id } of fields) {
    const number = /^f(0|[1-9]\d{0,14})$/.exec(id)?.[1];
    if (number !== undefined) numbers.set(id, Number(number));
  }
  const taken = new Set(numbers.values());
  let next = 1;
  for (const { id } of fields) {
    if (numbers.has(id)) continue;
    while (taken.has(next)) next += 1;
    taken.add(next);
    numbers.set(id, next);
  }
  return numbers;
}

function needsGroups(form: FormJson): boolean {
  const [page, second] = form.pages;
  if (page === undefined) return false;
  const isPlain = Object.keys(page.title).length === 0 && page.jumps === undefined && page.visibleIf === undefined;
  const isGrouped = Object.keys(form.settings).some((key) => key.startsWith('group.') || key.startsWith('page.'));
  return second !== undefined || !isPlain || isGrouped;
}

/** GC Forms begins at the group `start`. */
function groupNames(pages: readonly PageJson[]): Map<string, string> {
  const hasStart = pages.some((page) => page.id === 'start');
  return new Map(pages.map((page, i) => [page.id, i === 0 && !hasStart ? 'start' : page.id]));
}

function partOf(name: string, settings: Map<string, Json>): Json {
  const take = (key: string): Json | undefined => {
    const value = settings.get(key);
    settings.delete(key);
    return value;
  };
  const part: Record<string, Json> = {};
  for (const [key, member] of [
    [name, 'description'],
    [`${name}Url`, 'referrerUrl'],
  ] as const) {
    const texts = take(key);
    if (isObject(texts)) {
      part[`${member}En`] = texts['en'] ?? '';
      part[`${member}Fr`] = texts['fr'] ?? '';
    } else if (member === 'description') {
      // A setting of another shape was kept as it was found.
      if (texts !== undefined) return texts;
      part['descriptionEn'] = '';
      part['descriptionFr'] = '';
    }
  }
  for (const key of [...settings.keys()]) {
    if (key.startsWith(`${name}.`)) part[key.slice(name.length + 1)] = take(key) ?? null;
  }
  return part;
}

function nextActionOf(
  page: PageJson,
  index: number,
  names: ReadonlyMap<string, string>,
  context: GcExport,
  settings: FormJson['settings'],
): Record<string, Json> {
  const jumps = page.jumps ?? [];
  const groupOf = (to: string): string =>
    to === 'end' ? (settings['group.end'] !== undefined && settings['group.review'] === undefined ? 'end' : 'review') : (names.get(to) ?? to); // prettier-ignore
  const [only] = jumps;
  if (only === undefined) return {};
  if (jumps.length === 1 && only.if === undefined) return { nextAction: groupOf(only.to) };
  const nextAction = jumps.flatMap((jump, i): Json[] => {
    if (jump.if === undefined) return [{ groupId: groupOf(jump.to), choiceId: CATCH_ALL_ID }];
    const choiceId = choiceIdOf(jump.if, context);
    if (choiceId !== undefined) return [{ groupId: groupOf(jump.to), choiceId }];
    context.report.add(`/pages/${index}/jumps/${i}`, 'lost: GC Forms goes on only by a chosen option');
    return [];
  });
  return { nextAction };
}

const CATCH_ALL_ID = 'catch-all';
