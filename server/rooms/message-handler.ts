/** What one connection's messages do to its room. */
import type { IncomingHandler } from '../protocol/incoming.js';
import { inspectStateVector } from '../protocol/update-bounds.js';
import type { Subscriber } from './delivery/subscriber.js';
import type { Room } from './room.js';
import { factsOf, type RoomCounters } from './room-node.js';

export function handlerFor(subscriber: Subscriber, room: Room, counters: RoomCounters): IncomingHandler {
  const { peer } = subscriber;
  return {
    onSyncStep1: (stateVector) => {
      inspectStateVector(stateVector);
      const wasCached = room.delivery?.sendJoin(subscriber, stateVector).wasCached ?? false;
      counters.joins(wasCached ? 'cached' : 'encoded');
    },
    onUpdate: (update, isReply) => room.edits.receive(subscriber, update, isReply),
    onAwareness: (update) => {
      const { hasChanged, forged } = room.presence.apply(peer, update, Date.now());
      if (forged > 0) counters.errors('forged_presence', factsOf(peer, room.name));
      if (hasChanged) room.presenceSender.schedule();
    },
    onQueryAwareness: () => {
      const whole = room.presence.wholeFrame();
      if (whole !== undefined) room.delivery?.sendPresence(subscriber, whole);
    },
    onUnknown: (type) => counters.unknownMessage(type),
  };
}
