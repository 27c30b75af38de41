import t from 'tap';
import { IllegalTransitionError, next, type RoomEvent, type RoomStateName } from './life-cycle.js';

const STATES: readonly RoomStateName[] = ['loading', 'live', 'idle', 'unloading', 'failed', 'deleted', 'absent'];
const NONE = undefined;
/** As docs/architecture.md has it; the last column is `absent`. */
const TABLE: Readonly<Record<RoomEvent, readonly (RoomStateName | undefined)[]>> = {
  loaded: ['live', NONE, NONE, NONE, NONE, NONE, NONE],
  'load failed': ['failed', NONE, NONE, NONE, NONE, NONE, NONE],
  join: ['loading', 'live', 'live', 'live', NONE, NONE, NONE],
  'last left': ['loading', 'idle', 'idle', NONE, NONE, NONE, NONE],
  unload: [NONE, NONE, 'unloading', NONE, NONE, NONE, NONE],
  unloaded: [NONE, NONE, NONE, 'absent', 'absent', NONE, NONE],
  reload: ['loading', 'loading', 'loading', 'loading', 'loading', NONE, NONE],
  erase: ['deleted', 'deleted', 'deleted', 'deleted', 'deleted', 'deleted', 'deleted'],
};

for (const [event, row] of Object.entries(TABLE) as [RoomEvent, readonly (RoomStateName | undefined)[]][]) {
  void t.test(`"${event}" leads where the table says, and is refused elsewhere`, async (t) => {
    for (const [i, state] of STATES.entries()) {
      const to = row[i];
      if (to !== undefined) t.equal(next(state, event), to, state);
      else t.throws(() => next(state, event), IllegalTransitionError, state);
    }
  });
}

void t.test('a room that could not load has no way to content, and a deleted one no way back', async (t) => {
  for (const event of Object.keys(TABLE) as RoomEvent[]) {
    if (TABLE[event][STATES.indexOf('failed')] === 'live') t.fail(`${event} makes a failed room live`);
    const after = TABLE[event][STATES.indexOf('deleted')];
    t.ok(after === undefined || after === 'deleted', event);
  }
});
