/** One connection of a client: what all transports have in common. */
import type { Socket } from 'node:net';
import type { Principal, Role } from '../auth/principal.js';
import type { Traffic } from '../limits/traffic/traffic-limits.js';
import { CLOSE, isPermanent } from '../protocol/close-codes.js';
import type { Peer } from '../rooms/peer.js';
import type { ConnectionInfo } from './connections.js';

export interface ConnectionFacts {
  readonly id: string;
  readonly document: string;
  readonly principal: Principal;
  readonly role: Role;
  readonly mayWrite: boolean;
  readonly scope: Peer['scope'];
  readonly wantsExtras: boolean;
  readonly address: string;
  readonly pool: string;
  readonly idleTimeoutMs: number;
  readonly traffic: Traffic;
  /** It is read slower, or closed, because of what it sends. */
  readonly onOverBudget: (connection: Connection, outcome: 'slowed' | 'closed') => void;
}

/**
 * Who is heard lives, and is pinged only so often all the same: proxies that count one direction alone, and clients that watch
 * for pings, often wait 30 seconds.
 */
const PING_HEARD_EVERY_MS = 25_000;
/** How long the other end of a contested client id has to show that it lives. */
const PROBE_TIMEOUT_MS = 3_000;
/** Pauses that are shorter cost more than they spare; longer ones would leave pings unanswered. */
const SHORTEST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 5_000;
/** Who does not answer a close within this is cut off: it may go on sending, and that would go on being read. */
const CLOSE_TIMEOUT_MS = 5_000;

export abstract class Connection implements Peer {
  readonly id: string;
  readonly address: string;
  readonly document: string;
  readonly principal: Principal;
  readonly role: Role;
  readonly mayWrite: boolean;
  readonly scope: Peer['scope'];
  readonly wantsExtras: boolean;
  readonly takesDeflated: boolean = false;
  readonly since = Date.now();
  isOpen = true;
  isBarred = false;
  closedWith: number | undefined;
  /** Its budget has made it wait before. */
  wasSlowed = false;

  #bytesIn = 0;
  #heardAt = performance.now();
  #pingedAt = performance.now();
  /** At the last check; undefined while nothing has to be looked at. */
  #takenBytes: number | undefined;
  #probe: NodeJS.Timeout | undefined;
  /** The room asked for a pause. */
  #isHeld = false;
  /** Runs while a close is not answered. */
  #cutOff: NodeJS.Timeout | undefined;
  /** Runs while it is read slower. */
  #slow: NodeJS.Timeout | undefined;
  readonly #bytesBefore: number;
  readonly #pool: string;
  readonly #idleTimeoutMs: number;
  readonly #traffic: Traffic;
  readonly #onOverBudget: ConnectionFacts['onOverBudget'];

  constructor(
    protected readonly socket: Socket,
    facts: ConnectionFacts,
  ) {
    this.id = facts.id;
    this.address = facts.address;
    this.document = facts.document;
    this.principal = facts.principal;
    this.role = facts.role;
    this.mayWrite = facts.mayWrite;
    this.scope = facts.scope;
    this.wantsExtras = facts.wantsExtras;
    this.#pool = facts.pool;
    this.#idleTimeoutMs = facts.idleTimeoutMs;
    this.#traffic = facts.traffic;
    this.#onOverBudget = facts.onOverBudget;
    // A stream may run over a socket that has carried other answers before.
    this.#bytesBefore = socket.bytesWritten;
  }

  abstract write(frames: Buffer): void;
  abstract onDrained(callback: () => void): void;
  /** Ends it at once, without a code. */
  abstract terminate(): void;
  /** Asks the other end to show that it lives. */
  protected abstract ping(): void;
  /** Tells the code and ends it. Called once. */
  protected abstract bid(code: number, reason: string): void;
  protected abstract stopReading(): void;
  protected abstract startReading(): void;

  /** HOT PATH. One message of so many bytes has arrived. Closes the connection when that was too much for long. */
  heard(bytes: number): void {
    const now = performance.now();
    this.#bytesIn += bytes;
    this.#heardAt = now;
    const waitMs = this.#traffic.spend(bytes, now);
    if (waitMs > 0 && this.isOpen) this.#slowDown(waitMs, now);
  }

