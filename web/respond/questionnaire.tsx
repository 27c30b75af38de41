/** The pages of a form, one at a time, along the path that the answers lead to. */
import { useEffect, useMemo, useRef, useState, useSyncExternalStore, type ReactNode } from 'react';
import { flushSync } from 'react-dom';
import {
  guardLeaving,
  RequestRefusedError,
  STALE_COPY,
  type FormJson,
  type SubmissionHandle,
} from '../../client/index.js';
import type { Json } from '../../crdt/form/form-json.js';
import { inspectSheet, type AnswerIssue } from '../../crdt/submission/inspect-sheet.js';
import { useNetwork, useTask } from '../app/hooks.js';
import { languageIn, textIn, useWording } from '../app/language.js';
import { isolated, textMarks } from '../app/text-language.js';
import { FormText } from '../parts/form-text.js';
import { OwnWords } from '../parts/own-words.js';
import { RichView } from '../parts/rich-view.js';
import { SaveIndicator, useConnectionStatus } from '../parts/save-indicator.js';
import { Problem } from '../parts/shell.js';
import { CompanyList, useCompany } from './company.js';
import { LanguageChoice, type FormLanguage } from './form-language.js';
import { Question } from './question.js';
import { NewerVersion, RestoredNotice } from './sheet-notices.js';
import { SheetContext, type SheetView } from './sheet-context.js';
import type { SheetToken } from './sheet-token.js';
import { useVisit } from './visit.js';

interface QuestionnaireProps {
  readonly form: FormJson;
  readonly reading: FormLanguage;
  readonly handle: SubmissionHandle;
  readonly token: SheetToken;
  /** Its answers are here before the server was asked. */
  readonly isKept: boolean;
  /** It is handed in, here or elsewhere. */
  readonly onDone: () => void;
  /** Opens the sheet as the server has it now, and gives it the answers that are here. */
  readonly onTakeAlong: () => Promise<void>;
}

