/**
 * The fewest edits that make a live document say what a given form says. Texts that did not change keep their
 * identity, moved items change only their place, and a form that says the same already changes nothing.
 */
import * as Y from 'yjs';
import { allFields } from '../all-fields.js';
import { isSameJson } from '../equality.js';
import type { FieldJson, FormJson, OptionJson, PageJson, Texts } from '../form-json.js';
import { normalize } from '../guard/normalize.js';
import { positionsFor } from '../position.js';
import { project } from '../project.js';
import { asJson, fieldsOf, JSON_MEMBERS, metaOf, pagesOf, SCHEMA_VERSION } from '../shape.js';
import { requireKnownVersion } from '../schema-gate.js';
import { applyTextEdits } from '../operations/text-edit.js';
import { asMarkdown } from '../../rich-text/as-markdown.js';
import { writeMarkdown } from '../../rich-text/fragment.js';

export interface ReimportOptions {
  /** For the jitter of positions. */
  readonly random?: () => number;
  /** What `project` says of the document now: items that are the same there are not looked at again. */
  readonly from?: FormJson;
}

/**
 * One transaction of its own unless it runs inside one. `target` satisfies `formSchema`; its id is not stored.
 * @throws SchemaNewerError before anything is changed
 */
export function reimport(doc: Y.Doc, target: FormJson, options: ReimportOptions = {}): { changes: number } {
  requireKnownVersion(doc);
  const form = normalize(target);
  const from = options.from ?? project(doc, form.id);
  // Not even what dangles is put right for a form that reads the same.
  if (isSameJson({ ...from, id: form.id }, form)) return { changes: 0 };
  const writer = new FormWriter(doc, options.random ?? Math.random, from);
  doc.transact(() => writer.write(form));
  return { changes: writer.changes };
}

/** Writes a form into an empty document; one without pages leaves its mark too. */
export function seedForm(doc: Y.Doc, form: FormJson, options: ReimportOptions = {}): void {
  const writer = new FormWriter(doc, options.random ?? Math.random, options.from ?? project(doc, form.id));
  doc.transact(() => writer.write(normalize(form)));
}

interface PlacedField {
  readonly field: FieldJson;
  readonly page: string | undefined;
  readonly parent: string | undefined;
}

class FormWriter {
  changes = 0;

  constructor(
    private readonly doc: Y.Doc,
    private readonly random: () => number,
    private readonly from: FormJson,
  ) {}

  write(form: FormJson): void {
    const meta = metaOf(this.doc);
    this.#value(meta, 'schemaVersion', SCHEMA_VERSION);
    this.#value(meta, 'languages', form.languages);
    this.#texts(meta, 'title', form.title);
    this.#texts(meta, 'description', form.description);
    this.#entries(meta, 'settings', form.settings);
    const pages = pagesOf(this.doc);
    const known = new Set(pages.keys());
    this.#removeOthers(pages, new Set(form.pages.map((page) => page.id)));
    this.#order(
      pages,
      form.pages.map((page) => page.id),
    );
    const pagesBefore = new Map(this.from.pages.map((page) => [page.id, { ...page, fields: [] }]));
    for (const page of form.pages) {
      // The projection also shows a page that is not stored, when fields have none.
      if (known.has(page.id) && isSameJson(pagesBefore.get(page.id), { ...page, fields: [] })) continue;
      this.#page(this.#item(pages, page.id), page);
    }

