/**
 * An example of a schema, for readers of the OpenAPI document: what a schema says itself (`examples`, `const`, `enum`),
 * then what members of that name usually hold, then anything that the schema takes. That each example fits its schema is
 * what the tests of the document show.
 */

/** JSON Schema 2020-12, as far as our schemas use it. */
export interface Schema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly type?: string | readonly string[];
  readonly examples?: readonly unknown[];
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly propertyNames?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly prefixItems?: readonly Schema[];
  readonly minItems?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
}

export type Components = Readonly<Record<string, Schema>>;

const UUID = '01a20b7f-6c1e-7a41-9d3b-2f5e8c7a9b10';
/** By the name of the member. */
const USUAL: Readonly<Record<string, readonly unknown[]>> = {
  formId: ['visit'],
  fieldId: ['name'],
  field: ['name'],
  optionId: ['yes'],
  page: ['p1'],
  name: ['Ada', 'form/visit', 'visit'],
  sub: ['ada'],
  userId: ['ada'],
  user: ['ada'],
  assignee: ['ben'],
  createdBy: ['ada'],
  publishedBy: ['ada'],
  document: ['form/visit'],
  target: ['fields/name'],
  property: ['required', 'title'],
  path: ['answers.name'],
  body: ['A better word, @[ben]?'],
  text: ['A better word?'],
  quote: ['name'],
  message: ['must have at least 2 characters'],
  detail: ['There is no form "visit".'],
  instance: ['/api/v1/forms/visit'],
  note: ['Ben looks into it'],
  label: ['before the rewrite'],
  url: ['https://example.org/hook'],
  language: ['en'],
  lang: ['en'],
  timeZone: ['Europe/Paris'],
  version: [2, '2'],
  value: ['Ada'],
  before: ['Visit'],
  after: ['Your visit'],
  current: ['Visit'],
  group: ['form/visit/thread/8w3k5m7q2x9c4v1b'],
  q: ['visit'],
  prefix: ['form/'],
  cursor: ['bWFyay1vZi0xdmlzaXQ'],
  location: ['FR'],
  percent: [60],
  limit: [50],
  bytes: [1_024],
  types: ['form.published', ['form.published', 'submission.*']],
  resumeToken: ['visit.4Yw0cXkJ9T2mN8vQ6rLs1dFzB3hGpA7uE5iKoW-_xCy'],
  token: ['eyJhbGciOiJIUzI1NiJ9…'],
  secret: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
};
/** By format, then for any pattern: the first that fits. */
const FORMATS: Readonly<Record<string, unknown>> = {
  'date-time': '2030-01-01T09:00:00.000Z',
  uuid: UUID,
  uri: 'https://example.org/hook',
};
const WORDS = ['visit', 'en', 'form.published', '42', UUID, '22:00', '2030-01-01', 'fields/name', '"x"', 'x'];
const MAX_DEPTH = 7;

export function sample(schema: Schema, components: Components, name = ''): unknown {
  return new Sampler(components).of(schema, name, 0);
}

class Sampler {
  readonly #open = new Set<string>();

  constructor(private readonly components: Components) {}

  of(schema: Schema, name: string, depth: number): unknown {
    if (schema.$ref !== undefined) return this.#referenced(schema.$ref, name, depth);
    const [stated] = schema.examples ?? [];
    if (stated !== undefined) return stated;
    if (schema.const !== undefined) return schema.const;
    if (schema.enum !== undefined) return schema.enum[0];
    if (schema.allOf !== undefined) return this.#merged(schema.allOf, name, depth);
    const variants = schema.anyOf ?? schema.oneOf;
    if (variants !== undefined) {
      const [first = {}] = variants.filter(({ type }) => type !== 'null');
      return this.of(first, name, depth);
    }
    switch (typeOf(schema)) {
      case 'object':
        return this.#object(schema, depth);
      case 'array':
        return this.#array(schema, name, depth);
      case 'string':
        return text(schema, name);
      case 'integer':
      case 'number':
        return figure(schema, name);
      case 'boolean':
        return schema.default ?? true;
      case 'null':
        return null;
      default:
        return usual(schema, name) ?? schema.default ?? 'Ada';
    }
  }