export function Questionnaire(props: QuestionnaireProps): ReactNode {
  const { form, reading, handle, token, isKept, onDone, onTakeAlong } = props;
  const { t, language: own } = useWording();
  const { language } = reading;
  const answers = useSyncExternalStore(handle.subscribe, () => handle.answers);
  const { status } = useConnectionStatus(handle.connection);
  useNetwork(handle.connection);
  useEffect(() => guardLeaving(handle.connection), [handle]);
  const [hasSynced, setSynced] = useState(isKept);
  useEffect(() => {
    if (status === 'synced') setSynced(true);
  }, [status]);
  const [page, setPage] = useState<string>();
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const [isAllShown, setAllShown] = useState(false);
  const [isDone, setDone] = useState(false);
  const [refused, setRefused] = useState<readonly AnswerIssue[]>([]);
  const submitting = useTask();
  const heading = useRef<HTMLHeadingElement>(null);
  const inspection = useMemo(() => inspectSheet(form, answers), [form, answers]);
  const { state } = inspection;

  // The page that was open when the sheet was left.
  const path = state.pages;
  const wanted = page ?? handle.meta.page;
  const index = Math.max(0, wanted === undefined ? 0 : path.indexOf(wanted));
  const current = form.pages.find(({ id }) => id === path[index]);
  const isLast = index >= path.length - 1;
  const sheetStatus = handle.meta.status;
  const isOver = hasSynced && (isDone || sheetStatus !== 'in_progress');
  useEffect(() => {
    if (isOver) onDone();
    // Once: what is done is kept no longer.
  }, [isOver]);
  const { others, presence } = useCompany(handle);
  const visit = useVisit(handle, token, hasSynced && sheetStatus === 'in_progress' ? current?.id : undefined);
  const { state: line } = handle.connection;
  const isRestored = line.status === 'closed' && line.code === STALE_COPY;
  const closed = line.status === 'closed' && !isRestored && (
    <Problem>{t('closedByServer', { reason: line.reason === '' ? line.code : line.reason })}</Problem>
  );
  if (!hasSynced) {
    return (
      closed || (
        <p className="loading" role="status">
          {t('connecting')}
        </p>
      )
    );
  }
  if (isOver) return <ThankYou title={textIn(form.title, language)} />;

  const issues = [...inspection.missing, ...inspection.errors, ...refused];
  const shownIssues = issues.filter(({ path: at }) => isAllShown || touched.has(at) || touched.has(rootOf(at)));
  const view: SheetView = {
    form,
    language,
    answers,
    state,
    issues: shownIssues,
    upload: { handle, token },
    others,
    answer: (fieldId: string, value: Json) => {
      setRefused([]);
      handle.answer({ [fieldId]: value });
    },
    touch: (at: string) =>
      afterPress(() => setTouched((before) => (before.has(at) ? before : new Set([...before, at])))),
  };
  const goTo = (next: string | undefined): void => {
    if (next === undefined) return;
    setPage(next);
    setAllShown(false);
    handle.turnTo(next);
    scrollTo({ top: 0 });
    heading.current?.focus();
  };
  const ownIds = new Set(current === undefined ? [] : current.fields.flatMap(idsIn));
  const wrongHere = issues.filter(({ path: at }) => ownIds.has(rootOf(at).slice('answers.'.length)));
  const showProblems = (): void => {
    flushSync(() => setAllShown(true));
    document.querySelector<HTMLElement>('.has-issue :is(input, select, textarea, button)')?.focus();
  };
  const next = (): void => {
    if (wrongHere.length > 0) showProblems();
    else goTo(path[index + 1]);
  };
  const submit = (): void => {
    if (issues.length > 0) {
      const first = issues[0];
      const at = form.pages.find(({ fields }) =>
        fields.flatMap(idsIn).includes(first === undefined ? '' : rootOf(first.path).slice('answers.'.length)),
      );
      if (at !== undefined && at.id !== current?.id) goTo(at.id);
      showProblems();
      return;
    }
    submitting.run(async () => {
      try {
        await handle.submit();
        setDone(true);
        scrollTo({ top: 0 });
      } catch (error) {
        if (error instanceof RequestRefusedError && error.errors.length > 0) {
          setRefused(error.errors as unknown as AnswerIssue[]);
          showProblems();
        }
        throw error;
      }
    });
  };
  const isOffline = status === 'offline' || status === 'idle';
  return (
    <SheetContext.Provider value={view}>
      <LanguageChoice languages={form.languages} {...reading} />
      <div className="sheet" {...textMarks(language)}>
        <div className="sheet-head">
          <div className="progress-line">
            <progress max={100} value={inspection.percent} aria-label={t('progress')} />
            <OwnWords>{t('percent', { percent: inspection.percent })}</OwnWords>
            <OwnWords>
              <SaveIndicator connection={handle.connection} />
            </OwnWords>
            <CompanyList others={others} />
          </div>
          <div {...textMarks(own)}>
            {isOffline && <p className="notice warn">{t('offlineNotice')}</p>}
            {closed}
            {isRestored ? <RestoredNotice onTakeAlong={onTakeAlong} /> : <NewerVersion handle={handle} />}
          </div>
        </div>
        <header className={index === 0 ? 'form-title' : 'form-title small'}>
          <h1>
            <FormText texts={form.title} language={language} otherwise={<OwnWords>{t('untitled')}</OwnWords>} />
          </h1>
          {index === 0 && (
            <RichView
              className="lead"
              text={textIn(form.description, language)}
              lang={languageIn(form.description, language)}
            />
          )}
        </header>
        <section
          aria-label={t('pageNumber', { number: index + 1 })}
          onFocus={({ target }) => {
            const field = target.closest<HTMLElement>('[data-question]')?.dataset['question'];
            if (field === undefined) return;
            visit.focus(field);
            presence?.show({ field, activity: 'typing' });
          }}
          onBlur={({ relatedTarget }) => {
            if (relatedTarget instanceof Element && relatedTarget.closest('[data-question]') !== null) return;
            visit.blur();
            presence?.show({ field: null, activity: 'viewing' });
          }}
        >
          <h2 ref={heading} tabIndex={-1} className={textIn(current?.title, language) === '' ? 'unseen' : ''}>
            <FormText
              texts={current?.title}
              language={language}
              otherwise={<OwnWords>{t('pageNumber', { number: index + 1 })}</OwnWords>}
            />
          </h2>
          {textIn(current?.description, language) !== '' && (
            <RichView text={textIn(current?.description, language)} lang={languageIn(current?.description, language)} />
          )}
          {current?.fields.map((field) => (
            <Question
              key={field.id}
              field={field}
              part={state}
              path={`answers.${field.id}`}
              value={answers[field.id]}
              onAnswer={(value) => view.answer(field.id, value)}
            />
          ))}
        </section>
        <div {...textMarks(own)}>
          {isAllShown && wrongHere.length > 0 && (
            <p className="notice bad" role="alert">
              {t('issuesLeft', { count: wrongHere.length })}
            </p>
          )}
          <Problem>{submitting.error}</Problem>
        </div>
        <div className="actions">
          {index > 0 && (
            <button type="button" onClick={() => goTo(path[index - 1])}>
              <OwnWords>{t('back')}</OwnWords>
            </button>
          )}
          <span className="spacer" />
          {isLast ? (
            <button
              type="button"
              className="primary"
              disabled={submitting.isBusy || isOffline || isRestored}
              onClick={submit}
            >
              <OwnWords>{t('submit')}</OwnWords>
            </button>
          ) : (
            <button type="button" className="primary" onClick={next}>
              <OwnWords>{t('next')}</OwnWords>
            </button>
          )}
        </div>
      </div>
      <ResumeLink />
    </SheetContext.Provider>
  );
}

let isPressed = false;
addEventListener('pointerdown', () => (isPressed = true), true);
for (const end of ['pointerup', 'pointercancel']) addEventListener(end, () => (isPressed = false), true);

/** A message that comes in between pressing and releasing would move what is being clicked away from the pointer. */
function afterPress(run: () => void): void {
  if (!isPressed) run();
  else addEventListener('pointerup', () => setTimeout(run), { once: true });
}

/** `answers.g1.0.f2` → `answers.g1` */
const rootOf = (path: string): string => path.split('.').slice(0, 2).join('.');
const idsIn = (field: FormJson['pages'][number]['fields'][number]): string[] => [
  field.id,
  ...(field.fields ?? []).flatMap(idsIn),
];

function ThankYou({ title }: { readonly title: string }): ReactNode {
  const { t } = useWording();
  return (
    <div className="thanks" role="status">
      <span className="tick" aria-hidden="true">
        ✓
      </span>
      <h1>{t('thanks')}</h1>
      <p>{t('received', { title: isolated(title) })}</p>
    </div>
  );
}

function ResumeLink(): ReactNode {
  const { t } = useWording();
  const [isCopied, setCopied] = useState(false);
  const { run, error } = useTask();
  const copy = (): void =>
    run(async () => {
      await navigator.clipboard.writeText(location.href);
      setCopied(true);
    });
  return (
    <div className="resume">
      <p className="muted">{t('resumeHint')}</p>
      <button type="button" className="quiet" onClick={copy}>
        {isCopied ? t('copied') : t('copyLink')}
      </button>
      <Problem>{error}</Problem>
    </div>
  );
}
