/** The editor of a form that is open: its parts, and what they share. */
import { startTransition, useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { flushSync } from 'react-dom';
import type * as Y from 'yjs';
import type { CommentsHandle, FormHandle, FormJson, LocalCopy, OwnPresence } from '../../client/index.js';
import { useNetwork } from '../app/hooks.js';
import { textIn, useWording } from '../app/language.js';
import { useConnectionStatus } from '../parts/save-indicator.js';
import { Problem, Shell } from '../parts/shell.js';
import { EditorBar } from './bar/editor-bar.js';
import { FormBody } from './body/form-body.js';
import { Palette } from './body/palette.js';
import { EditorContext, FormContext, SelectionContext, type Editor } from './editor-context.js';
import { Gathered } from './gathered.js';
import { LanguagesView } from './languages/languages-view.js';
import { DragArea } from './moving/drag.js';
import { SetAside } from './set-aside.js';
import { shareJson } from './shared-json.js';
import { SidePanel } from './side-panel.js';
import type { Carets } from './texts/carets.js';
import { PastForm } from './history/past-form.js';
import type { PastPoint } from './history/timeline.js';

/** Carets move with each letter; others need not see each of its places. */
const CARET_MS = 60;
const TYPING_MS = 2_500;
const READERS: ReadonlySet<string | undefined> = new Set(['viewer', 'commenter']);

export type View = 'form' | 'languages';

interface OpenEditorProps {
  readonly handle: FormHandle;
  readonly comments: CommentsHandle;
  readonly undo: Y.UndoManager;
  readonly carets: Carets;
  readonly others: Gathered;
  readonly copy: LocalCopy | undefined;
}

export function OpenEditor({ handle, comments, undo, carets, others, copy }: OpenEditorProps): ReactNode {
  const { t, language: ownLanguage } = useWording();
  const { form, showNow } = useSharedForm(handle);
  const { status } = useConnectionStatus(handle.connection);
  useNetwork(handle.connection);
  useNetwork(comments.connection);
  const [chosen, setLanguage] = useState<string>();
  const [selected, select] = useState<string | null>(null);
  const [view, setView] = useState<View>('form');
  const [past, setPast] = useState<PastPoint>();
  const [isSideOpen, setSideOpen] = useState(false);
  const { problem, setProblem } = useUndone(handle);
  const [told, announce] = useState('');
  const hasContent = form.pages.length > 0;
  const [hasSynced, setSynced] = useState(false);
  useEffect(() => {
    if (status === 'synced') setSynced(true);
  }, [status]);

  const fallback = form.languages.includes(ownLanguage) ? ownLanguage : (form.languages[0] ?? 'en');
  const language = chosen !== undefined && form.languages.includes(chosen) ? chosen : fallback;
  const { role } = handle.connection;
  const isReadOnly = READERS.has(role);
  const canComment = role !== 'viewer';
  const show = useShow(handle);
  const apply = useCallback<Editor['apply']>(
    (...operations) => {
      try {
        handle.apply(...operations);
        showNow();
        setProblem(undefined);
        return true;
      } catch (error) {
        // Somebody may have removed the field a moment ago.
        setProblem(error instanceof Error ? error.message : String(error));
        return false;
      }
    },
    [handle, showNow, setProblem],
  );
  const editor = useMemo<Editor>(
    () => ({ handle, comments, undo, carets, others, language, isReadOnly, canComment, select, apply, show, announce }),
    [handle, comments, undo, carets, others, language, isReadOnly, canComment, apply, show],
  );
  const title = textIn(form.title, language) || t('untitled');
  const { state } = handle.connection;
  const bar = <EditorBar view={view} setView={setView} setLanguage={setLanguage} />;
  return (
    <EditorContext.Provider value={editor}>
      <FormContext.Provider value={form}>
        <SelectionContext.Provider value={selected}>
          <Shell title={title} bar={bar}>
            <h1 className="unseen">{t(view === 'form' ? 'editing' : 'languagesBeside')}</h1>
            <div className="unseen" role="log" aria-live="assertive" aria-label={t('announcements')}>
              {told}
            </div>
            {state.status === 'closed' && (
              <Problem>{t('closedByServer', { reason: state.reason === '' ? state.code : state.reason })}</Problem>
            )}
            {copy !== undefined && <SetAside formId={handle.id} copy={copy} />}
            {isReadOnly && <p className="notice read-only">{t(canComment ? 'readAndComment' : 'readOnly')}</p>}
            <Problem>{problem}</Problem>
            {hasSynced || hasContent ? (
              <DragArea>
                <div className={`editor view-${view} ${isSideOpen ? 'side-open' : ''}`}>
                  {past === undefined && view === 'form' && !isReadOnly && <Palette />}
                  {past !== undefined ? (
                    <PastForm point={past} onLeave={() => setPast(undefined)} />
                  ) : view === 'form' ? (
                    <FormBody />
                  ) : (
                    <LanguagesView />
                  )}
                  <SidePanel past={past} setPast={setPast} />
                </div>
                <div className="side-switch" role="group" aria-label={t('side')}>
                  <button type="button" aria-pressed={!isSideOpen} onClick={() => setSideOpen(false)}>
                    {t('form')}
                  </button>
                  <button type="button" aria-pressed={isSideOpen} onClick={() => setSideOpen(true)}>
                    {t('side')}
                  </button>
                </div>
              </DragArea>
            ) : (
              <div className="loading" role="status">
                {t('connecting')}
              </div>
            )}
          </Shell>
        </SelectionContext.Provider>
      </FormContext.Provider>
    </EditorContext.Provider>
  );
}

interface SharedForm {
  readonly form: FormJson;
  /** What one has just done oneself is on the page when this returns: the focus may go to what is new, and no key is lost. */
  readonly showNow: () => void;
}

function useSharedForm(handle: FormHandle): SharedForm {
  // Inputs take in what others write at once, by themselves; the rest of the page is rendered in between letters.
  const [form, setForm] = useState(() => handle.form);
  useEffect(() => {
    const changes = new Gathered(() => {
      const now = handle.form;
      startTransition(() => setForm((before) => shareJson(before, now)));
    });
    const stop = handle.subscribe(changes.note);
    // What changed between the first rendering and now.
    changes.note();
    return () => {
      stop();
      changes.destroy();
    };
  }, [handle]);
  const showNow = useCallback(() => flushSync(() => setForm((before) => shareJson(before, handle.form))), [handle]);
  return useMemo(() => ({ form, showNow }), [form, showNow]);
}

/** What the server took back, and what could not be done here. */
function useUndone(handle: FormHandle): {
  readonly problem: string | undefined;
  readonly setProblem: (problem: string | undefined) => void;
} {
  const { t } = useWording();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    const onUndone = (refusals: readonly { readonly message?: string; readonly code?: string }[]): void =>
      setProblem(`${t('undone')} ${refusals.map(({ message, code }) => message ?? code ?? '').join(' ')}`);
    handle.connection.on('undone', onUndone);
    return () => handle.connection.off('undone', onUndone);
  }, [handle, t]);
  return { problem, setProblem };
}

/** Gathers what happens within moments, and says `typing` no longer than somebody types. */
function useShow(handle: FormHandle): (own: OwnPresence) => void {
  const timers = useRef<{ send?: ReturnType<typeof setTimeout>; rest?: ReturnType<typeof setTimeout> }>({});
  const waiting = useRef<OwnPresence>({});
  useEffect(() => {
    const { current } = timers;
    return () => {
      clearTimeout(current.send);
      clearTimeout(current.rest);
    };
  }, []);
  return useCallback(
    (own) => {
      const { current } = timers;
      waiting.current = { ...waiting.current, ...own };
      current.send ??= setTimeout(() => {
        // Undefined takes back what was to be said.
        const said = Object.entries(waiting.current).filter(([, value]) => value !== undefined);
        handle.presence?.show(Object.fromEntries(said));
        waiting.current = {};
        delete current.send;
      }, CARET_MS);
      if (own.activity === undefined) return;
      clearTimeout(current.rest);
      if (own.activity === 'typing')
        current.rest = setTimeout(() => handle.presence?.show({ activity: 'viewing' }), TYPING_MS);
    },
    [handle],
  );
}
