/** Writes that did not see each other: who wrote what and when, and the way out. Below, what becomes of the next ones. */
import { useState, type ReactNode } from 'react';
import type { Candidate, Conflict } from '../../../crdt/conflicts/index.js';
import type { Json } from '../../../crdt/form/form-json.js';
import { allFields } from '../../../crdt/logic/evaluate.js';
import { useTask } from '../../app/hooks.js';
import { textIn, useWording } from '../../app/language.js';
import { server } from '../../app/session.js';
import { Avatar } from '../../parts/avatar.js';
import { Moment, Problem } from '../../parts/shell.js';
import { useEditor, useFormNow } from '../editor-context.js';
import { propertyName } from '../../parts/property-name.js';
import { PolicySettings } from './policy-settings.js';

export function ConflictsPanel({ conflicts }: { readonly conflicts: readonly Conflict[] }): ReactNode {
  const { t } = useWording();
  return (
    <div className="conflicts">
      {conflicts.length === 0 && <p className="empty">{t('noConflicts')}</p>}
      {conflicts.map((conflict) => (
        <ConflictCard key={conflict.id} conflict={conflict} />
      ))}
      <PolicySettings />
    </div>
  );
}

function ConflictCard({ conflict }: { readonly conflict: Conflict }): ReactNode {
  const { t } = useWording();
  const { language, announce, isReadOnly } = useEditor();
  const form = useFormNow();
  const { run, isBusy, error } = useTask();
  const field = form.pages.flatMap((page) => allFields(page.fields)).find(({ id }) => id === conflict.fieldId);
  const name = textIn(field?.title, language) || t('question');
  const property = propertyName(t, conflict.property);
  const resolve = (body: { choose: string } | { value: Json }): void =>
    run(async () => {
      const path = `/forms/${form.id}/conflicts/${encodeURIComponent(conflict.id)}/resolution`;
      await server().rest.request('POST', path, { body });
      announce(t('resolved'));
    });
  return (
    <article className="card conflict" aria-label={t('conflictOn', { name, property })}>
      <p className="about">
        <bdi>{name}</bdi> <span className="muted">{property}</span>
      </p>
      <ul>
        {conflict.candidates.map((candidate) => (
          <CandidateRow
            key={candidate.id}
            candidate={candidate}
            isCurrent={JSON.stringify(candidate.value) === JSON.stringify(conflict.current)}
            isBusy={isBusy || isReadOnly}
            onChoose={() => resolve({ choose: candidate.id })}
          />
        ))}
      </ul>
      {!isReadOnly && <OwnValue example={conflict.current} isBusy={isBusy} onWrite={(value) => resolve({ value })} />}
      <Problem>{error}</Problem>
    </article>
  );
}

interface CandidateRowProps {
  readonly candidate: Candidate;
  readonly isCurrent: boolean;
  readonly isBusy: boolean;
  readonly onChoose: () => void;
}

function CandidateRow({ candidate, isCurrent, isBusy, onChoose }: CandidateRowProps): ReactNode {
  const { t } = useWording();
  const { author, at, value } = candidate;
  const who = author === null ? t('somebody') : (author.name ?? author.id);
  return (
    <li className="candidate">
      <Avatar id={author?.id ?? '?'} name={who} isSmall />
      <div>
        <strong className="value" dir="auto">
          {shownValue(t, value)}
        </strong>{' '}
        {isCurrent && <span className="badge">{t('standsNow')}</span>}
        <p className="muted">
          {who} {at !== null && <Moment at={new Date(at).toISOString()} />}
        </p>
      </div>
      <button
        type="button"
        disabled={isBusy}
        aria-label={t('takeNamed', { value: shownValue(t, value), name: who })}
        onClick={onChoose}
      >
        {t('take')}
      </button>
    </li>
  );
}

function shownValue(t: (key: 'isYes' | 'isNo' | 'nothing') => string, value: Json): string {
  if (value === true) return t('isYes');
  if (value === false) return t('isNo');
  if (value === null || value === '') return t('nothing');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

interface OwnValueProps {
  /** The kind of value that the property has. */
  readonly example: Json;
  readonly isBusy: boolean;
  readonly onWrite: (value: Json) => void;
}

function OwnValue({ example, isBusy, onWrite }: OwnValueProps): ReactNode {
  const { t } = useWording();
  const [text, setText] = useState('');
  if (typeof example === 'boolean') return null;
  const isNumber = typeof example === 'number';
  return (
    <form
      className="inline-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() !== '') onWrite(isNumber ? Number(text) : text);
      }}
    >
      <input
        type={isNumber ? 'number' : 'text'}
        step="any"
        aria-label={t('otherValue')}
        placeholder={t('otherValue')}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <button disabled={isBusy || text.trim() === ''}>{t('write')}</button>
    </form>
  );
}