    const placed = form.pages.flatMap((page) => flatten(page.fields, page.id, undefined));
    const fields = fieldsOf(this.doc);
    this.#removeOthers(fields, new Set(placed.map(({ field }) => field.id)));
    const siblings = [...form.pages.map((page) => page.fields), ...placed.map(({ field }) => field.fields ?? [])];
    for (const group of siblings)
      this.#order(
        fields,
        group.map((field) => field.id),
      );
    const before = new Map(this.from.pages.flatMap((page) => allFields(page.fields)).map((field) => [field.id, field]));
    for (const { field, page, parent } of placed) {
      const map = this.#item(fields, field.id);
      // Also when it seems to stand there: a field without a place is shown on the first page, but cannot be ordered there.
      this.#value(map, 'page', page);
      this.#value(map, 'parent', parent);
      if (!isSameField(before.get(field.id), field)) this.#field(map, field);
    }
  }

  #page(map: Y.Map<unknown>, page: PageJson): void {
    this.#texts(map, 'title', page.title);
    this.#texts(map, 'description', page.description);
    this.#value(map, 'visibleIf', page.visibleIf);
    this.#value(map, 'jumps', page.jumps);
  }

  #field(map: Y.Map<unknown>, field: FieldJson): void {
    this.#value(map, 'type', field.type);
    this.#texts(map, 'title', field.title);
    this.#texts(map, 'description', field.description);
    this.#texts(map, 'placeholder', field.placeholder ?? {});
    this.#value(map, 'required', field.required);
    this.#options(map, 'options', field.options ?? []);
    this.#options(map, 'rows', field.rows ?? []);
    this.#entries(map, 'validation', field.validation);
    this.#entries(map, 'properties', field.properties ?? {});
    for (const member of JSON_MEMBERS) this.#value(map, member, field[member]);
    this.#value(map, 'repeat', field.repeat);
  }

  #options(map: Y.Map<unknown>, member: string, options: readonly OptionJson[]): void {
    const container = this.#map(map, member);
    this.#removeOthers(container, new Set(options.map((option) => option.id)));
    this.#order(
      container,
      options.map((option) => option.id),
    );
    for (const option of options) {
      const item = this.#item(container, option.id);
      this.#texts(item, 'label', option.label);
      this.#value(item, 'value', option.value);
    }
  }

  #order(container: Y.Map<unknown>, ids: readonly string[]): void {
    const current = new Map<string, string>();
    for (const id of ids) {
      const map = container.get(id);
      const position: unknown = map instanceof Y.Map ? map.get('position') : undefined;
      if (typeof position === 'string') current.set(id, position);
    }
    for (const [id, position] of positionsFor(ids, current, this.random)) {
      this.#value(this.#item(container, id), 'position', position);
    }
  }

  #item(container: Y.Map<unknown>, id: string): Y.Map<unknown> {
    return this.#map(container, id);
  }

  /** The Y.Map under a key, made when there is none. */
  #map(parent: Y.Map<unknown>, key: string): Y.Map<unknown> {
    const existing = parent.get(key);
    if (existing instanceof Y.Map) return existing as Y.Map<unknown>;
    const map = new Y.Map<unknown>();
    parent.set(key, map);
    this.changes += 1;
    return map;
  }

  #removeOthers(container: Y.Map<unknown>, ids: ReadonlySet<string>): void {
    for (const id of [...container.keys()]) {
      if (ids.has(id)) continue;
      container.delete(id);
      this.changes += 1;
    }
  }

  #value(map: Y.Map<unknown>, key: string, value: unknown): void {
    if (value === undefined) {
      if (!map.has(key)) return;
      map.delete(key);
    } else {
      if (map.has(key) && isSameJson(asJson(map.get(key)), value)) return;
      map.set(key, value);
    }
    this.changes += 1;
  }

  #entries(map: Y.Map<unknown>, member: string, entries: object): void {
    const container = this.#map(map, member);
    for (const key of [...container.keys()]) if (!Object.hasOwn(entries, key)) this.#value(container, key, undefined);
    for (const [key, value] of Object.entries(entries)) this.#value(container, key, value);
  }

  #texts(map: Y.Map<unknown>, member: string, texts: Texts): void {
    const container = this.#map(map, member);
    for (const language of [...container.keys()]) {
      // An empty rich text says nothing, and somebody may have the caret in it.
      if (Object.hasOwn(texts, language) || isEmptyRichText(container.get(language))) continue;
      this.#value(container, language, undefined);
    }
    for (const [language, text] of Object.entries(texts)) this.#text(container, language, text);
  }

  #text(container: Y.Map<unknown>, language: string, text: string): void {
    const existing = container.get(language);
    if (existing !== undefined && asMarkdown(existing) === text) return;
    if (existing instanceof Y.Text) {
      this.changes += applyTextEdits(existing, text);
      return;
    }
    if (existing instanceof Y.XmlFragment) {
      // A rich text stays one: an editor is bound to it. Empty lines at its end are not part of what it says.
      if ((asMarkdown(existing) ?? '') === text.replace(/\n+$/, '')) return;
      this.changes += writeMarkdown(existing, text);
      return;
    } else {
      container.set(language, new Y.Text(text));
    }
    this.changes += 1;
  }
}

const isEmptyRichText = (value: unknown): boolean => value instanceof Y.XmlFragment && asMarkdown(value) === undefined;

/** Parents before their children. */
function flatten(fields: readonly FieldJson[], page: string | undefined, parent: string | undefined): PlacedField[] {
  return fields.flatMap((field) => [{ field, page, parent }, ...flatten(field.fields ?? [], undefined, field.id)]);
}

/** Without their children, which are placed and written on their own. */
function isSameField(a: FieldJson | undefined, b: FieldJson): boolean {
  return a !== undefined && isSameJson({ ...a, fields: undefined }, { ...b, fields: undefined });
}
