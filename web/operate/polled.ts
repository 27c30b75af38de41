/** What the dashboard reads: every few seconds, and at once when the feed tells of it. */
import { useCallback, useEffect } from 'react';
import { useFeed } from '../app/follow-feed.js';
import { useLoaded, type Loaded } from '../app/hooks.js';
import { server } from '../app/session.js';

export interface List<T> {
  readonly data: readonly T[];
}

const REFRESH_MS = 4_000;
const listeners = new Set<() => void>();
const tellAll = (): void => listeners.forEach((listener) => listener());

/** Once on the page: alerts, steps of the tuner and snapshots are shown when they happen. */
export function useOperationsFeed(): void {
  useFeed('alert.*,tuner.step,snapshot.*', tellAll);
}

export function usePolled<T>(path: string, everyMs = REFRESH_MS): Loaded<T> {
  const load = useCallback(() => server().rest.request<T>('GET', path), [path]);
  const loaded = useLoaded(load, everyMs);
  const { reload } = loaded;
  useEffect(() => {
    listeners.add(reload);
    return () => void listeners.delete(reload);
  }, [reload]);
  return loaded;
}
