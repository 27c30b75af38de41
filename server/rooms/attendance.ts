import type { Subscriber } from './delivery/subscriber.js';
import type { Room } from './room.js';
import type { Ticker } from './pace/ticker.js';

/** A connection's handle on its room. */
export interface Attendance {
  receive(frame: Uint8Array): void;
  leave(): void;
}

export class RoomAttendance implements Attendance {
  constructor(
    private readonly room: Room,
    private readonly subscriber: Subscriber,
    private readonly ticker: Ticker,
  ) {}

  /** HOT PATH. */
  receive(frame: Uint8Array): void {
    this.ticker.noteFrame();
    this.room.receive(this.subscriber, frame);
  }

  leave(): void {
    this.room.leave(this.subscriber);
  }
}
