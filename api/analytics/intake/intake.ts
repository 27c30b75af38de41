/**
 * From events of the feed to facts. The place in the feed is committed after the facts are durable, and each fact names
 * its event: after a crash the same events are worked on again, and what they became counts once.
 *
 * A fact about a sheet is stored with the state of the sheet before it is appended. So an event that is worked on again
 * becomes the same fact, although the sheet has changed since.
 */
import type { Logger } from 'pino';
import { rest } from '../../../server/duties/index.js';
import { FEED_START, FEED_STREAM, GAP, type EventFeed, type FeedEvent } from '../../../server/events/index.js';
import type { Fact, FactLog, Look, RollupWorker, SheetFact } from '../../../server/analytics/index.js';
import type { EventLog } from '../../../server/storage/event-log.js';
import { Problem } from '../../http/problem.js';
import type { Sheets, SubmissionStore } from '../../submissions/index.js';
import { lookAt } from './sheet-look.js';
import { newAlias, type SheetState, type SheetStates } from './sheet-states.js';

const CONSUMER = 'analytics';
const COMMIT_IDLE_MS = 10_000;
const RETRY_MS = 2_000;

export interface IntakeOptions {
  readonly feed: EventFeed;
  readonly log: EventLog;
  readonly facts: FactLog;
  readonly states: SheetStates;
  readonly store: SubmissionStore;
  readonly sheets: Sheets;
  readonly worker: RollupWorker;
  readonly logger: Logger;
}

/** `submission.abandoned` and `submission.resumed` are told by the life cycle of submissions, as the form's settings say. */
type SheetEventType =
  'submission.started' | 'submission.progress' | 'submission.submitted' | 'submission.abandoned' | 'submission.resumed';
type Found = NonNullable<Awaited<ReturnType<SubmissionStore['get']>>>['record'];

const SHEET_EVENTS: ReadonlySet<string> = new Set<SheetEventType>([
  'submission.started',
  'submission.progress',
  'submission.submitted',
  'submission.abandoned',
  'submission.resumed',
]);

export class Intake {
  #committedAt = -Infinity;

  constructor(private readonly options: IntakeOptions) {}

  /** Until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { feed, log } = this.options;
    const after = (await log.position(FEED_STREAM, CONSUMER)) ?? FEED_START;
    let last: Promise<void> = Promise.resolve();
    const listening = feed.subscribe({ after, isPatient: true }, (events) => {
      last = this.#patiently(events, signal);
      return last;
    });
    await aborted(signal);
    listening.close();
    await last;
  }

  /** Never rejects: it is tried until the store takes it or the term ends. */
  async #patiently(events: readonly FeedEvent[], signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.take(events);
        return;
      } catch (error) {
        this.options.logger.warn({ err: error }, 'events could not be taken into analytics; it is tried again');
        await rest(RETRY_MS, signal);
      }
    }
  }

  /** Consecutive events of the feed. Handed in again they change nothing. */
  async take(events: readonly FeedEvent[]): Promise<void> {
    const byForm = new Map<string, FeedEvent[]>();
    for (const event of events) {
      if (event.type === GAP) {
        this.options.logger.warn({ gap: event.data }, 'events were gone before analytics had counted them');
      } else if (event.formId !== undefined && isCounted(event)) {
        const known = byForm.get(event.formId);
        if (known === undefined) byForm.set(event.formId, [event]);
        else known.push(event);
      }
    }
    await Promise.all([...byForm].map(([formId, ofForm]) => this.#takeOf(formId, ofForm)));
    const last = events.at(-1);
    const isDue = byForm.size > 0 || performance.now() - this.#committedAt > COMMIT_IDLE_MS;
    if (last === undefined || last.id === '' || !isDue) return;
    await this.options.log.commit(FEED_STREAM, CONSUMER, last.id);
    this.#committedAt = performance.now();
  }

  /** In runs in which no sheet comes twice: the facts of one are durable before the next changes a state. */
  async #takeOf(formId: string, events: readonly FeedEvent[]): Promise<void> {
    const { facts, states, worker } = this.options;
    let run: FeedEvent[] = [];
    const sheets = new Set<string>();
    const finish = async (): Promise<void> => {
      const made = await Promise.all(run.map((event) => this.#factOf(formId, event)));
      await facts.append(
        formId,
        made.filter((fact) => fact !== undefined),
      );
      run = [];
      sheets.clear();
    };
    for (const [at, event] of events.entries()) {
      const id = submissionOf(event);
      if (event.type === 'submission.progress' && isFollowed(events, at, id)) continue;
      if (event.type === 'form.deleted') {
        await finish();
        await states.eraseForm(formId);
        await worker.erase(formId);
      } else if (event.type === 'submission.erased') {
        await finish();
        await states.erase(formId, id);
      } else {
        if (sheets.has(id)) await finish();
        if (id !== '') sheets.add(id);
        run.push(event);
      }
    }
    await finish();
  }

  /** Undefined when there is nothing to count, or it is counted already. */
  async #factOf(formId: string, event: FeedEvent): Promise<Fact | undefined> {
    const { id: feed, time: at, type, userId: user = '', data } = event;
    if (type === 'comment.created') return { type: 'comment', at, feed, user };
    if (type === 'conflict.opened') return { type: 'conflict', at, feed, state: 'opened' };
    if (type === 'conflict.resolved') return { type: 'conflict', at, feed, state: 'resolved' };
    if (type === 'submission.status') {
      const { status } = data;
      const isKnown = status === 'processing' || status === 'completed' || status === 'rejected';
      return isKnown ? { type: 'status', at, feed, status } : undefined;
    }
    return isSheetEvent(type) ? this.#sheetFact(formId, type, event) : undefined;
  }

  async #sheetFact(formId: string, type: SheetEventType, event: FeedEvent): Promise<SheetFact | undefined> {
    const { states, store } = this.options;
    const { id: feed } = event;
    const id = submissionOf(event);
    const record = (await store.get(formId, id))?.record;
    // Erased since: it is counted, and nothing is remembered of it.
    if (record === undefined) return madeOf(type, event, { alias: newAlias(), isLeft: false }, undefined, undefined);
    const now = await this.#sheetNow(record, type === 'submission.submitted');
    const state = await states.update(formId, id, (before) => {
      if (before.feed >= feed) return undefined;
      // Where it was left is where it was last looked at: whoever came back since is not meant.
      const isLeft = type === 'submission.abandoned';
      const isSeen = now !== undefined && !isLeft;
      const seen = isSeen ? lookAt(before, now) : { look: undefined, state: before };
      const fact = madeOf(type, event, before, record, seen.look);
      // An edit of one that stays abandoned is undone: only the life cycle says that somebody is back.
      const isLeftNow = isLeft || (before.isLeft && type !== 'submission.resumed');
      return { ...seen.state, feed, fact: fact ?? null, isLeft: isLeftNow };
    });
    const { fact } = state;
    return state.feed === feed && fact !== null && isSheetFact(fact) ? fact : undefined;
  }

  /** Undefined when the sheet cannot be read any more. */
  async #sheetNow(record: Found, isHandedIn: boolean): Promise<Parameters<typeof lookAt>[1] | undefined> {
    const { sheets } = this.options;
    try {
      const [form, { answers, page }] = await Promise.all([sheets.form(record), sheets.content(record)]);
      return { form, answers, page, isHandedIn };
    } catch (error) {
      if (error instanceof Problem) return undefined;
      throw error;
    }
  }
}

