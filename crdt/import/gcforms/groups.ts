import type { FieldJson, Json, PageJson } from '../../form/form-json.js';
import { ElementIds } from '../element-ids.js';
import { pointer } from '../loss-report.js';
import { SourceObject } from '../source-object.js';
import { bilingual, elementKey, type GcContext } from './element.js';
import { choiceRule, isCatchAll } from './logic.js';

/** Groups that stand for what follows the last page: the review of the answers, the confirmation, leaving early. */
const AFTER_THE_PAGES: ReadonlySet<string> = new Set(['review', 'end', 'exit']);

/**
 * Groups as pages: `start` first, then as `groupsLayout` says, then the others. `review` and `end` are no pages as long
 * as they hold no elements; a form shows both by itself.
 * @param settings gets what a page has no member for, as `page.<id>`
 */
export function readGroups(
  groups: SourceObject,
  template: SourceObject,
  ordered: readonly SourceObject[],
  fieldsOf: (elements: readonly SourceObject[]) => FieldJson[],
  context: GcContext,
  settings: Record<string, Json>,
): PageJson[] {
  const { report } = context;
  const sources = new Map<string, SourceObject>();
  for (const key of Object.keys(groups.value)) {
    const group = groups.object(key);
    if (group === undefined) report.add(groups.at(key), 'left out: not a group');
    else if (AFTER_THE_PAGES.has(key) && (group.array('elements') ?? []).length === 0) {
      // Kept whole, so that an export has them again.
      settings[`group.${key}`] = group.value;
    } else sources.set(key, group);
  }
  const ids = new ElementIds(['end']);
  const keys = orderOf(sources, template, context);
  const pageIds = new Map(keys.map((key) => [key, ids.take(key, 'p')]));
  const remaining = new Set(ordered);
  const byKey = new Map<string, SourceObject>();
  for (const element of ordered) {
    const key = elementKey(element.peek('id'));
    if (key !== undefined && !byKey.has(key)) byKey.set(key, element);
  }

  const pages = keys.flatMap((key) => {
    const group = sources.get(key);
    const id = pageIds.get(key);
    if (group === undefined || id === undefined) return [];
    const elements = (group.array('elements') ?? []).flatMap((item, i) => {
      const element = byKey.get(elementKey(item) ?? '');
      if (element !== undefined && remaining.delete(element)) return [element];
      const problem = element === undefined ? 'there is no such element' : 'it stands on an earlier page';
      report.add(pointer(group.at('elements'), i), `left out: ${problem}`);
      return [];
    });
    const title = bilingual(group, 'title');
    const page: PageJson = { id, title, description: bilingual(group, 'description'), fields: fieldsOf(elements) };
    return [{ key, group, page }];
  });
  for (const element of remaining) report.add(element.path, 'in no group: it stands on the first page');
  const first = pages[0]?.page;
  const rest = fieldsOf([...remaining]);
  if (first !== undefined) first.fields.push(...rest);
  else if (rest.length > 0) return [{ id: ids.take('start', 'p'), title: {}, description: {}, fields: rest }];
  for (const { group, page } of pages) {
    const jumps = readNextAction(group, pageIds, context);
    if (jumps.length > 0) page.jumps = jumps;
    const rest: Record<string, Json> = {};
    const name = group.string('name');
    if (name !== undefined && name !== '') rest['name'] = name;
    group.keepRest(rest, report);
    if (Object.keys(rest).length > 0) settings[`page.${page.id}`] = rest;
  }
  return pages.map(({ page }) => page);
}

function orderOf(sources: ReadonlyMap<string, SourceObject>, template: SourceObject, context: GcContext): string[] {
  const order = new Set<string>(sources.has('start') ? ['start'] : []);
  const layout = template.array('groupsLayout') ?? [];
  layout.forEach((key, i) => {
    if (typeof key === 'string' && sources.has(key)) order.add(key);
    else if (typeof key !== 'string' || !AFTER_THE_PAGES.has(key)) {
      context.report.add(pointer(template.at('groupsLayout'), i), 'left out: there is no such group');
    }
  });
  for (const key of sources.keys()) order.add(key);
  return [...order];
}

function readNextAction(
  group: SourceObject,
  pageIds: ReadonlyMap<string, string>,
  context: GcContext,
): NonNullable<PageJson['jumps']> {
  const targetOf = (groupId: string): string | undefined =>
    pageIds.get(groupId) ?? (AFTER_THE_PAGES.has(groupId) ? 'end' : undefined);
  const path = group.at('nextAction');
  const only = group.string('nextAction');
  if (only !== undefined) {
    const to = targetOf(only);
    if (to !== undefined) return [{ to }];
    context.report.add(path, `left out: there is no group "${only}"`);
    return [];
  }
  const conditional: NonNullable<PageJson['jumps']> = [];
  const otherwise: NonNullable<PageJson['jumps']> = [];
  (group.array('nextAction') ?? []).forEach((item, i) => {
    const at = pointer(path, i);
    const source = SourceObject.from(item, at);
    const to = targetOf(source?.string('groupId') ?? '');
    const choiceId = source?.string('choiceId') ?? '';
    const rule = isCatchAll(choiceId) ? undefined : choiceRule(choiceId, context.fieldsByElement);
    if (to === undefined) context.report.add(at, 'left out: there is no such group');
    else if (isCatchAll(choiceId)) otherwise.push({ to });
    else if (rule === undefined) context.report.add(at, 'left out: there is no such choice');
    else conditional.push({ if: rule, to });
    source?.loseRest(context.report);
  });
  return [...conditional, ...otherwise.slice(0, 1)];
}
