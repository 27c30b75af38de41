import type { FieldJson, Json, PageJson, Texts } from '../../form/form-json.js';
import { languageSchema } from '../../form/form-schema.js';
import { ElementIds } from '../element-ids.js';
import { ImportLimits } from '../import-limits.js';
import type { LossReport } from '../loss-report.js';
import { isObject, SourceObject } from '../source-object.js';
import type { Target } from './logic.js';

type RuleMember = 'visibleIf' | 'requiredIf' | 'enabledIf' | 'calculate';

/** A rule that waits until every question is known. */
export interface PendingRule {
  readonly text: string;
  readonly path: string;
  readonly apply: (rule: Json) => void;
  /** Keeps the expression as it was when it has no counterpart. */
  readonly keep: () => void;
  readonly scope: string;
}

/** What is known of a survey while it is read. */
export class SurveyContext {
  readonly ids = new ElementIds();
  readonly limits = new ImportLimits();
  readonly targets = new Map<string, Target>();
  readonly rules: PendingRule[] = [];
  /** What a page has no member for, by page id. */
  readonly keptOfPages = new Map<string, Record<string, Json>>();
  /** Fields and pages by name, for triggers. */
  readonly fields = new Map<string, FieldJson>();
  readonly pages = new Map<string, PageJson>();
  /** Fields and pages with `visible: false`. */
  readonly hidden = new Set<FieldJson | PageJson>();
  readonly languages: Set<string>;

  constructor(
    readonly report: LossReport,
    readonly defaultLanguage: string,
  ) {
    this.languages = new Set([defaultLanguage]);
  }

  /** A string, or texts by language with `default`. A member that is neither stays unused. */
  texts(source: SourceObject, key: string): Texts {
    const value = source.peek(key);
    if (value === undefined) return {};
    const texts = this.textsOf(value);
    if (texts === undefined) return {};
    source.use(key);
    return texts;
  }

  textsOf(value: Json): Texts | undefined {
    if (typeof value === 'string') return value === '' ? {} : { [this.defaultLanguage]: value };
    if (!isObject(value)) return undefined;
    const texts: Texts = {};
    for (const [name, text] of Object.entries(value)) {
      const language = name === 'default' ? this.defaultLanguage : name;
      // One odd entry and the whole is kept as it was: nothing of it is lost then.
      if (typeof text !== 'string' || !languageSchema.safeParse(language).success) return undefined;
      if (Object.hasOwn(texts, language) && texts[language] !== text) return undefined;
      if (text === '') continue;
      texts[language] = text;
    }
    Object.keys(texts).forEach((language) => this.languages.add(language));
    return texts;
  }

  /**
   * Reads an expression of a question; it becomes the rule once all questions are known.
   * @param scope what stands before the names of the same row, as `table.row.`
   */
  fieldRule(source: SourceObject, key: string, field: FieldJson, member: RuleMember, scope: string): void {
    const text = source.string(key);
    if (text === undefined || text.trim() === '') return;
    const apply = (rule: Json): void => void (field[member] = rule);
    const keep = (): void => void (field.properties = { ...field.properties, [key]: text });
    this.rules.push({ text, path: source.at(key), apply, keep, scope });
  }

  /** The same for a page, which is shown or not. */
  pageRule(source: SourceObject, page: PageJson, kept: Record<string, Json>): void {
    const text = source.string('visibleIf');
    if (text === undefined || text.trim() === '') return;
    const apply = (rule: Json): void => void (page.visibleIf = rule);
    const keep = (): void => void (kept['visibleIf'] = text);
    this.rules.push({ text, path: source.at('visibleIf'), apply, keep, scope: '' });
  }

  hide(source: SourceObject, element: FieldJson | PageJson): void {
    if (source.boolean('visible') === false) this.hidden.add(element);
  }
}
