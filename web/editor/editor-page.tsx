/** A form as its authors work on it together. */
import { useCallback, useEffect, useMemo, useState, useSyncExternalStore, type ReactNode } from 'react';
import { guardLeaving, openComments, openForm, type CommentsHandle, type FormHandle } from '../../client/index.js';
import { useNetwork } from '../app/hooks.js';
import { textIn, useWording } from '../app/language.js';
import { ownName, server, token } from '../app/session.js';
import { useConnectionStatus } from '../parts/save-indicator.js';
import { Problem, Shell } from '../parts/shell.js';
import { EditorBar } from './editor-bar.js';
import { EditorContext, type Editor } from './editor-context.js';
import { FormBody } from './form-body.js';
import { SidePanel } from './side-panel.js';
import '../style/editor.css';
import '../style/comments.css';

interface Opened {
  readonly handle: FormHandle;
  readonly comments: CommentsHandle;
}

export default function EditorPage({ formId }: { readonly formId: string }): ReactNode {
  const [opened, setOpened] = useState<Opened>();
  useEffect(() => {
    const handle = openForm(server(), formId);
    // With a token the server says who this is; without one, the page does.
    if (token === undefined) handle.presence?.awareness.setLocalStateField('user', { id: ownName(), name: ownName() });
    const comments = openComments(server(), formId);
    const stopGuarding = guardLeaving(handle.connection);
    setOpened({ handle, comments });
    return () => {
      stopGuarding();
      comments.close();
      handle.close();
    };
  }, [formId]);
  return opened === undefined ? <div className="loading" /> : <OpenEditor {...opened} />;
}

const NOBODY: readonly never[] = [];
const never = (): (() => void) => () => undefined;

function OpenEditor({ handle, comments }: Opened): ReactNode {
  const { t, language: ownLanguage } = useWording();
  const form = useSyncExternalStore(handle.subscribe, () => handle.form);
  const others = useSyncExternalStore(handle.presence?.subscribe ?? never, () => handle.presence?.others ?? NOBODY);
  const threads = useSyncExternalStore(comments.subscribe, () => comments.threads);
  const { status } = useConnectionStatus(handle.connection);
  useNetwork(handle.connection);
  useNetwork(comments.connection);
  const [chosen, setLanguage] = useState<string>();
  const [selected, select] = useState<string | null>(null);
  const [problem, setProblem] = useState<string>();
  const [hasSynced, setSynced] = useState(false);
  useEffect(() => {
    if (status === 'synced') setSynced(true);
  }, [status]);
  useEffect(() => {
    const onUndone = (refusals: readonly { readonly message?: string; readonly code?: string }[]): void =>
      setProblem(`${t('undone')} ${refusals.map(({ message, code }) => message ?? code ?? '').join(' ')}`);
    handle.connection.on('undone', onUndone);
    return () => handle.connection.off('undone', onUndone);
  }, [handle, t]);

  const fallback = form.languages.includes(ownLanguage) ? ownLanguage : (form.languages[0] ?? 'en');
  const language = chosen !== undefined && form.languages.includes(chosen) ? chosen : fallback;
  const show = useCallback<Editor['show']>((own) => handle.presence?.show(own), [handle]);
  const openThreads = useMemo(() => {
    const counts = new Map<string, number>();
    for (const { anchor, status: threadStatus } of threads) {
      const field = anchor.type === 'field' || anchor.type === 'option' ? anchor.fieldId : undefined;
      if (field !== undefined && threadStatus === 'open') counts.set(field, (counts.get(field) ?? 0) + 1);
    }
    return counts;
  }, [threads]);
  const editor: Editor = {
    handle,
    form,
    language,
    others,
    selected,
    select,
    show,
    openThreads,
    apply: (...operations) => {
      try {
        handle.apply(...operations);
        setProblem(undefined);
      } catch (error) {
        // Somebody may have removed the field a moment ago.
        setProblem(error instanceof Error ? error.message : String(error));
      }
    },
  };
  const title = textIn(form.title, language) || t('untitled');
  const { state } = handle.connection;
  return (
    <EditorContext.Provider value={editor}>
      <Shell title={title} bar={<EditorBar setLanguage={setLanguage} />}>
        {state.status === 'closed' && (
          <Problem>{t('closedByServer', { reason: state.reason === '' ? state.code : state.reason })}</Problem>
        )}
        <Problem>{problem}</Problem>
        {hasSynced ? (
          <div className="editor">
            <FormBody />
            <SidePanel comments={comments} />
          </div>
        ) : (
          <div className="loading" role="status">
            {t('connecting')}
          </div>
        )}
      </Shell>
    </EditorContext.Provider>
  );
}
