/** Who changed what: of the field that is open, or of the whole form. */
import { useCallback, type ReactNode } from 'react';
import { useLoaded } from '../app/hooks.js';
import { useWording } from '../app/language.js';
import { server } from '../app/session.js';
import { ChangeLine, type ShownChange } from '../parts/change-list.js';
import { Moment, Problem } from '../parts/shell.js';
import { useEditor } from './editor-context.js';

interface LoggedChange extends ShownChange {
  readonly id: string;
  readonly at: string;
  readonly user: { readonly id: string; readonly name?: string };
  readonly source: string;
}

const REFRESH_MS = 5_000;

export function HistoryPanel(): ReactNode {
  const { t } = useWording();
  const { form, selected } = useEditor();
  const load = useCallback(
    () =>
      server().rest.request<{ data: readonly LoggedChange[] }>('GET', `/forms/${form.id}/changes`, {
        query: { limit: 50, fieldId: selected ?? undefined },
      }),
    [form.id, selected],
  );
  const { data, error } = useLoaded(load, REFRESH_MS);
  return (
    <div>
      <p className="muted">{selected === null ? t('historyOfForm') : t('historyOfField')}</p>
      <Problem>{error}</Problem>
      {data?.data.length === 0 && <p className="empty">{t('noChanges')}</p>}
      <ul className="changes" tabIndex={0} aria-label={t('history')}>
        {data?.data.map((change) => (
          <li key={change.id}>
            <p className="muted">
              <strong>{change.user.name ?? change.user.id}</strong> <Moment at={change.at} />
            </p>
            <ChangeLine change={change} />
          </li>
        ))}
      </ul>
    </div>
  );
}
