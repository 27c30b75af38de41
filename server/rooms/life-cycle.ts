/**
 * The life of a room, in one place.
 *
 *   event \ state │ loading     live       idle        unloading   failed     deleted
 *   ──────────────┼──────────────────────────────────────────────────────────────────
 *   loaded        │ live        –          –           –           –          –
 *   load failed   │ failed      –          –           –           –          –
 *   join, edit    │ loading     live       live        live        –          –
 *   last left     │ loading     idle       idle        –           –          –
 *   unload        │ –           –          unloading   –           –          –
 *   unloaded      │ –           –          –           absent      absent     –
 *   reload        │ loading     loading    loading     loading     loading    –
 *   erase         │ deleted     deleted    deleted     deleted     deleted    deleted
 *
 * A dash is a transition that has no meaning: `next` throws, since it is a fault of ours.
 * `failed` never holds a document: nothing can be written from it. `unloading` still holds one,
 * so that somebody who joins while the last updates are folded finds it.
 */
export type RoomStateName = 'absent' | 'loading' | 'live' | 'idle' | 'unloading' | 'failed' | 'deleted';

export type RoomEvent = 'loaded' | 'load failed' | 'join' | 'last left' | 'unload' | 'unloaded' | 'reload' | 'erase';

const TRANSITIONS: Readonly<Record<RoomEvent, Partial<Record<RoomStateName, RoomStateName>>>> = {
  loaded: { loading: 'live' },
  'load failed': { loading: 'failed' },
  join: { loading: 'loading', live: 'live', idle: 'live', unloading: 'live' },
  'last left': { loading: 'loading', live: 'idle', idle: 'idle' },
  unload: { idle: 'unloading' },
  unloaded: { unloading: 'absent', failed: 'absent' },
  reload: { loading: 'loading', live: 'loading', idle: 'loading', unloading: 'loading', failed: 'loading' },
  erase: {
    loading: 'deleted',
    live: 'deleted',
    idle: 'deleted',
    unloading: 'deleted',
    failed: 'deleted',
    deleted: 'deleted',
    absent: 'deleted',
  },
};

export class IllegalTransitionError extends Error {
  constructor(state: RoomStateName, event: RoomEvent) {
    super(`A room that is ${state} has no transition for "${event}".`);
    this.name = 'IllegalTransitionError';
  }
}

/** @throws IllegalTransitionError */
export function next(state: RoomStateName, event: RoomEvent): RoomStateName {
  const to = TRANSITIONS[event][state];
  if (to === undefined) throw new IllegalTransitionError(state, event);
  return to;
}
