/** A form as it is filled in: begun or taken up again, saved as it goes, handed in once. */
import { useEffect, useState, type ReactNode } from 'react';
import {
  openSubmission,
  RequestRefusedError,
  resumeSubmission,
  startSubmission,
  type FormJson,
  type StartedSubmission,
  type SubmissionHandle,
} from '../../client/index.js';
import { messageOf } from '../app/hooks.js';
import { textIn, useWording } from '../app/language.js';
import { server, serverOptions } from '../app/session.js';
import { Problem, Shell } from '../parts/shell.js';
import { Questionnaire } from './questionnaire.js';
import '../style/respond.css';

interface Sheet {
  readonly form: FormJson;
  readonly handle: SubmissionHandle;
  readonly token: string | null;
}

/** The resume token stands behind `#`, which browsers do not send: the link brings one back to the sheet. */
async function begin(formId: string): Promise<StartedSubmission> {
  const known = location.hash.slice(1);
  if (known !== '') return resumeSubmission(server(), known);
  const started = await startSubmission(server(), formId, {
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  });
  if (started.resumeToken !== undefined) history.replaceState(null, '', `#${started.resumeToken}`);
  return started;
}

async function readForm({ formId, version, token }: StartedSubmission): Promise<FormJson> {
  return server().rest.request<FormJson>('GET', `/forms/${formId}`, {
    query: { version },
    ...(token === null ? {} : { token }),
  });
}

/** Also under React's double effects in development, a page begins one sheet. */
const begun = new Map<string, Promise<StartedSubmission>>();

export default function RespondPage({ formId }: { readonly formId: string }): ReactNode {
  const { t, language } = useWording();
  const [sheet, setSheet] = useState<Sheet>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    let isCurrent = true;
    let handle: SubmissionHandle | undefined;
    const open = async (): Promise<void> => {
      const starting = begun.get(formId) ?? begin(formId);
      begun.set(formId, starting);
      const started = await starting;
      const form = await readForm(started);
      if (!isCurrent) return;
      handle = openSubmission(serverOptions(), started);
      setSheet({ form, handle, token: started.token });
    };
    open().catch((failure: unknown) => {
      if (isCurrent) setError(failure);
    });
    return () => {
      isCurrent = false;
      handle?.close();
    };
  }, [formId]);
  const isMissing = error instanceof RequestRefusedError && (error.status === 404 || error.status === 409);
  return (
    <Shell title={sheet === undefined ? t('form') : textIn(sheet.form.title, language)} isPublic>
      <div className="narrow">
        {error !== undefined && (
          <>
            <h1>{t('cannotOpen')}</h1>
            <Problem>{isMissing ? t('notOpenForAnswers') : messageOf(error)}</Problem>
            {location.hash !== '' && (
              <p>
                <a href={location.pathname} onClick={() => setTimeout(() => location.reload())}>
                  {t('startAnew')}
                </a>
              </p>
            )}
          </>
        )}
        {error === undefined && sheet === undefined && (
          <p className="loading" role="status">
            {t('loading')}
          </p>
        )}
        {sheet !== undefined && <Questionnaire {...sheet} />}
      </div>
    </Shell>
  );
}
