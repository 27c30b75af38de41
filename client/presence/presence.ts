/**
 * Who is in a document and what they are doing, on top of the awareness that editors use for cursors.
 * `user` is written by the server: nobody can say to be somebody else.
 */
import type { Awareness } from 'y-protocols/awareness';
import { realClock, type Clock } from '../connection/state.js';
import { Derived } from '../subscribable.js';

export type Activity = 'viewing' | 'commenting' | 'typing' | 'idle';

export interface Person {
  /** Of one connection; a person with two tabs has two. */
  readonly clientId: number;
  readonly user: { readonly id: string; readonly name?: string; readonly role?: string };
  readonly activity: Activity;
  /** Id of the field that has the focus. */
  readonly field: string | null;
  readonly threadId: string | null;
  /** What the application put there. */
  readonly cursor: unknown;
}

/** What this client shows of itself. Absent members stay as they are; null takes back. */
export interface OwnPresence {
  readonly activity?: Activity;
  readonly field?: string | null;
  readonly threadId?: string | null;
  readonly cursor?: unknown;
}

/** Somebody who shows nothing new for this long is idle. */
export const IDLE_AFTER_MS = 60_000;
/** Without a token the server knows no better. */
const ANONYMOUS = { id: 'anonymous' };
const ACTIVITIES: ReadonlySet<unknown> = new Set<Activity>(['viewing', 'commenting', 'typing', 'idle']);

export class Presence {
  readonly #people = new Derived(() => readPeople(this.awareness));
  readonly #onChange = (): void => this.#people.invalidate();
  #stopIdle: (() => void) | undefined;

  constructor(
    readonly awareness: Awareness,
    private readonly clock: Clock = realClock,
  ) {
    awareness.on('change', this.#onChange);
    this.show({ activity: 'viewing' });
  }

  /** Everybody else, by client id. */
  get others(): readonly Person[] {
    return this.#people.get();
  }

  /** Calls when `others` has changed. @returns ends it */
  readonly subscribe = this.#people.subscribe;

  show(own: OwnPresence): void {
    // The server writes who it is into `user`, where there is one.
    const state = { user: {}, activity: 'viewing', ...this.awareness.getLocalState(), ...own };
    // Whoever does something is no longer idle.
    if (own.activity === undefined && state.activity === 'idle') state.activity = 'viewing';
    this.awareness.setLocalState(state);
    this.#stopIdle?.();
    this.#stopIdle = undefined;
    if (state.activity !== 'idle')
      this.#stopIdle = this.clock.after(IDLE_AFTER_MS, () => this.show({ activity: 'idle' }));
  }

  /** Others see this client leave. */
  destroy(): void {
    this.#stopIdle?.();
    this.awareness.off('change', this.#onChange);
    this.awareness.setLocalState(null);
  }
}

function readPeople(awareness: Awareness): readonly Person[] {
  const people: Person[] = [];
  for (const [clientId, state] of awareness.getStates()) {
    const user: unknown = state['user'];
    if (clientId === awareness.clientID || (state['server'] === true && user === undefined)) continue;
    const { activity, field, threadId, cursor } = state as Record<string, unknown>;
    people.push({
      clientId,
      user: isUser(user) ? user : ANONYMOUS,
      activity: ACTIVITIES.has(activity) ? (activity as Activity) : 'viewing',
      field: typeof field === 'string' ? field : null,
      threadId: typeof threadId === 'string' ? threadId : null,
      cursor: cursor ?? null,
    });
  }
  return people.sort((a, b) => a.clientId - b.clientId);
}

function isUser(value: unknown): value is Person['user'] {
  return typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string';
}
