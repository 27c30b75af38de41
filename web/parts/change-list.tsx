/** Changes of a document, one a line. */
import type { ReactNode } from 'react';
import { useWording } from '../app/language.js';

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
      <span className={`badge ${kind}`}>{t(kind)}</span>{' '}
      <code>{[target, property ?? ''].filter(Boolean).join(' · ')}</code>
      {kind === 'changed' && (
        <span className="before-after">
          {before !== undefined && <del>{brief(before)}</del>} {after !== undefined && <ins>{brief(after)}</ins>}
        </span>
      )}
    </>
  );
}

const MOST = 120;
function brief(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > MOST ? `${text.slice(0, MOST)}…` : text;
}