  /** A form in a form, a rule in a rule: once is enough. */
  #referenced(ref: string, name: string, depth: number): unknown {
    const id = ref.split('/').at(-1) ?? '';
    const found = this.components[id];
    if (found === undefined || this.#open.has(id)) return undefined;
    this.#open.add(id);
    try {
      return this.of(found, name, depth);
    } finally {
      this.#open.delete(id);
    }
  }

  #merged(parts: readonly Schema[], name: string, depth: number): unknown {
    const values = parts.map((part) => this.of(part, name, depth));
    const isAllObjects = values.every((value) => typeof value === 'object' && value !== null);
    return isAllObjects ? Object.assign({}, ...values) : values[0];
  }

  #object(schema: Schema, depth: number): Record<string, unknown> {
    const { properties = {}, required = [], additionalProperties, propertyNames } = schema;
    const made: Record<string, unknown> = {};
    for (const [name, member] of Object.entries(properties)) {
      if (depth >= MAX_DEPTH && !required.includes(name)) continue;
      const value = this.of(member, name, depth + 1);
      if (value !== undefined) made[name] = value;
    }
    const isRecord = typeof additionalProperties === 'object' && Object.keys(properties).length === 0;
    if (isRecord && depth < MAX_DEPTH) {
      const key = propertyNames?.enum?.[0] ?? text(propertyNames ?? {}, 'fieldId');
      const value = this.of(additionalProperties, key === 'en' ? 'label' : String(key), depth + 1);
      if (value !== undefined) made[String(key)] = value;
    }
    return made;
  }

  #array(schema: Schema, name: string, depth: number): unknown[] {
    if (schema.prefixItems !== undefined) return schema.prefixItems.map((item) => this.of(item, name, depth + 1));
    if (depth >= MAX_DEPTH && (schema.minItems ?? 0) === 0) return [];
    const item = this.of(schema.items ?? {}, name.replace(/s$/, ''), depth + 1);
    return item === undefined ? [] : [item];
  }
}

/** The first that is not null. */
function typeOf({ type, properties, additionalProperties }: Schema): string | undefined {
  if (typeof type === 'string') return type;
  if (type !== undefined) return type.find((name) => name !== 'null') ?? 'null';
  return properties !== undefined || typeof additionalProperties === 'object' ? 'object' : undefined;
}

function usual(schema: Schema, name: string): unknown {
  const wanted = typeOf(schema);
  return USUAL[name]?.find((value) => {
    if (wanted === undefined) return true;
    if (wanted === 'string') return typeof value === 'string' && isText(schema, value);
    if (wanted === 'integer' || wanted === 'number') return typeof value === 'number' && isInRange(schema, value);
    return false;
  });
}

function text(schema: Schema, name: string): unknown {
  const known = usual(schema, name);
  if (known !== undefined) return known;
  const { format = '', default: fallback } = schema;
  const formatted = FORMATS[format];
  if (typeof formatted === 'string' && isText(schema, formatted)) return formatted;
  if (typeof fallback === 'string') return fallback;
  const ids = name === 'id' || name.endsWith('Id') || name.endsWith('jti') ? [UUID, ...WORDS] : WORDS;
  return ids.find((word) => isText(schema, word)) ?? 'x'.repeat(schema.minLength ?? 1);
}

function isText({ pattern, minLength = 0, maxLength = Infinity }: Schema, value: string): boolean {
  if (value.length < minLength || value.length > maxLength) return false;
  return pattern === undefined || new RegExp(pattern, 'u').test(value);
}

function figure(schema: Schema, name: string): unknown {
  const known = usual(schema, name) ?? schema.default;
  if (known !== undefined) return known;
  return [1, 2, 0, schema.minimum, schema.maximum].find((value) => value !== undefined && isInRange(schema, value));
}

function isInRange({ minimum = -Infinity, maximum = Infinity, exclusiveMinimum }: Schema, value: number): boolean {
  return value >= minimum && value <= maximum && (exclusiveMinimum === undefined || value > exclusiveMinimum);
}
