/** What one connection's messages do to its room. */
import type { IncomingHandler } from '../protocol/incoming.js';
import { inspectStateVector } from '../protocol/update-bounds.js';
import type { Subscriber } from './delivery/subscriber.js';
import type { Room } from './room.js';
import { factsOf, type RoomCounters } from './room-node.js';

/** A class, since closures for each kind of message would be the most that an idle connection keeps here. */
export class MessageHandler implements IncomingHandler {
  constructor(
    private readonly subscriber: Subscriber,
    private readonly room: Room,
    private readonly counters: RoomCounters,
  ) {}

  onSyncStep1(stateVector: Uint8Array): void {
    inspectStateVector(stateVector);
    const { delivery } = this.room;
    if (delivery === undefined) {
      this.subscriber.unanswered ??= [];
      this.subscriber.unanswered.push(stateVector);
      return;
    }
    const { wasCached } = delivery.sendJoin(this.subscriber, stateVector);
    this.counters.joins(wasCached ? 'cached' : 'encoded');
  }

  onUpdate(update: Uint8Array, isReply: boolean): void {
    this.room.edits.receive(this.subscriber, update, isReply);
  }

  onAwareness(update: Uint8Array): void {
    const { room } = this;
    const { peer } = this.subscriber;
    const { hasChanged, forged } = room.presence.apply(peer, update, Date.now());
    if (forged > 0) this.counters.errors('forged_presence', factsOf(peer, room.name));
    // Also what a message changed that was malformed further on.
    if (hasChanged || room.presence.hasChanges) room.presenceSender.schedule();
  }

  onQueryAwareness(): void {
    // While the room loads nothing is sent: afterwards everybody is told everything.
    const whole = this.room.presence.wholeFrame();
    if (whole !== undefined) this.room.presenceSender.tell(this.subscriber, whole);
  }

  onUnknown(type: number): void {
    this.counters.unknownMessage(type);
  }
}
