/** Who changed what: of the field that is open, with who wrote each part of it, or of the whole form, with the way back. */
import { useCallback, useEffect, useMemo, useState, type ReactNode } from 'react';
import { useLoaded } from '../../app/hooks.js';
import { textIn, useWording } from '../../app/language.js';
import { server } from '../../app/session.js';
import { Avatar } from '../../parts/avatar.js';
import { ChangeLine } from '../../parts/change-list.js';
import { Moment, Problem } from '../../parts/shell.js';
import { useEditor, useFormNow, useSelected } from '../editor-context.js';
import { nameChange } from '../../parts/name-change.js';
import { propertyName } from '../../parts/property-name.js';
import { entriesOf, fieldsIn, rewind, type LoggedChange } from './rewind.js';
import type { PastPoint } from './timeline.js';

const REFRESH_MS = 5_000;
/** As many changes as the slider goes back over. */
const MOST = 200;

interface Log {
  readonly data: readonly LoggedChange[];
  readonly blame?: Readonly<Record<string, { readonly user: LoggedChange['user']; readonly at: string }>>;
}

interface HistoryPanelProps {
  readonly past: PastPoint | undefined;
  readonly setPast: (point: PastPoint | undefined) => void;
}

export function HistoryPanel({ past, setPast }: HistoryPanelProps): ReactNode {
  const { t } = useWording();
  const { language } = useEditor();
  const form = useFormNow();
  const selected = useSelected();
  const field = fieldsIn(form).find(({ id }) => id === selected);
  const [isOfField, setOfField] = useState(false);
  const about = isOfField && past === undefined ? field : undefined;
  const path = `/forms/${form.id}/${about === undefined ? 'changes' : `fields/${about.id}/history`}`;
  const load = useCallback(() => server().rest.request<Log>('GET', path, { query: { limit: MOST } }), [path]);
  const { data, error } = useLoaded(load, past === undefined ? REFRESH_MS : undefined);
  const entries = useMemo(() => entriesOf(data?.data ?? []), [data]);
  return (
    <div className="history">
      <div className="segmented" role="group" aria-label={t('historyOf')}>
        <button type="button" aria-pressed={about === undefined} onClick={() => setOfField(false)}>
          {t('wholeForm')}
        </button>
        <button
          type="button"
          aria-pressed={about !== undefined}
          disabled={field === undefined}
          onClick={() => setOfField(true)}
        >
          {field === undefined ? t('fieldThatIsOpen') : <bdi>{textIn(field.title, language) || t('question')}</bdi>}
        </button>
      </div>
      <Problem>{error}</Problem>
      {about === undefined && entries.length > 0 && <Travel entries={entries} past={past} setPast={setPast} />}
      {data?.blame !== undefined && <Blame blame={data.blame} />}
      {data?.data.length === 0 && <p className="empty">{t('noChanges')}</p>}
      <ul className="changes" tabIndex={0} aria-label={t('history')}>
        {entries.map((entry) => {
          const [first] = entry;
          if (first === undefined) return null;
          return (
            <li key={first.id} className="entry">
              <Avatar id={first.user.id} name={first.user.name} isSmall />
              <div>
                <p className="muted">
                  <strong>{first.user.name ?? first.user.id}</strong> <Moment at={first.at} />{' '}
                  {first.source !== 'sync' && <span className="badge">{first.source}</span>}
                </p>
                {entry.map((change) => (
                  <div key={change.id}>
                    <ChangeLine change={nameChange(change, [form], language, t)} />
                  </div>
                ))}
              </div>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function Blame({ blame }: { readonly blame: NonNullable<Log['blame']> }): ReactNode {
  const { t } = useWording();
  return (
    <section className="blame" aria-label={t('blame')}>
      <h2>{t('blame')}</h2>
      <ul>
        {Object.entries(blame).map(([property, { user, at }]) => (
          <li key={property}>
            <span>{propertyName(t, property)}</span>
            <span>
              <Avatar id={user.id} name={user.name} isSmall /> {user.name ?? user.id}
            </span>
            <span className="muted">
              <Moment at={at} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

interface TravelProps extends HistoryPanelProps {
  readonly entries: readonly LoggedChange[][];
}

/** At its right end stands the form as it is now. */
function Travel({ entries, past, setPast }: TravelProps): ReactNode {
  const { t, language } = useWording();
  const form = useFormNow();
  const [steps, setSteps] = useState(0);
  useEffect(() => {
    if (past === undefined) setSteps(0);
  }, [past]);
  const go = (back: number): void => {
    setSteps(back);
    const entry = entries[back];
    if (back === 0 || entry?.[0] === undefined) {
      setPast(undefined);
      return;
    }
    const earlier = entries.slice(0, back).reduce(rewind, form);
    const [{ user, at }] = entry;
    setPast({ title: t('asAfter', { name: user.name ?? user.id }), at, form: earlier, changes: entry });
  };
  const last = entries.length - 1;
  const entry = entries[steps]?.[0];
  const when =
    steps === 0 || entry === undefined
      ? t('now')
      : `${new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' }).format(new Date(entry.at))}, ${entry.user.name ?? entry.user.id}`;
  return (
    <div className="travel">
      <label>
        <span>{t('travel')}</span>
        <input
          type="range"
          min={-last}
          max={0}
          step={1}
          value={-steps}
          aria-valuetext={when}
          disabled={last < 1}
          onChange={(event) => go(-Number(event.target.value))}
        />
      </label>
      <div className="travel-foot">
        <button
          type="button"
          className="icon"
          aria-label={t('earlier')}
          disabled={steps >= last}
          onClick={() => go(steps + 1)}
        >
          ←
        </button>
        <output>{when}</output>
        <button
          type="button"
          className="icon"
          aria-label={t('later')}
          disabled={steps === 0}
          onClick={() => go(steps - 1)}
        >
          →
        </button>
      </div>
    </div>
  );
}
