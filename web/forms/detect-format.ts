/** Which builder a form file comes from, told by what only its files have. */
export type SourceFormat = 'formloom' | 'gcforms' | 'surveyjs';

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** @returns undefined for what no builder that we know writes */
export function detectFormat(source: unknown): SourceFormat | undefined {
  if (!isObject(source)) return undefined;
  // Exports of GC Forms hold the form alone, or with its record around it.
  const inner = isObject(source['form']) ? source['form'] : source;
  if ('titleEn' in inner || 'titleFr' in inner || Array.isArray(inner['layout'])) return 'gcforms';
  const pages = source['pages'];
  if (Array.isArray(pages)) {
    const isOurs = pages.some((page) => isObject(page) && Array.isArray(page['fields']));
    return isOurs || Array.isArray(source['languages']) ? 'formloom' : 'surveyjs';
  }
  const elements = source['elements'] ?? source['questions'];
  return Array.isArray(elements) ? 'surveyjs' : undefined;
}
