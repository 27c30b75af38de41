/** What a visit tells the analytics: pages that were seen, fields that were gone to, how long, where it ended. */
import { useEffect, useMemo } from 'react';
import type { SubmissionHandle } from '../../client/index.js';
import type { SheetToken } from './sheet-token.js';
import { ownName, token as ownToken } from '../app/session.js';

interface VisitEvent {
  readonly type: 'view' | 'focus' | 'leave';
  readonly page: string;
  readonly field?: string;
  readonly seconds?: number;
  readonly at: string;
}

const SEND_EVERY_MS = 4_000;
/** As many as the server takes at once; of a long time offline the newest are kept. */
const MOST = 200;

class Visit {
  #waiting: VisitEvent[] = [];
  #page: string | undefined;
  #pageSince = 0;
  #field: { readonly id: string; readonly page: string; readonly since: number } | undefined;

  constructor(
    private readonly handle: Pick<SubmissionHandle, 'formId' | 'id'>,
    private readonly token: SheetToken,
  ) {}

  see(page: string): void {
    if (page === this.#page) return;
    this.leave();
    this.#page = page;
    this.#pageSince = Date.now();
    this.#add({ type: 'view', page });
  }

  focus(field: string): void {
    if (this.#page === undefined || this.#field?.id === field) return;
    this.blur();
    this.#field = { id: field, page: this.#page, since: Date.now() };
    this.#add({ type: 'focus', page: this.#page, field });
  }

  blur(): void {
    if (this.#field === undefined) return;
    const { id, page, since } = this.#field;
    this.#field = undefined;
    this.#add({ type: 'leave', page, field: id, seconds: secondsSince(since) });
  }

  /** The page is turned, hidden or closed. */
  leave(): void {
    this.blur();
    if (this.#page === undefined) return;
    this.#add({ type: 'leave', page: this.#page, seconds: secondsSince(this.#pageSince) });
    this.#page = undefined;
  }

  /** What cannot be sent is tried again. */
  async send(): Promise<void> {
    if (this.#waiting.length === 0 || !navigator.onLine) return;
    const sent = this.#waiting;
    this.#waiting = [];
    const { formId, id } = this.handle;
    const bearer = this.token.known ?? ownToken;
    try {
      const answer = await fetch('/api/v1/analytics/events', {
        method: 'POST',
        // It outlives the page.
        keepalive: true,
        headers: {
          'content-type': 'application/json',
          ...(bearer === undefined ? { 'x-user': ownName() } : { authorization: `Bearer ${bearer}` }),
        },
        body: JSON.stringify({ events: sent.map((event) => ({ formId, submissionId: id, ...event })) }),
      });
      if (answer.status < 500 && answer.status !== 429) return;
    } catch {
      // No network: nobody needs to know of it here.
    }
    this.#waiting = [...sent, ...this.#waiting].slice(-MOST);
  }

  #add(event: Omit<VisitEvent, 'at'>): void {
    this.#waiting.push({ ...event, at: new Date().toISOString() });
    if (this.#waiting.length > MOST) this.#waiting.shift();
  }
}

const secondsSince = (since: number): number => Math.round((Date.now() - since) / 100) / 10;

/** @param page undefined as long as none is shown */
export function useVisit(handle: SubmissionHandle, token: SheetToken, page: string | undefined): Visit {
  const visit = useMemo(() => new Visit(handle, token), [handle, token]);
  useEffect(() => {
    if (page !== undefined) visit.see(page);
  }, [visit, page]);
  useEffect(() => {
    const timer = setInterval(() => void visit.send(), SEND_EVERY_MS);
    const onVisibility = (): void => {
      if (document.visibilityState === 'hidden') visit.leave();
      else if (page !== undefined) visit.see(page);
      void visit.send();
    };
    document.addEventListener('visibilitychange', onVisibility);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', onVisibility);
    };
  }, [visit, page]);
  return visit;
}
