/** How the answers to one question are distributed, and how often they were wrong or changed. */
import { useState, type ReactNode } from 'react';
import type { FieldJson, FormJson } from '../../client/index.js';
import { textIn, useWording } from '../app/language.js';
import { Bars, type Bar } from '../charts/bars.js';
import { figure, share } from '../charts/format.js';
import { Problem } from '../parts/shell.js';
import { fieldsOf } from './field-titles.js';
import { useReport, type FieldReport } from './reports.js';

const ASKS_NOTHING: ReadonlySet<string> = new Set(['statement', 'group']);

export function FieldAnswers({ form }: { readonly form: FormJson }): ReactNode {
  const { t, language } = useWording();
  const fields = fieldsOf(form).filter(({ type }) => !ASKS_NOTHING.has(type));
  const [chosen, setChosen] = useState<string>();
  const field = fields.find(({ id }) => id === chosen) ?? fields[0];
  return (
    <section className="card" aria-labelledby="answers">
      <div className="section-head">
        <h2 id="answers">{t('answersTo')}</h2>
        <label className="inline">
          {t('questionChosen')}
          <select value={field?.id ?? ''} onChange={(event) => setChosen(event.target.value)}>
            {fields.map(({ id, title }) => (
              <option key={id} value={id}>
                {textIn(title, language) || t('question')}
              </option>
            ))}
          </select>
        </label>
      </div>
      {field === undefined ? (
        <p className="empty">{t('noFigures')}</p>
      ) : (
        <Answers key={field.id} formId={form.id} field={field} />
      )}
    </section>
  );
}

function Answers({ formId, field }: { readonly formId: string; readonly field: FieldJson }): ReactNode {
  const { t, language } = useWording();
  const { data, error } = useReport<FieldReport>(`/analytics/forms/${formId}/fields/${field.id}`);
  if (data === undefined) return <Problem>{error}</Problem>;
  const facts: [string, string][] = [
    [t('answered'), figure(data.answered, 'count', language)],
    [t('errorRate'), share(data.errorRate, language)],
    [t('correctionRate'), share(data.correctionRate, language)],
    [t('meanTime'), figure(data.meanSeconds, 'seconds', language)],
  ];
  return (
    <>
      <dl className="facts plain">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <Distribution field={field} report={data} />
    </>
  );
}

function Distribution({ field, report }: { readonly field: FieldJson; readonly report: FieldReport }): ReactNode {
  const { t, language } = useWording();
  const { kind, answers, values = [], numbers, texts } = report.distribution;
  if (answers === 0 && values.every(({ count }) => count === 0)) return <p className="empty">{t('noFigures')}</p>;
  const number = (value: number): string => figure(value, 'count', language);
  const label = t('distributionOf', { title: textIn(field.title, language) || t('question') });
  if (kind === 'values') return <Bars label={label} bars={valueBars(field, values, answers, nameOf)} />;
  if (kind === 'numbers' && numbers !== undefined) {
    const { min, max, mean, median, bins } = numbers;
    return (
      <>
        <p className="muted">
          {t('numberSummary', { min: number(min), max: number(max), mean: number(mean), median: number(median) })}
        </p>
        <Bars
          label={label}
          bars={bins.map(({ from, to, count }) => ({
            name: from === to ? number(from) : `${number(from)} – ${number(to)}`,
            value: count,
          }))}
        />
      </>
    );
  }
  if (kind === 'texts' && texts !== undefined) {
    return (
      <p className="muted">
        {t('textLengths', { mean: number(texts.meanLength), longest: number(texts.longest) })} {t('noDistribution')}
      </p>
    );
  }
  return <p className="empty">{t('noFigures')}</p>;

  function nameOf(value: string): string {
    const option = field.options?.find(({ id }) => id === value);
    if (option !== undefined) return textIn(option.label, language) || t('option');
    if (value === 'true') return t('yes');
    return value === 'false' ? t('no') : value;
  }
}

function valueBars(
  field: FieldJson,
  values: readonly { readonly value: string; readonly count: number }[],
  answers: number,
  nameOf: (value: string) => string,
): Bar[] {
  const counted = new Map(values.map(({ value, count }) => [value, count]));
  // Also options that nobody has chosen, in their order.
  const options = (field.options ?? []).map(({ id }) => id);
  const all = [...options, ...[...counted.keys()].filter((value) => !options.includes(value))];
  const seen = new Set<string>();
  return all.map((value) => {
    const count = counted.get(value) ?? 0;
    let name = nameOf(value);
    // Two options may be called the same.
    if (seen.has(name)) name = `${name} (${value})`;
    seen.add(name);
    return { name, value: count, text: answers === 0 ? '0' : `${count} · ${Math.round((count / answers) * 100)} %` };
  });
}
