/** A form as it is filled in: begun or taken up again, saved as it goes, handed in once. */
import { useEffect, useState, type ReactNode } from 'react';
import {
  openSubmission,
  RequestRefusedError,
  resumeSubmission,
  startSubmission,
  type FormJson,
  type LocalCopy,
  type StartedSubmission,
  type SubmissionHandle,
} from '../../client/index.js';
import { readSheetMeta } from '../../crdt/submission/answer-sheet.js';
import { messageOf } from '../app/hooks.js';
import { textIn, useWording } from '../app/language.js';
import { server, serverOptions } from '../app/session.js';
import { Problem, Shell } from '../parts/shell.js';
import { keepShell } from '../offline/keep-shell.js';
import { forgetSheet, keepSheet, keptSheet, openAnswers } from './kept-sheet.js';
import { Questionnaire } from './questionnaire.js';
import { SheetToken } from './sheet-token.js';
import '../style/respond.css';

interface Sheet {
  readonly form: FormJson;
  readonly handle: SubmissionHandle;
  readonly token: SheetToken;
  /** Its answers are here already, the network or not. */
  readonly isKept: boolean;
  readonly copy: LocalCopy | undefined;
}
interface Opening {
  readonly sheet: Pick<StartedSubmission, 'id' | 'formId'>;
  readonly form: FormJson;
  readonly token: SheetToken;
}

const resumeToken = (): string => location.hash.slice(1);

/** Without a network a sheet that was open here before opens as it was left. */
async function openingOf(formId: string): Promise<Opening> {
  try {
    const started = await begin(formId);
    const form = await readForm(started);
    void keepSheet(resumeToken(), started, form);
    return { sheet: started, form, token: new SheetToken(started.token, resumeToken()) };
  } catch (error) {
    if (error instanceof RequestRefusedError && error.status < 500) throw error;
    const kept = await keptSheet(resumeToken());
    if (kept === undefined) throw error;
    return { sheet: kept, form: kept.form, token: new SheetToken(undefined, resumeToken()) };
  }
}

/** The resume token stands behind `#`, which browsers do not send: the link brings one back to the sheet. */
async function begin(formId: string): Promise<StartedSubmission> {
  const known = resumeToken();
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
const begun = new Map<string, Promise<Opening>>();

export default function RespondPage({ formId }: { readonly formId: string }): ReactNode {
  const { t, language } = useWording();
  const [sheet, setSheet] = useState<Sheet>();
  const [error, setError] = useState<unknown>();
  useEffect(() => keepShell('respond'), []);
  useEffect(() => {
    let isCurrent = true;
    let handle: SubmissionHandle | undefined;
    let copy: LocalCopy | undefined;
    const open = async (): Promise<void> => {
      const starting = begun.get(formId) ?? openingOf(formId);
      begun.set(formId, starting);
      const { sheet: which, form, token } = await starting;
      copy = await openAnswers(which);
      if (!isCurrent) return void copy?.close();
      // The token is asked for with each attempt: it stands in the options of the server.
      const options = { ...serverOptions(), ...(token.isNeeded ? { token: token.get } : {}) };
      handle = openSubmission(options, { ...which, token: null }, copy === undefined ? {} : { doc: copy.doc, copy });
      copy?.follow(handle.connection);
      setSheet({ form, handle, token, copy, isKept: readSheetMeta(handle.doc).formId !== undefined });
    };
    open().catch((failure: unknown) => {
      if (isCurrent) setError(failure);
    });
    return () => {
      isCurrent = false;
      handle?.close();
      void copy?.close();
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
        {sheet !== undefined && <Questionnaire {...sheet} onDone={() => void forgetSheet(resumeToken(), sheet.copy)} />}
      </div>
    </Shell>
  );
}