function madeOf(
  type: SheetEventType,
  { id: feed, time: at, userId: user = '' }: FeedEvent,
  { alias: sheet, isLeft, page, field }: Pick<SheetState, 'alias' | 'isLeft' | 'page' | 'field'>,
  record: Found | undefined,
  look: Look | undefined,
): SheetFact | undefined {
  if (type === 'submission.abandoned') {
    const place = { ...(page === undefined ? {} : { page }), ...(field === undefined ? {} : { field }) };
    return { type: 'abandon', at, feed, sheet, ...place };
  }
  const isBack = isLeft && type === 'submission.resumed';
  const shared = { at, feed, sheet, user, ...(look === undefined ? {} : { look }), ...(isBack ? { isBack } : {}) };
  if (type === 'submission.started') return { type: 'start', ...shared };
  if (type !== 'submission.submitted')
    return look === undefined && !isBack ? undefined : { type: 'answers', ...shared };
  const submittedAt = record?.submittedAt ?? null;
  const device = record?.device?.type ?? null;
  return {
    type: 'submit',
    ...shared,
    ...(record === undefined || submittedAt === null ? {} : { seconds: (submittedAt - record.startedAt) / 1_000 }),
    ...(device === null ? {} : { device }),
  };
}

const COUNTED: ReadonlySet<string> = new Set([
  ...SHEET_EVENTS,
  'submission.status',
  'submission.erased',
  'form.deleted',
  'comment.created',
  'conflict.opened',
  'conflict.resolved',
]);

const isCounted = ({ type }: FeedEvent): boolean => COUNTED.has(type);
const isSheetEvent = (type: string): type is SheetEventType => SHEET_EVENTS.has(type);
const isSheetFact = (fact: SheetState['fact']): fact is SheetFact =>
  fact !== null &&
  (fact.type === 'start' || fact.type === 'answers' || fact.type === 'submit' || fact.type === 'abandon');

/** Empty when the event is about no submission. */
function submissionOf({ data }: FeedEvent): string {
  const id = data['submissionId'];
  return typeof id === 'string' ? id : '';
}

/** A later event of the same sheet will look at it anyway, and nobody asks before where it was left. */
function isFollowed(events: readonly FeedEvent[], at: number, id: string): boolean {
  const next = events.slice(at + 1).find((later) => isSheetEvent(later.type) && submissionOf(later) === id);
  return next !== undefined && next.type !== 'submission.abandoned';
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
