/**
 * React hooks over the handles of `formloom/client`: `formloom/client/react`. Each renders again when what it returns has
 * changed, and not otherwise. Handles are made outside of rendering and closed by whoever made them.
 */
import { useCallback, useEffect, useState, useSyncExternalStore } from 'react';
import type { StoredThread } from '../../crdt/comments/thread-json.js';
import type { FormJson } from '../../crdt/form/form-json.js';
import type { AnswerValues } from '../../crdt/submission/answer-sheet.js';
import type { CommentsHandle } from '../comments/comments-handle.js';
import type { Connection } from '../connection/connection.js';
import type { ConnectionState, SaveState } from '../connection/state.js';
import type { Refusal } from '../connection/wire.js';
import type { FormHandle } from '../form/form-handle.js';
import type { Person, Presence } from '../presence/presence.js';
import type { SheetVerdict, SubmissionHandle } from '../submission/submission-handle.js';

export const useForm = (handle: FormHandle): FormJson => useStore(handle.subscribe, () => handle.form);

/** One part of a form; renders again only when that part is another object or value. */
export function useFormPart<T>(handle: FormHandle, select: (form: FormJson) => T): T {
  return useStore(handle.subscribe, () => select(handle.form));
}

export const useAnswers = (handle: SubmissionHandle): AnswerValues => useStore(handle.subscribe, () => handle.answers);

/** Progress and errors as the server sees them. */
export const useVerdict = (handle: SubmissionHandle): SheetVerdict =>
  useStore(handle.subscribeVerdict, () => handle.verdict);

export const useThreads = (handle: CommentsHandle): readonly StoredThread[] =>
  useStore(handle.subscribe, () => handle.threads);

const NOBODY: readonly Person[] = [];
const nothing = (): void => undefined;

/** Everybody else; nobody where the handle has no presence. */
export function usePresence(presence: Presence | undefined): readonly Person[] {
  return useStore(presence?.subscribe ?? ((): (() => void) => nothing), () => presence?.others ?? NOBODY);
}

export function useConnectionState(connection: Connection): ConnectionState {
  const subscribe = useCallback(
    (listener: () => void) => {
      connection.on('state', listener);
      return () => connection.off('state', listener);
    },
    [connection],
  );
  return useStore(subscribe, () => connection.state);
}

/** `saved`, `saving`, `offline` or `refused`. */
export function useSaveState(connection: Connection): SaveState {
  const subscribe = useCallback(
    (listener: () => void) => {
      connection.on('save', listener);
      return () => connection.off('save', listener);
    },
    [connection],
  );
  return useStore(subscribe, () => connection.saveState);
}

/** What the server has undone of late, newest last, until `dismiss`. */
export function useUndone(connection: Connection): {
  readonly refusals: readonly Refusal[];
  readonly dismiss: () => void;
} {
  const [refusals, setRefusals] = useState<readonly Refusal[]>([]);
  useEffect(() => {
    const onUndone = (more: readonly Refusal[]): void =>
      setRefusals((before) => [...before, ...more].slice(-MAX_REFUSALS));
    connection.on('undone', onUndone);
    return () => connection.off('undone', onUndone);
  }, [connection]);
  const dismiss = useCallback(() => setRefusals([]), []);
  return { refusals, dismiss };
}

const MAX_REFUSALS = 50;

/** The same on a server that renders. */
function useStore<T>(subscribe: (listener: () => void) => () => void, read: () => T): T {
  return useSyncExternalStore(subscribe, read, read);
}
