/** A form as its authors work on it together. */
import { useEffect, useState, type ReactNode } from 'react';
import * as Y from 'yjs';
import {
  guardLeaving,
  openComments,
  openForm,
  openLocalCopy,
  type CommentsHandle,
  STALE_COPY,
  type FormHandle,
  type LocalCopy,
} from '../../client/index.js';
import { ownId, ownName, server, token } from '../app/session.js';
import { Gathered } from './gathered.js';
import { keepShell } from '../offline/keep-shell.js';
import { OpenEditor } from './open-editor.js';
import { Carets } from './texts/carets.js';
import { preloadRichTexts } from './texts/rich-text.js';
import '../style/editor.css';
import '../style/editor-texts.css';
import '../style/comments.css';
import '../style/editor-panels.css';
import '../style/timeline.css';

interface Opened {
  readonly handle: FormHandle;
  readonly comments: CommentsHandle;
  readonly undo: Y.UndoManager;
  readonly carets: Carets;
  readonly others: Gathered;
  /** Absent where the browser keeps nothing. */
  readonly copy: LocalCopy | undefined;
  readonly close: () => void;
}

export default function EditorPage({ formId }: { readonly formId: string }): ReactNode {
  const [opened, setOpened] = useState<Opened>();
  useEffect(() => keepShell('editor'), []);
  /** Goes up when the form has to be opened anew. */
  const [life, setLife] = useState(0);
  useEffect(() => {
    let isGone = false;
    let current: Opened | undefined;
    void open(formId).then((ready) => {
      current = ready;
      if (isGone) {
        ready.close();
        return;
      }
      setOpened(ready);
      const { connection } = ready.handle;
      connection.on('state', (state) => {
        // Restored from a backup: the copy sets itself aside, and the form is opened as it is now.
        if (state.status === 'closed' && state.code === STALE_COPY) setLife((before) => before + 1);
      });
    });
    preloadRichTexts();
    return () => {
      isGone = true;
      current?.close();
      setOpened(undefined);
    };
  }, [formId, life]);
  return opened === undefined ? <div className="loading" /> : <OpenEditor {...opened} />;
}

/** Edits are kept in this browser until the server has them: a reload without a network loses nothing. */
async function open(formId: string): Promise<Opened> {
  const name = `form/${formId}`;
  // Private windows may have no storage; then the form is opened without.
  const copy = await openLocalCopy(name, { user: ownId(), onError: () => undefined }).catch(() => undefined);
  const handle = openForm(server(), formId, copy === undefined ? {} : { doc: copy.doc, copy });
  copy?.follow(handle.connection);
  // With a token the server says who this is; without one, the page does.
  if (token === undefined) handle.presence?.awareness.setLocalStateField('user', { id: ownName(), name: ownName() });
  const comments = openComments(server(), formId);
  const stopGuarding = guardLeaving(handle.connection);
  const { doc } = handle;
  // One's own edits alone: those that carry the handle as origin.
  const undo = new Y.UndoManager([doc.getMap('meta'), doc.getMap('pages'), doc.getMap('fields')], {
    trackedOrigins: new Set([handle]),
  });
  const carets = new Carets(handle);
  const others = new Gathered();
  const stopWatching = handle.presence?.subscribe(others.note);
  return {
    handle,
    comments,
    undo,
    carets,
    others,
    copy,
    close: () => {
      stopGuarding();
      carets.destroy();
      stopWatching?.();
      others.destroy();
      undo.destroy();
      comments.close();
      handle.close();
      void copy?.close();
    },
  };
}
