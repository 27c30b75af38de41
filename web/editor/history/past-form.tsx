/** The form as it was at a moment, what was done then, and what is different today. */
import { useMemo, useState, type ReactNode } from 'react';
import { diffForms } from '../../../crdt/form/comparison/diff.js';
import type { FieldJson } from '../../../crdt/form/form-json.js';
import { useTask } from '../../app/hooks.js';
import { languageIn, textIn, useWording } from '../../app/language.js';
import { textMarks } from '../../app/text-language.js';
import { server } from '../../app/session.js';
import { ChangeList } from '../../parts/change-list.js';
import { nameChange } from '../../parts/name-change.js';
import { RichView } from '../../parts/rich-view.js';
import { Moment, Problem } from '../../parts/shell.js';
import { typeWord } from '../../words/field-types.js';
import { useEditor, useFormNow } from '../editor-context.js';
import type { PastPoint } from './timeline.js';

interface PastFormProps {
  readonly point: PastPoint;
  readonly onLeave: () => void;
}

export function PastForm({ point, onLeave }: PastFormProps): ReactNode {
  const { t } = useWording();
  const { language, announce, isReadOnly } = useEditor();
  const now = useFormNow();
  const { run, isBusy, error } = useTask();
  const [shown, setShown] = useState<'then' | 'since'>('then');
  const { form, changes, snapshotId } = point;
  const since = useMemo(() => diffForms(form, now).changes, [form, now]);
  const marks = useMemo(
    () => marksOf(shown === 'then' && changes.length > 0 ? changes : since),
    [shown, changes, since],
  );
  const restore = async (): Promise<void> => {
    await server().rest.request(
      'POST',
      `/documents/${encodeURIComponent(`form/${now.id}`)}/snapshots/${snapshotId ?? ''}/restore`,
    );
    announce(t('restored'));
    onLeave();
  };
  return (
    <div className="form-body past">
      <div className="notice past-bar" role="status">
        <div>
          <strong>{point.title}</strong> {point.at !== undefined && <Moment at={point.at} />}
          <p className="muted">{since.length === 0 ? t('sameAsToday') : t('changedSince', { count: since.length })}</p>
        </div>
        <span className="spacer" />
        {snapshotId !== undefined && since.length > 0 && !isReadOnly && (
          <button type="button" disabled={isBusy} onClick={() => run(restore)}>
            {t('restoreThis')}
          </button>
        )}
        <button type="button" className="primary" onClick={onLeave}>
          {t('backToNow')}
        </button>
      </div>
      <Problem>{error}</Problem>
      <div className="card form-head">
        <h2 className="title" {...textMarks(languageIn(form.title, language))}>
          {textIn(form.title, language) || t('untitled')}
        </h2>
        <RichView text={textIn(form.description, language)} lang={languageIn(form.description, language)} />
      </div>
      {form.pages.map((page, index) => (
        <section key={page.id} className="page" aria-label={t('pageNumber', { number: index + 1 })}>
          <div className="page-head">
            <span className="page-number">{t('pageNumber', { number: index + 1 })}</span>
            {textIn(page.title, language) !== '' && (
              <h3 {...textMarks(languageIn(page.title, language))}>{textIn(page.title, language)}</h3>
            )}
          </div>
          <ol className="fields">
            {page.fields.map((field) => (
              <PastField key={field.id} field={field} marks={marks} />
            ))}
          </ol>
        </section>
      ))}
      <section className="card" aria-label={t('difference')}>
        <div className="segmented" role="group" aria-label={t('difference')}>
          <button
            type="button"
            aria-pressed={shown === 'then'}
            disabled={changes.length === 0}
            onClick={() => setShown('then')}
          >
            {t('doneThen')}
          </button>
          <button
            type="button"
            aria-pressed={shown === 'since' || changes.length === 0}
            onClick={() => setShown('since')}
          >
            {t('doneSince')}
          </button>
        </div>
        <ChangeList
          changes={(shown === 'then' && changes.length > 0 ? changes : since).map((change) =>
            nameChange(change, [form, now], language, t),
          )}
        />
      </section>
    </div>
  );
}

type Kind = 'added' | 'removed' | 'moved' | 'changed';

/** By id of the field. */
function marksOf(changes: readonly { readonly kind: Kind; readonly target: string }[]): ReadonlyMap<string, Kind> {
  const marks = new Map<string, Kind>();
  for (const { kind, target } of changes) {
    const [area, id = '', list] = target.split('/');
    if (area === 'fields') marks.set(id, list === undefined ? kind : 'changed');
  }
  return marks;
}

function PastField({
  field,
  marks,
}: {
  readonly field: FieldJson;
  readonly marks: ReadonlyMap<string, Kind>;
}): ReactNode {
  const { t, language: own } = useWording();
  const { language } = useEditor();
  const mark = marks.get(field.id);
  const title = textIn(field.title, language);
  const choices = [...(field.rows ?? []), ...(field.options ?? [])];
  return (
    <li className={mark === undefined ? 'card field' : `card field marked ${mark}`} data-past={field.id}>
      <div className="field-head">
        <strong className="question" {...textMarks(title === '' ? own : languageIn(field.title, language))}>
          {title || typeWord(field.type, own)}
        </strong>
        {mark !== undefined && <span className={`badge ${mark}`}>{t(mark)}</span>}
        {field.required && <span className="badge">{t('required')}</span>}
        <span className="badge type">{typeWord(field.type, own)}</span>
      </div>
      <RichView
        text={textIn(field.description, language)}
        className="field-brief"
        lang={languageIn(field.description, language)}
      />
      {choices.length > 0 && (
        <ul className="past-options" {...textMarks(language)}>
          {choices.map((option) => (
            <li key={option.id}>{textIn(option.label, language) || option.id}</li>
          ))}
        </ul>
      )}
      {(field.fields ?? []).length > 0 && (
        <ol className="group fields">
          {field.fields?.map((child) => (
            <PastField key={child.id} field={child} marks={marks} />
          ))}
        </ol>
      )}
    </li>
  );
}
