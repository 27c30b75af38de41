/** A table with its title; it scrolls for itself where the page is narrow. */
import type { ReactNode } from 'react';
import { useWording } from '../app/language.js';
import { Problem } from '../parts/shell.js';
import { TableHead } from '../parts/table-head.js';

export interface TableProps {
  readonly title: string;
  readonly heads: readonly string[];
  readonly error: string | undefined;
  readonly isEmpty: boolean;
  /** Said where there is nothing to show. */
  readonly emptyText?: string;
  /** Beside the title. */
  readonly controls?: ReactNode;
  readonly children: ReactNode;
}

export function Table({ title, heads, error, isEmpty, emptyText, controls, children }: TableProps): ReactNode {
  const { t } = useWording();
  return (
    <div className="card table-card">
      <div className="section-head">
        <h3>{title}</h3>
        {controls}
      </div>
      <Problem>{error}</Problem>
      {isEmpty ? (
        <p className="muted">{emptyText ?? t('nothingHere')}</p>
      ) : (
        <div className="scroller" tabIndex={0} role="region" aria-label={title}>
          <table>
            <TableHead names={heads} />
            <tbody>{children}</tbody>
          </table>
        </div>
      )}
    </div>
  );
}
