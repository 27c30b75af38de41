/** A file of another builder, dropped or chosen, becomes a form; what was lost on the way is told. */
import { useState, type DragEvent, type ReactNode } from 'react';
import { useTask } from '../app/hooks.js';
import { textIn, useWording } from '../app/language.js';
import { server } from '../app/session.js';
import { Problem } from '../parts/shell.js';
import { detectFormat } from './detect-format.js';

interface Imported {
  readonly form: { readonly id: string; readonly title: Record<string, string> };
  readonly report: readonly { readonly path: string; readonly message: string }[];
}
const NAMES = { formloom: 'Formloom', gcforms: 'GC Forms', surveyjs: 'SurveyJS' } as const;

export function ImportArea({ onImported }: { readonly onImported: () => void }): ReactNode {
  const { t } = useWording();
  const { run, isBusy, error } = useTask();
  const [isOver, setOver] = useState(false);
  const [imported, setImported] = useState<Imported & { readonly builder: string }>();
  const take = (file: File | undefined): void => {
    if (file === undefined) return;
    setImported(undefined);
    run(async () => {
      const source = parse(await file.text());
      const format = detectFormat(source);
      if (format === undefined) throw new Error(t('unknownFile', { name: file.name }));
      const result = await server().rest.request<Imported>('POST', '/forms', { body: { import: { format, source } } });
      setImported({ ...result, builder: NAMES[format] });
      onImported();
    });
  };
  const onDrop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files[0]);
  };
  return (
    <section
      className={isOver ? 'drop over' : 'drop'}
      aria-label={t('import')}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={onDrop}
    >
      <p>
        {isBusy ? t('importing') : t('dropHere')}{' '}
        <label className="file-button">
          {t('chooseFile')}
          <input
            type="file"
            accept=".json,application/json"
            className="unseen"
            onChange={(event) => {
              take(event.target.files?.[0]);
              event.target.value = '';
            }}
          />
        </label>
      </p>
      <Problem>{error}</Problem>
      {imported !== undefined && <Report imported={imported} />}
    </section>
  );
}

function Report({ imported }: { readonly imported: Imported & { readonly builder: string } }): ReactNode {
  const { t, language } = useWording();
  const { form, report, builder } = imported;
  return (
    <div className="notice good" role="status">
      <p>
        {t('importedFrom', { builder })}{' '}
        <a href={`/app/forms/${form.id}`} dir="auto">
          {textIn(form.title, language) || form.id}
        </a>
      </p>
      {report.length === 0 ? (
        <p>{t('nothingLost')}</p>
      ) : (
        <details>
          <summary>{t('losses', { count: report.length })}</summary>
          <ul className="losses">
            {report.map(({ path, message }, index) => (
              <li key={index}>
                <code>{path}</code> {message}
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: told in the same words as JSON that is no form.
    return undefined;
  }
}
