/** Rooms without a gateway in front: for what has to happen within one turn of the event loop. */
import type { Test } from 'tap';
import { pino } from 'pino';
import { createMetrics } from '../../server/observability/index.js';
import { isPermanent } from '../../server/protocol/close-codes.js';
import type { Peer } from '../../server/rooms/peer.js';
import { RoomRegistry } from '../../server/rooms/room-registry.js';
import { openEmbeddedStorage, type Storage } from '../../server/storage/index.js';
import { temporaryFolder } from './server-process.js';

export async function roomsWithoutGateway(t: Test): Promise<{ rooms: RoomRegistry; storage: Storage }> {
  const logger = pino({ level: 'silent' });
  const storage = await openEmbeddedStorage({ folder: await temporaryFolder(), node: 'one', logger });
  const metrics = createMetrics({});
  const rooms = new RoomRegistry({
    ...{ node: 'one', log: storage.documents, bus: storage.bus, logger, counters: metrics },
    ...{ maxDocumentBytes: 1e8, hydratedBytes: 1e8, isTickAdaptive: true },
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
  readonly mayWrite = true;
  readonly scope = {};
  readonly wantsExtras = false;
  readonly takesDeflated = false;
  readonly since = Date.now();
  isOpen = true;
  closedWith: number | undefined;
  bytesReceived = 0;

  constructor(name: string) {
    this.id = name;
    this.principal = { id: name, name, isAnonymous: false, grants: [{ document: '*', role: 'admin' }] };
  }

  write(frames: Buffer): void {
    this.bytesReceived += frames.length;
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
  lagBytes = (): number => 0;
  onDrained = (callback: () => void): void => callback();
  pause = (): void => undefined;
  resume = (): void => undefined;
  probe = (): void => undefined;
}
