/** What the tuner may turn while the server runs, in the order in which it tries: what people feel least comes first. */
import type { Config } from '../server/config/index.js';
import { PRESENCE_WINDOW_MS, type RoomRegistry } from '../server/rooms/room-registry.js';
import { MAX_DELAY_MS, REST_FACTOR } from '../server/rooms/pace/ticker.js';
import type { Knobs } from '../server/tuner/index.js';

export function knobsOf(rooms: RoomRegistry, hydration: { budgetBytes: number }, config: Config): Knobs {
  return [
    {
      name: 'tickMaxMs',
      description: 'The longest that a busy document gathers edits before it sends them on together.',
      ...{ min: MAX_DELAY_MS, max: MAX_DELAY_MS * 3, relief: 'up', isInteger: true },
      get: () => rooms.ticker.maxDelayMs,
      set: (ms) => (rooms.ticker.maxDelayMs = ms),
    },
    {
      name: 'tickRestFactor',
      description:
        'How many times the duration of its last tick a room gathers edits before the next; at most tickMaxMs.',
      ...{ min: 1, max: REST_FACTOR * 5, relief: 'up', isInteger: false },
      get: () => rooms.ticker.restFactor,
      set: (factor) => (rooms.ticker.restFactor = factor),
    },
    {
      name: 'presenceWindowMs',
      description: 'The shortest time between two presence updates of a document.',
      ...{ min: PRESENCE_WINDOW_MS, max: 250, relief: 'up', isInteger: true },
      get: () => rooms.presencePace.windowMs,
      set: (windowMs) => (rooms.presencePace.windowMs = windowMs),
    },
    {
      name: 'hydrationBudgetBytes',
      description: 'Memory for documents that are open; idle ones leave first.',
      ...{ min: Math.ceil(config.hydratedBytes / 8), max: config.hydratedBytes, relief: 'down', isInteger: true },
      get: () => hydration.budgetBytes,
      set: (bytes) => (hydration.budgetBytes = bytes),
    },
  ];
}