  #slowDown(waitMs: number, now: number): void {
    const traffic = this.#traffic;
    if (traffic.isOverForLong(now)) {
      traffic.holdOff(now);
      this.#onOverBudget(this, 'closed');
      this.close(
        CLOSE.rateExceeded,
        `rate exceeded for long: the budget of this ${traffic.limitedBy ?? 'user'} is spent`,
      );
      return;
    }
    // What had been read already goes on arriving for a moment.
    if (this.#slow !== undefined) return;
    this.stopReading();
    this.#onOverBudget(this, 'slowed');
    this.wasSlowed = true;
    this.#setSlow(waitMs);
  }

  #setSlow(waitMs: number): void {
    this.#slow = setTimeout(
      () => {
        const stillMs = this.#traffic.waitMs(performance.now());
        if (stillMs > SHORTEST_PAUSE_MS) {
          this.#setSlow(stillMs);
          return;
        }
        this.#slow = undefined;
        if (!this.#isHeld) this.startReading();
      },
      Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, waitMs)),
    );
  }

  /** Whose budget was spent last. */
  get limitedBy(): Traffic['limitedBy'] {
    return this.#traffic.limitedBy;
  }

  /** Its budget makes it wait. */
  get isSlowed(): boolean {
    return this.#slow !== undefined;
  }

  pause(): void {
    this.#isHeld = true;
    this.stopReading();
  }

  resume(): void {
    this.#isHeld = false;
    if (this.#slow === undefined) this.startReading();
  }

  /** The other end has answered a ping. */
  protected answered(): void {
    this.#heardAt = performance.now();
    clearTimeout(this.#probe);
    this.#probe = undefined;
  }

  lagBytes(): number {
    return this.socket.writableLength;
  }

  probe(): void {
    if (this.#probe !== undefined || !this.isOpen) return;
    this.#probe = setTimeout(() => {
      // Where this process was busy all the while, the answer is there and not read yet: it is before the immediate.
      setImmediate(() => {
        if (this.#probe !== undefined) this.terminate();
      });
    }, PROBE_TIMEOUT_MS);
    this.ping();
  }

  /** This process stood still for so long: nobody was pinged or heard, and that is not the other end's silence. */
  excuse(ms: number): void {
    this.#heardAt += ms;
  }

  /** How often it is pinged while it is heard, at most as often as when it is silent. */
  protected get pingsHeardEveryMs(): number {
    return PING_HEARD_EVERY_MS;
  }

  /** Pings who is silent; ends what has been silent for the pool's idle timeout. Bytes that flow count as life. */
  checkLife(now: number, pingEveryMs: number): void {
    // A pool with a short timeout asks more often, or the well would go too.
    const everyMs = Math.min(pingEveryMs, this.#idleTimeoutMs / 3);
    const isSilent = now - this.#heardAt >= everyMs;
    const isDue = now - this.#pingedAt >= (isSilent ? everyMs : Math.max(everyMs, this.pingsHeardEveryMs));
    // HOT PATH. Of most connections this is all that is looked at: the counters of their sockets cost microseconds.
    if (!isDue && !isSilent) {
      this.#takenBytes = undefined;
      return;
    }
    const lag = this.lagBytes();
    const taken = this.socket.bytesWritten - this.socket.writableLength;
    // Only what was taken since the last check: bytes of long ago say nothing of one that hangs now.
    if (lag > 0 && this.#takenBytes !== undefined && taken > this.#takenBytes) this.#heardAt = now;
    this.#takenBytes = taken;
    if (now - this.#heardAt > this.#idleTimeoutMs) this.terminate();
    else if (this.isOpen && isDue) {
      this.#pingedAt = now;
      this.ping();
    }
  }

  close(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.isBarred = isPermanent(code);
    this.closedWith = code;
    this.#stopSlow();
    this.bid(code, reason);
    this.#cutOff = setTimeout(() => this.terminate(), CLOSE_TIMEOUT_MS);
    this.#cutOff.unref();
  }

  /** To be called once, when the other end is gone. */
  release(): void {
    this.isOpen = false;
    clearTimeout(this.#probe);
    this.#probe = undefined;
    clearTimeout(this.#cutOff);
    this.#stopSlow();
  }

  #stopSlow(): void {
    clearTimeout(this.#slow);
    this.#slow = undefined;
  }

  describe(): ConnectionInfo {
    const { id, name } = this.principal;
    const lagBytes = this.lagBytes();
    return {
      id: this.id,
      document: this.document,
      principal: name === undefined ? { id } : { id, name },
      role: this.role,
      pool: this.#pool,
      address: this.address,
      since: this.since,
      bytesIn: this.#bytesIn,
      bytesOut: this.socket.bytesWritten - this.#bytesBefore,
      lagBytes,
      isBehind: lagBytes > 0 && this.socket.writableNeedDrain,
    };
  }
}
