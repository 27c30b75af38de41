/**
 * One WebSocket. Frames that are already built go to the raw socket as they are: `ws` would build a header for each
 * receiver. That is sound because compression is off, so `ws` itself never holds a frame back.
 */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
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
/** RFC 6455, section 5.5: a control frame holds 125 bytes, two of them the code. */
const MAX_REASON_BYTES = 123;

export class Connection implements Peer {
  readonly id: string;
  readonly document: string;
  readonly principal: Principal;
  readonly role: Role;
  readonly mayWrite: boolean;
  readonly scope: Peer['scope'];
  readonly wantsExtras: boolean;
  readonly since = Date.now();
  isOpen = true;
  bytesIn = 0;
  closedWith: number | undefined;

  #heardAt = performance.now();
  #pingedAt = performance.now();
  #takenBytes = 0;
  #probe: NodeJS.Timeout | undefined;

  constructor(
    private readonly ws: WebSocket,
    private readonly socket: Socket,
    private readonly facts: ConnectionFacts,
  ) {
    this.id = facts.id;
    this.document = facts.document;
    this.principal = facts.principal;
    this.role = facts.role;
    this.mayWrite = facts.mayWrite;
    this.scope = facts.scope;
    this.wantsExtras = facts.wantsExtras;
    ws.on('pong', () => this.#onPong());
  }

  heard(bytes: number): void {
    this.bytesIn += bytes;
    this.#heardAt = performance.now();
  }

  #onPong(): void {
    this.#heardAt = performance.now();
    clearTimeout(this.#probe);
    this.#probe = undefined;
  }

  lagBytes(): number {
    return this.socket.writableLength;
  }

  write(frames: Buffer): void {
    if (this.isOpen && this.socket.writable) this.socket.write(frames);
  }

  onDrained(callback: () => void): void {
    const whenOpen = (): void => {
      if (this.isOpen) callback();
    };
    if (this.socket.writableNeedDrain) this.socket.once('drain', whenOpen);
    else setImmediate(whenOpen);
  }

  pause(): void {
    this.ws.pause();
  }

  resume(): void {
    this.ws.resume();
  }

  probe(): void {
    if (this.#probe !== undefined || !this.isOpen) return;
    this.#probe = setTimeout(() => this.terminate(), PROBE_TIMEOUT_MS);
    this.ws.ping();
  }

  /** Pings when it is time; ends what has been silent for the pool's idle timeout. Bytes that flow count as life. */
  checkLife(now: number, pingEveryMs: number): void {
    const taken = this.socket.bytesWritten - this.socket.writableLength;
    if (this.socket.writableLength > 0 && taken > this.#takenBytes) this.#heardAt = now;
    this.#takenBytes = taken;
    if (now - this.#heardAt > this.facts.idleTimeoutMs) this.terminate();
    else if (this.isOpen && now - this.#pingedAt >= pingEveryMs) {
      this.#pingedAt = now;
      this.ws.ping();
    }
  }

  close(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.closedWith = code;
    this.ws.resume();
    this.ws.close(code, shorten(reason));
  }

  terminate(): void {
    this.isOpen = false;
    this.ws.terminate();
  }

  /** To be called once, when the socket is gone. */
  release(): void {
    this.isOpen = false;
    clearTimeout(this.#probe);
  }

  describe(): ConnectionInfo {
    const { id, name } = this.principal;
    return {
      id: this.id,
      document: this.document,
      principal: name === undefined ? { id } : { id, name },
      role: this.role,
      pool: this.facts.pool,
      address: this.facts.address,
      since: this.since,
      bytesIn: this.bytesIn,
      bytesOut: this.socket.bytesWritten,
      lagBytes: this.lagBytes(),
      isBehind: this.lagBytes() > 0 && this.socket.writableNeedDrain,
    };
  }
}

function shorten(reason: string): string {
  let text = reason;
  while (Buffer.byteLength(text) > MAX_REASON_BYTES) text = text.slice(0, -1);
  return text;
}
