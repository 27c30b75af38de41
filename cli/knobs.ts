/** What the tuner may turn while the server runs, in the order in which it tries: what people feel least comes first. */
import type { Config } from '../server/config/index.js';
import { PRESENCE_WINDOW_MS, type RoomRegistry } from '../server/rooms/room-registry.js';
import { MAX_SLEEP_MS } from '../server/rooms/pace/receive-pacer.js';
import { MAX_DELAY_MS, REST_FACTOR } from '../server/rooms/pace/ticker.js';
import type { CommitPace } from '../server/storage/index.js';
import type { Knob, Knobs } from '../server/tuner/index.js';

export function knobsOf(
  rooms: RoomRegistry,
  commitPace: CommitPace | undefined,
  hydration: { budgetBytes: number },
  config: Config,
): Knobs {
  const { ticker } = rooms;
  return [
    ...(commitPace === undefined ? [] : [commitKnob(commitPace)]),
    {
      name: 'tickRestFactor',
      description:
        'How many times the duration of its last tick a room gathers edits before the next; at most tickMaxMs.',
      ...{ min: 1, max: REST_FACTOR * 3, relief: 'up', isInteger: false },
      get: () => ticker.restFactor,
      set: (factor) => (ticker.restFactor = factor),
    },
    {
      name: 'tickMaxMs',
      description: 'The longest that a busy document gathers edits before it sends them on together.',
      ...{ min: MAX_DELAY_MS, max: MAX_DELAY_MS * 3, relief: 'up', isInteger: true },
      get: () => ticker.maxDelayMs,
      set: (ms) => (ticker.maxDelayMs = ms),
    },
    {
      name: 'presenceWindowMs',
      description: 'The shortest time between two presence updates of a document.',
      ...{ min: PRESENCE_WINDOW_MS, max: 250, relief: 'up', isInteger: true },
      get: () => rooms.presencePace.windowMs,
      set: (windowMs) => (rooms.presencePace.windowMs = windowMs),
    },
    {
      name: 'receiveSleepMs',
      description: 'The longest that small frames are let gather, so that more of them share a turn of the event loop.',
      ...{ min: MAX_SLEEP_MS, max: MAX_SLEEP_MS * 3, relief: 'up', isInteger: true },
      get: () => ticker.pacer.maxSleepMs,
      set: (ms) => (ticker.pacer.maxSleepMs = ms),
    },
    {
      name: 'hydrationBudgetBytes',
      description: 'Memory for documents that are open; idle ones leave first.',
      ...{ min: Math.ceil(config.hydratedBytes / 8), max: config.hydratedBytes, relief: 'down', isInteger: true },
      isFelt: () => rooms.hydratedBytes() > hydration.budgetBytes / 2,
      get: () => hydration.budgetBytes,
      set: (bytes) => (hydration.budgetBytes = bytes),
    },
  ];
}

/** Of the store: the echo of an edit comes later, its delivery to others does not. */
function commitKnob(pace: CommitPace): Knob {
  const home = pace.maxWaitMs;
  return {
    name: 'commitWaitMs',
    description: 'The longest that the store gathers edits before it writes them out, and says that they are saved.',
    ...{ min: home, max: home * 8, relief: 'up', isInteger: true },
    get: () => pace.maxWaitMs,
    set: (ms) => (pace.maxWaitMs = ms),
  };
}
