/** One connection of a client: what all transports have in common. */
import type { Socket } from 'node:net';
import type { Principal, Role } from '../auth/principal.js';
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
}

/** How long the other end of a contested client id has to show that it lives. */
const PROBE_TIMEOUT_MS = 3_000;

export abstract class Connection implements Peer {
  readonly id: string;
  readonly address: string;
  readonly document: string;
  readonly principal: Principal;
  readonly role: Role;
  readonly mayWrite: boolean;
  readonly scope: Peer['scope'];
  readonly wantsExtras: boolean;
  readonly since = Date.now();
  isOpen = true;
  closedWith: number | undefined;

  #bytesIn = 0;
  #heardAt = performance.now();
  #pingedAt = performance.now();
  #takenBytes = 0;
  #probe: NodeJS.Timeout | undefined;
  readonly #bytesBefore: number;

  constructor(
    protected readonly socket: Socket,
    private readonly facts: ConnectionFacts,
  ) {
    this.id = facts.id;
    this.address = facts.address;
    this.document = facts.document;
    this.principal = facts.principal;
    this.role = facts.role;
    this.mayWrite = facts.mayWrite;
    this.scope = facts.scope;
    this.wantsExtras = facts.wantsExtras;
    // A stream may run over a socket that has carried other answers before.
    this.#bytesBefore = socket.bytesWritten;
  }

  abstract write(frames: Buffer): void;
  abstract onDrained(callback: () => void): void;
  abstract pause(): void;
  abstract resume(): void;
  /** Ends it at once, without a code. */
  abstract terminate(): void;
  /** Asks the other end to show that it lives. */
  protected abstract ping(): void;
  /** Tells the code and ends it. Called once. */
  protected abstract bid(code: number, reason: string): void;

  heard(bytes: number): void {
    this.#bytesIn += bytes;
    this.#heardAt = performance.now();
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
    this.#probe = setTimeout(() => this.terminate(), PROBE_TIMEOUT_MS);
    this.ping();
  }

  /** Pings when it is time; ends what has been silent for the pool's idle timeout. Bytes that flow count as life. */
  checkLife(now: number, pingEveryMs: number): void {
    const lag = this.lagBytes();
    const taken = this.socket.bytesWritten - this.socket.writableLength;
    if (lag > 0 && taken > this.#takenBytes) this.#heardAt = now;
    this.#takenBytes = taken;
    if (now - this.#heardAt > this.facts.idleTimeoutMs) this.terminate();
    else if (this.isOpen && now - this.#pingedAt >= pingEveryMs) {
      this.#pingedAt = now;
      this.ping();
    }
  }

  close(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.closedWith = code;
    this.bid(code, reason);
  }

  /** To be called once, when the other end is gone. */
  release(): void {
    this.isOpen = false;
    clearTimeout(this.#probe);
  }

  describe(): ConnectionInfo {
    const { id, name } = this.principal;
    const lagBytes = this.lagBytes();
    return {
      id: this.id,
      document: this.document,
      principal: name === undefined ? { id } : { id, name },
      role: this.role,
      pool: this.facts.pool,
      address: this.facts.address,
      since: this.since,
      bytesIn: this.#bytesIn,
      bytesOut: this.socket.bytesWritten - this.#bytesBefore,
      lagBytes,
      isBehind: lagBytes > 0 && this.socket.writableNeedDrain,
    };
  }
}
