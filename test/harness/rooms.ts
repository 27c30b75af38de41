/** Rooms without a gateway in front: for what has to happen within one turn of the event loop. */
import type { Test } from 'tap';
import { pino } from 'pino';
import { createMetrics } from '../../server/observability/index.js';
import { isPermanent } from '../../server/protocol/close-codes.js';
import { payloadOffset } from '../../server/protocol/frame.js';
import type { Peer } from '../../server/rooms/peer.js';
import { RoomRegistry } from '../../server/rooms/room-registry.js';
import type { DocumentLog } from '../../server/storage/document-log.js';
import { openEmbeddedStorage, type Storage } from '../../server/storage/index.js';
import { temporaryFolder } from './server-process.js';

export interface RoomsOptions {
  /** What stands between the rooms and the real log. */
  readonly wrap?: (log: DocumentLog) => DocumentLog;
  readonly idleUnloadMs?: number;
}

export async function roomsWithoutGateway(
  t: Test,
  { wrap = (log) => log, ...options }: RoomsOptions = {},
): Promise<{ rooms: RoomRegistry; storage: Storage }> {
  const logger = pino({ level: 'silent' });
  const storage = await openEmbeddedStorage({ folder: await temporaryFolder(), node: 'one', logger });
  const metrics = createMetrics({});
  const rooms = new RoomRegistry({
    ...{ node: 'one', log: wrap(storage.documents), bus: storage.bus, logger, counters: metrics },
    ...{ maxDocumentBytes: 1e8, hydratedBytes: 1e8, isTickAdaptive: true, ...options },
  });
  t.teardown(async () => {
    await rooms.close();
    await storage.close();
    metrics.close();
  });
  return { rooms, storage };
}

/** A connection that keeps what it is sent. */
export class RecordingPeer implements Peer {
  readonly id: string;
  readonly address = '127.0.0.1';
  readonly principal: Peer['principal'];
  readonly role = 'admin';
  mayWrite = true;
  readonly scope = {};
  readonly wantsExtras = false;
  readonly takesDeflated = false;
  readonly since = Date.now();
  isOpen = true;
  isPaused = false;
  closedWith: number | undefined;
  bytesReceived = 0;
  /** Payloads, in order. */
  readonly messages: Uint8Array[] = [];
  /** What its socket has not taken: grows with what is written while `isStuck`. */
  lag = 0;
  isStuck = false;
  #onDrained: (() => void)[] = [];

  constructor(name: string) {
    this.id = name;
    this.principal = { id: name, name, isAnonymous: false, grants: [{ document: '*', role: 'admin' }] };
  }

  write(frames: Buffer): void {
    if (!this.isOpen) return;
    this.bytesReceived += frames.length;
    if (this.isStuck) this.lag += frames.length;
    for (let at = 0; at < frames.length;) {
      const rest = frames.subarray(at);
      const start = payloadOffset(rest);
      const length = start === 2 ? rest[1]! : start === 4 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
      this.messages.push(Uint8Array.from(rest.subarray(start, start + length)));
      at += start + length;
    }
  }
  get isBarred(): boolean {
    return this.closedWith !== undefined && isPermanent(this.closedWith);
  }
  /** The client goes, by itself. */
  leave(): void {
    this.isOpen = false;
  }
  close(code: number): void {
    this.isOpen = false;
    this.closedWith ??= code;
  }
  lagBytes = (): number => this.lag;
  onDrained(callback: () => void): void {
    if (this.lag === 0) callback();
    else this.#onDrained.push(callback);
  }
  /** The socket takes everything, what follows too. */
  drain(): void {
    this.isStuck = false;
    this.lag = 0;
    const waiting = this.#onDrained;
    this.#onDrained = [];
    if (this.isOpen) for (const callback of waiting) callback();
  }
  pause(): void {
    this.isPaused = true;
  }
  resume(): void {
    this.isPaused = false;
  }
  probe = (): void => undefined;
}
