/** Others who are filling in the same sheet. */
import { useEffect, useMemo, useSyncExternalStore, type ReactNode } from 'react';
import { Presence, type Person, type SubmissionHandle } from '../../client/index.js';
import { useWording } from '../app/language.js';
import { Avatar } from '../parts/avatar.js';
import { OwnWords } from '../parts/own-words.js';

export interface Company {
  readonly others: readonly Person[];
  readonly presence: Presence | undefined;
}

const NOBODY: readonly Person[] = [];
const never = (): (() => void) => () => undefined;

export function useCompany({ connection }: SubmissionHandle): Company {
  const presence = useMemo(
    () => (connection.awareness === undefined ? undefined : new Presence(connection.awareness)),
    [connection],
  );
  useEffect(() => () => presence?.show({ field: null }), [presence]);
  const others = useSyncExternalStore(presence?.subscribe ?? never, () => presence?.others ?? NOBODY);
  return { others, presence };
}

export function CompanyList({ others }: { readonly others: readonly Person[] }): ReactNode {
  const { t } = useWording();
  if (others.length === 0) return null;
  return (
    <ul className="company" aria-label={t('alsoHere', { count: others.length })}>
      {others.map(({ clientId, user }) => (
        <li key={clientId}>
          <Avatar id={user.id} name={user.name} />
        </li>
      ))}
    </ul>
  );
}

/** Who is at one question now. */
export function AtQuestion({ others }: { readonly others: readonly Person[] }): ReactNode {
  const { t } = useWording();
  if (others.length === 0) return null;
  const names = [...new Set(others.map(({ user }) => user.name ?? user.id))].join(', ');
  return (
    <p className="at-question">
      <OwnWords>{t('answersNow', { names })}</OwnWords>
    </p>
  );
}
