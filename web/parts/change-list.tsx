/** Changes of a document, one a line. */
import type { ReactNode } from 'react';
import { useWording, type Wording } from '../app/language.js';

export interface ShownChange {
  readonly kind: 'added' | 'removed' | 'moved' | 'changed';
  readonly target: string;
  readonly property?: string | null | undefined;
  readonly before?: unknown;
  readonly after?: unknown;
}

export function ChangeList({ changes }: { readonly changes: readonly ShownChange[] }): ReactNode {
  return (
    <ul className="changes" tabIndex={0}>
      {changes.map((change, index) => (
        <li key={index}>
          <ChangeLine change={change} />
        </li>
      ))}
    </ul>
  );
}

export function ChangeLine({ change }: { readonly change: ShownChange }): ReactNode {
  const { t } = useWording();
  const { kind, target, property, before, after } = change;
  return (
    <>
      <span className={`badge ${kind}`}>{t(kind)}</span> <strong dir="auto">{target}</strong>
      {property !== null && property !== undefined && <span className="change-property"> {property}</span>}
      {kind === 'changed' && (
        <span className="before-after">
          {isSomething(before) && <del dir="auto">{brief(before, t)}</del>}{' '}
          {isSomething(after) ? <ins dir="auto">{brief(after, t)}</ins> : <ins>{t('nothing')}</ins>}
        </span>
      )}
    </>
  );
}

const isSomething = (value: unknown): boolean =>
  value !== undefined && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0);

const MOST = 120;

function brief(value: unknown, t: Wording['t']): string {
  const text = textOf(value, t);
  return text.length > MOST ? `${text.slice(0, MOST)}…` : text;
}

/** Values as people read them: lists by commas, options by their labels, rules as they stand. */
function textOf(value: unknown, t: Wording['t']): string {
  if (value === true) return t('isYes');
  if (value === false) return t('isNo');
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map((item) => textOf(item, t)).join(', ');
  if (typeof value !== 'object' || value === null) return String(value);
  if ('label' in value) return textOf(value.label, t);
  const parts = Object.entries(value);
  const isTexts = parts.length > 0 && parts.every(([key, text]) => LANGUAGE.test(key) && typeof text === 'string');
  return isTexts
    ? parts.map(([, text]) => text as string).join(' / ')
    : parts.map(([key, part]) => `${key}: ${textOf(part, t)}`).join(', ');
}
const LANGUAGE = /^[a-z]{2,3}(-[A-Za-z0-9]+)*$/;
