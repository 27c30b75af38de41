/** What every page has: the bar above, a link to its content, the language, one's own name. */
import { useEffect, useState, type ReactNode } from 'react';
import { Bell } from '../notifications/bell.js';
import { LANGUAGES, useWording } from '../app/language.js';
import { ownName, rename, token } from '../app/session.js';

export interface ShellProps {
  readonly title: string;
  /** In the bar, beside the name of the app. */
  readonly bar?: ReactNode;
  /** Respondents see neither forms nor operations. */
  readonly isPublic?: boolean;
  readonly children: ReactNode;
}

export function Shell({ title, bar, isPublic = false, children }: ShellProps): ReactNode {
  const { t, language, setLanguage } = useWording();
  useEffect(() => {
    document.title = `${title} – Formloom`;
  }, [title]);
  return (
    <>
      <a className="skip" href="#content">
        {t('skip')}
      </a>
      <header className="bar">
        {isPublic ? <span className="brand">Formloom</span> : <Navigation />}
        <div className="bar-middle">{bar}</div>
        <div className="bar-end">
          {!isPublic && <Bell />}
          {!isPublic && token === undefined && <OwnName />}
          <div className="segmented" role="group" aria-label={t('language')}>
            {LANGUAGES.map((tag) => (
              <button key={tag} type="button" aria-pressed={tag === language} onClick={() => setLanguage(tag)}>
                {tag.toUpperCase()}
              </button>
            ))}
          </div>
        </div>
      </header>
      <main id="content">{children}</main>
    </>
  );
}

function Navigation(): ReactNode {
  const { t } = useWording();
  return (
    <nav aria-label={t('navigation')}>
      <a className="brand" href="/app/">
        Formloom
      </a>
      <a href="/app/">{t('forms')}</a>
      <a href="/app/operate">{t('operate')}</a>
    </nav>
  );
}

function OwnName(): ReactNode {
  const { t } = useWording();
  const [name, setName] = useState(ownName);
  const onDone = (): void => {
    if (name === ownName()) return;
    // Connections carry the name: they begin anew with the page.
    if (rename(name)) location.reload();
    else setName(ownName());
  };
  return (
    <input
      className="own-name"
      aria-label={t('yourName')}
      value={name}
      maxLength={40}
      onChange={(event) => setName(event.target.value)}
      onBlur={onDone}
      onKeyDown={(event) => event.key === 'Enter' && event.currentTarget.blur()}
    />
  );
}

export function Problem({ children }: { readonly children: ReactNode }): ReactNode {
  return children === undefined ? null : (
    <p className="notice bad" role="alert">
      {children}
    </p>
  );
}

export function Moment({ at }: { readonly at: string }): ReactNode {
  const { language } = useWording();
  const text = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(at));
  return <time dateTime={at}>{text}</time>;
}
