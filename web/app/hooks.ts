/** Requests as React sees them. */
import { useCallback, useEffect, useState } from 'react';
import { RequestRefusedError } from '../../client/index.js';

export function messageOf(error: unknown): string {
  if (error instanceof RequestRefusedError) {
    const details = error.errors
      .slice(0, 3)
      .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
    return [error.message, ...details].join(' ');
  }
  return error instanceof Error ? error.message : String(error);
}

export interface Task {
  readonly isBusy: boolean;
  /** Of the last run. */
  readonly error: string | undefined;
  readonly run: (work: () => Promise<void>) => void;
}

/** Something that the user starts: it is busy, then done or failed. */
export function useTask(): Task {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const run = useCallback((work: () => Promise<void>) => {
    setBusy(true);
    setError(undefined);
    work()
      .catch((failure: unknown) => setError(messageOf(failure)))
      .finally(() => setBusy(false));
  }, []);
  return { isBusy, error, run };
}

export interface Loaded<T> {
  readonly data: T | undefined;
  readonly error: string | undefined;
  readonly reload: () => void;
}

/** Loads when `load` changes (keep it stable) and every `everyMs`; what comes late for an earlier `load` is dropped. */
export function useLoaded<T>(load: () => Promise<T>, everyMs?: number): Loaded<T> {
  const [state, setState] = useState<{ data: T | undefined; error: string | undefined }>({
    data: undefined,
    error: undefined,
  });
  const [round, setRound] = useState(0);
  useEffect(() => {
    let isCurrent = true;
    const once = (): void => {
      load().then(
        (data) => isCurrent && setState({ data, error: undefined }),
        (error: unknown) => isCurrent && setState((before) => ({ ...before, error: messageOf(error) })),
      );
    };
    once();
    const timer = everyMs === undefined ? undefined : setInterval(once, everyMs);
    return () => {
      isCurrent = false;
      clearInterval(timer);
    };
  }, [load, everyMs, round]);
  const reload = useCallback(() => setRound((before) => before + 1), []);
  return { ...state, reload };
}

/** A network that goes away is told at once, instead of when the line is found dead. */
export function useNetwork(connection: { connect(): void; disconnect(): void } | undefined): void {
  useEffect(() => {
    if (connection === undefined) return;
    const onOffline = (): void => connection.disconnect();
    const onOnline = (): void => connection.connect();
    addEventListener('offline', onOffline);
    addEventListener('online', onOnline);
    return () => {
      removeEventListener('offline', onOffline);
      removeEventListener('online', onOnline);
    };
  }, [connection]);
}
