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
import { useFormLanguage } from './form-language.js';
import { forgetSheet, keepSheet, keptSheet, openAnswers } from './kept-sheet.js';
import { Questionnaire } from './questionnaire.js';
import { SheetToken } from './sheet-token.js';
import '../style/respond.css';

interface Sheet {
  readonly form: FormJson;
  /** Of the form. */
  readonly version: number;
  readonly handle: SubmissionHandle;
  readonly token: SheetToken;
  /** Its answers are here already, the network or not. */
  readonly isKept: boolean;
  readonly copy: LocalCopy | undefined;
}
interface Opening {
  readonly sheet: Pick<StartedSubmission, 'id' | 'formId' | 'version'>;
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

async function readForm({
  formId,
  version,
  token,
}: Pick<StartedSubmission, 'formId' | 'version' | 'token'>): Promise<FormJson> {
  return server().rest.request<FormJson>('GET', `/forms/${formId}`, {
    query: { version },
    ...(token === null ? {} : { token }),
  });
}

async function opened({ sheet: which, form, token }: Opening): Promise<Sheet> {
  const copy = await openAnswers(which);
  // The token is asked for with each attempt: it stands in the options of the server.
  const options = { ...serverOptions(), ...(token.isNeeded ? { token: token.get } : {}) };
  const handle = openSubmission(options, { ...which, token: null }, copy === undefined ? {} : { doc: copy.doc, copy });
  copy?.follow(handle.connection);
  const isKept = readSheetMeta(handle.doc).formId !== undefined;
  return { form, version: which.version, handle, token, copy, isKept };
}

function close({ handle, copy }: Sheet): void {
  handle.close();
  void copy?.close();
}

/** The sheet was moved to another version: here, by somebody who fills it too, or by an owner of the form. */
function useMovedForm(sheet: Sheet | undefined, onMoved: (sheet: Sheet) => void): void {
  useEffect(() => {
    if (sheet === undefined) return undefined;
    const { handle, token } = sheet;
    const { formId, id } = handle;
    const look = (): void => {
      const { version } = handle.meta;
      if (version === undefined || version === sheet.version) return;
      readForm({ formId, version, token: token.known ?? null }).then(
        (form) => {
          if (handle.meta.version !== version) return;
          void keepSheet(resumeToken(), { id, formId, version }, form);
          onMoved({ ...sheet, form, version });
        },
        // Without a network the form stays as it is; the next change of the sheet tries again.
        () => undefined,
      );
    };
    look();
    return handle.subscribe(look);
  }, [sheet, onMoved]);
}

/** Also under React's double effects in development, a page begins one sheet. */
const begun = new Map<string, Promise<Opening>>();

export default function RespondPage({ formId }: { readonly formId: string }): ReactNode {
  const { t } = useWording();
  const [sheet, setSheet] = useState<Sheet>();
  const [error, setError] = useState<unknown>();
  useEffect(() => keepShell('respond'), []);
  useEffect(() => {
    let isCurrent = true;
    const opening = begun.get(formId) ?? openingOf(formId);
    begun.set(formId, opening);
    opening.then(opened).then(
      (ready) => (isCurrent ? setSheet(ready) : close(ready)),
      (failure: unknown) => isCurrent && setError(failure),
    );
    return () => {
      isCurrent = false;
    };
  }, [formId]);
  useEffect(
    () => () => {
      if (sheet !== undefined) close(sheet);
    },
    [sheet?.handle],
  );
  useMovedForm(sheet, setSheet);
  const reading = useFormLanguage(formId, sheet?.form.languages ?? []);
  const takeAlong = async (): Promise<void> => {
    if (sheet === undefined) return;
    const { answers } = sheet.handle;
    const opening = await openingOf(formId).catch((failure: unknown) => {
      if (!(failure instanceof RequestRefusedError) || failure.status >= 500) throw failure;
      // The backup is from before the sheet was begun, and knows nothing of it.
      history.replaceState(null, '', location.pathname + location.search);
      return openingOf(formId);
    });
    begun.set(formId, Promise.resolve(opening));
    const ready = await opened(opening);
    await ready.handle.connection.synced();
    ready.handle.answer(answers);
    setSheet(ready);
  };
  const isMissing = error instanceof RequestRefusedError && (error.status === 404 || error.status === 409);
  return (
    <Shell title={sheet === undefined ? t('form') : textIn(sheet.form.title, reading.language)} isPublic>
      <div className="narrow">
        {error !== undefined && (
          <>
            <h1>{t('cannotOpen')}</h1>
            <Problem>{isMissing ? t('notOpenForAnswers') : messageOf(error)}</Problem>
            {location.hash !== '' && (
              <p>
                <a href={location.pathname + location.search} onClick={() => setTimeout(() => location.reload())}>
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
        {sheet !== undefined && (
          <Questionnaire
            key={sheet.handle.doc.guid}
            {...sheet}
            reading={reading}
            onDone={() => void forgetSheet(resumeToken(), sheet.copy)}
            onTakeAlong={takeAlong}
          />
        )}
      </div>
    </Shell>
  );
}
