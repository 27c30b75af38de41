/** What `/analytics` answers, as far as the page shows it. */
import { useCallback, useEffect } from 'react';
import { useLoaded, type Loaded } from '../app/hooks.js';
import { useFeed } from '../app/follow-feed.js';
import { server } from '../app/session.js';

export const METRICS = [
  'views',
  'visitors',
  'starts',
  'submissions',
  'completed',
  'rejected',
  'abandoned',
  'answers',
  'corrections',
  'errors',
  'edits',
  'authors',
  'comments',
  'conflicts',
  'editors',
  'respondents',
] as const;
export type Metric = (typeof METRICS)[number];
export type Step = 'minute' | 'hour' | 'day';

export interface FormReport {
  readonly views: number;
  readonly visitors: number;
  readonly starts: number;
  readonly inProgress: number;
  readonly submissions: number;
  readonly abandoned: number;
  readonly completionRate: number | null;
  readonly abandonmentRate: number | null;
  readonly medianSeconds: number | null;
  readonly corrections: number;
  readonly errors: number;
  readonly devices: Readonly<Record<string, number>>;
}
export interface SeriesReport {
  readonly points: readonly { readonly time: string; readonly value: number }[];
}
export interface Stage {
  readonly id: string;
  readonly reached: number;
  readonly answered: number;
  readonly left: number;
}
export interface FunnelReport {
  readonly views: number;
  readonly starts: number;
  readonly submissions: number;
  readonly pages: readonly (Stage & { readonly fields: readonly Stage[] })[];
}
export interface FieldReport {
  readonly answered: number;
  readonly errorRate: number | null;
  readonly correctionRate: number | null;
  readonly meanSeconds: number | null;
  readonly distribution: {
    readonly kind: 'values' | 'numbers' | 'texts' | 'none';
    readonly answers: number;
    readonly values?: readonly { readonly value: string; readonly count: number }[];
    readonly numbers?: {
      readonly min: number;
      readonly max: number;
      readonly mean: number;
      readonly median: number;
      readonly bins: readonly { readonly from: number; readonly to: number; readonly count: number }[];
    };
    readonly texts?: { readonly meanLength: number; readonly longest: number };
  };
}
export interface CollaborationReport {
  readonly edits: number;
  readonly authors: number;
  readonly comments: number;
  readonly conflicts: { readonly opened: number; readonly resolved: number; readonly open: number };
  readonly peakEditors: number;
  readonly data: readonly {
    readonly userId: string;
    readonly edits: number;
    readonly comments: number;
    readonly lastAt: string;
  }[];
}
export interface LiveReport {
  readonly data: readonly {
    readonly formId: string;
    readonly editors: number;
    readonly respondents: number;
    readonly editsPerMinute: number;
  }[];
}

/** The feed says when figures have changed; this often they are asked for without it. */
const ANYWAY_MS = 30_000;
/** Of events that follow each other within this, the last one counts. */
const GATHER_MS = 250;

const listeners = new Set<() => void>();
const tellAll = (): void => listeners.forEach((listener) => listener());

/** Once on the page: all of its reports share one feed. */
export function useFormFeed(formId: string): void {
  useFeed('analytics.updated', tellAll, formId);
}

/** A report, anew whenever the figures of the form change. */
export function useReport<T>(path: string): Loaded<T> {
  const load = useCallback(() => server().rest.request<T>('GET', path), [path]);
  const loaded = useLoaded(load, ANYWAY_MS);
  const { reload } = loaded;
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const onEvent = (): void => {
      clearTimeout(timer);
      timer = setTimeout(reload, GATHER_MS);
    };
    listeners.add(onEvent);
    return () => {
      clearTimeout(timer);
      listeners.delete(onEvent);
    };
  }, [reload]);
  return loaded;
}
