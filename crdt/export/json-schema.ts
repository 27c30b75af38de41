import type { FieldJson, FormJson, Json, OptionJson, Texts } from '../form/form-json.js';
import type { LossReport } from '../import/loss-report.js';

const DIALECT = 'https://json-schema.org/draft/2020-12/schema';
/** Fields that hold no answer. */
const WITHOUT_ANSWER: ReadonlySet<string> = new Set(['statement']);

/**
 * The answers of a form as JSON Schema 2020-12: an object with a member per field id. A group that repeats is a list of
 * objects; the fields of any other group stand beside the others. A field that may be hidden is never required.
 */
export function exportJsonSchema(form: FormJson, report: LossReport): Record<string, Json> {
  const language = form.languages[0] ?? 'en';
  const schema = objectOf([], language, report);
  form.pages.forEach((page, i) => {
    if (page.jumps !== undefined && page.jumps.length > 0) report.add(`/pages/${i}/jumps`, LOGIC_LOST);
    if (page.visibleIf !== undefined) report.add(`/pages/${i}/visibleIf`, LOGIC_LOST);
    // A jump of an earlier page may pass this one by.
    const isSometimes =
      page.visibleIf !== undefined || form.pages.slice(0, i).some((other) => (other.jumps ?? []).length > 0);
    page.fields.forEach((field, j) =>
      addField(field, `/pages/${i}/fields/${j}`, isSometimes, schema, language, report),
    );
  });
  return {
    $schema: DIALECT,
    ...textOf('title', form.title, language),
    ...textOf('description', form.description, language),
    ...finished(schema),
  };
}

const LOGIC_LOST = 'not expressed: the schema accepts answers whatever the logic says';

interface ObjectSchema {
  readonly properties: Record<string, Json>;
  readonly required: string[];
}

function objectOf(fields: readonly [FieldJson, string][], language: string, report: LossReport): ObjectSchema {
  const schema: ObjectSchema = { properties: {}, required: [] };
  for (const [field, path] of fields) addField(field, path, false, schema, language, report);
  return schema;
}

const finished = ({ properties, required }: ObjectSchema): Record<string, Json> => ({
  type: 'object',
  properties,
  ...(required.length > 0 && { required }),
  additionalProperties: false,
});

function addField(
  field: FieldJson,
  path: string,
  isSometimes: boolean,
  into: ObjectSchema,
  language: string,
  report: LossReport,
): void {
  for (const member of ['visibleIf', 'requiredIf', 'enabledIf', 'calculate'] as const) {
    if (field[member] !== undefined) report.add(`${path}/${member}`, LOGIC_LOST);
  }
  if (field.validation.unique === true) report.add(`${path}/validation/unique`, 'not expressed: it spans submissions');
  if (WITHOUT_ANSWER.has(field.type)) return;
  const mayBeHidden = isSometimes || field.visibleIf !== undefined;
  const children = (field.fields ?? []).map((child, i): [FieldJson, string] => [child, `${path}/fields/${i}`]);
  if (field.type === 'group' && field.repeat === undefined) {
    for (const [child, at] of children) addField(child, at, mayBeHidden, into, language, report);
    return;
  }
  const { min, max } = field.repeat ?? {};
  const answer: Record<string, Json> =
    field.type === 'group'
      ? {
          type: 'array',
          items: finished(objectOf(children, language, report)),
          ...(min !== undefined && { minItems: min }),
          ...(max !== undefined && { maxItems: max }),
        }
      : answerOf(field, language);
  into.properties[field.id] = {
    ...textOf('title', field.title, language),
    ...textOf('description', field.description, language),
    ...answer,
    ...(field.defaultValue !== undefined && { default: field.defaultValue }),
  };
  if (field.required && !mayBeHidden) into.required.push(field.id);
}

const textOf = (key: string, texts: Texts, language: string): Record<string, Json> => {
  const text = texts[language] ?? Object.values(texts)[0];
  return text === undefined ? {} : { [key]: text };
};

const FORMATS: Readonly<Record<string, string>> = {
  email: 'email',
  url: 'uri',
  date: 'date',
  time: 'time',
  datetime: 'date-time',
};

function answerOf(field: FieldJson, language: string): Record<string, Json> {
  const { validation } = field;
  const items = {
    ...(validation.minItems !== undefined && { minItems: validation.minItems }),
    ...(validation.maxItems !== undefined && { maxItems: validation.maxItems }),
  };
  switch (field.type) {
    case 'choice':
    case 'dropdown':
      return oneOf(field.options, language);
    case 'choices':
    case 'ranking':
      return { type: 'array', items: oneOf(field.options, language), uniqueItems: true, ...items };
    case 'matrix':
      return {
        type: 'object',
        properties: Object.fromEntries(
          (field.rows ?? []).map((row) => [
            String(row.value ?? row.id),
            { ...textOf('title', row.label, language), ...oneOf(field.options, language) },
          ]),
        ),
        additionalProperties: false,
      };
    case 'number':
    case 'rating':
    case 'scale':
      if ((field.options ?? []).length > 0) return oneOf(field.options, language);
      return {
        type: 'number',
        ...(typeof validation.min === 'number' && { minimum: validation.min }),
        ...(typeof validation.max === 'number' && { maximum: validation.max }),
      };
    case 'boolean':
      return { type: 'boolean' };
    // Values of these depend on a rule, on the server's uploads or on the builder.
    case 'calculated':
    case 'hidden':
    case 'file':
    case 'signature':
    case 'address':
      return {};
    default: {
      const format = FORMATS[field.type];
      return {
        type: 'string',
        ...(format !== undefined && { format }),
        ...(validation.minLength !== undefined && { minLength: validation.minLength }),
        ...(validation.maxLength !== undefined && { maxLength: validation.maxLength }),
        ...(validation.pattern !== undefined && { pattern: validation.pattern }),
      };
    }
  }
}

function oneOf(options: readonly OptionJson[] | undefined, language: string): Record<string, Json> {
  if (options === undefined || options.length === 0) return {};
  return {
    oneOf: options.map((option) => ({ const: option.value ?? option.id, ...textOf('title', option.label, language) })),
  };
}
