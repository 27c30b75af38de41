/** The open connections of a node: watches their lives, lists, closes and drains them. */
import { setTimeout as pause } from 'node:timers/promises';
import { CLOSE } from '../protocol/close-codes.js';
import type { Connection } from './connection.js';
import type { Attendee, ConnectionInfo, Connections } from './connections.js';

export interface Revocation {
  readonly jti?: string;
  readonly sub?: string;
  /** Unix time in milliseconds; tokens of `sub` issued later are fine. */
  readonly at: number;
}

export interface Revocations {
  /** @returns how to stop listening */
  onRevoked(listener: (revocation: Revocation) => void): () => void;
}

const LIFE_CHECK_MS = 1_000;
/** A check that is later than this comes after a pause of the machine (sleep, a moved VM), or a loop that was blocked. */
const STOOD_STILL_MS = 1_000;
const PING_EVERY_MS = 10_000;
const DRAIN_STEP_MS = 20;
/** For clients to answer a close. `ws` itself would wait 30 s, as long as Kubernetes waits before it kills. */
export const CLOSE_GRACE_MS = 1_000;

export class OpenConnections implements Connections {
  readonly #connections = new Map<string, Connection>();
  readonly #lifeCheck: NodeJS.Timeout;
  readonly #unsubscribe: () => void;
  #checkedAt = performance.now();

  constructor(revocations: Revocations) {
    this.#lifeCheck = setInterval(() => this.#checkLives(), LIFE_CHECK_MS);
    this.#lifeCheck.unref();
    this.#unsubscribe = revocations.onRevoked((revocation) => this.#onRevoked(revocation));
  }

  get size(): number {
    return this.#connections.size;
  }

  get(id: string): Connection | undefined {
    return this.#connections.get(id);
  }

  add(connection: Connection): void {
    this.#connections.set(connection.id, connection);
  }

  remove({ id }: Connection): void {
    this.#connections.delete(id);
  }

  #checkLives(): void {
    const now = performance.now();
    const wallClock = Date.now();
    const lateMs = now - this.#checkedAt - LIFE_CHECK_MS;
    this.#checkedAt = now;
    for (const connection of this.#connections.values()) {
      if (lateMs > STOOD_STILL_MS) connection.excuse(lateMs);
      const { expiresAt } = connection.principal;
      if (expiresAt !== undefined && expiresAt <= wallClock)
        connection.close(CLOSE.unauthenticated, 'the token expired');
      else connection.checkLife(now, PING_EVERY_MS);
    }
  }

  #onRevoked({ jti, sub, at }: Revocation): void {
    for (const connection of this.#connections.values()) {
      const { principal } = connection;
      const isToken = jti !== undefined && principal.jti === jti;
      const isSubject = sub !== undefined && principal.id === sub && (principal.issuedAt ?? 0) <= at;
      if (isToken || isSubject) connection.close(CLOSE.unauthenticated, 'the token was revoked');
    }
  }

  /** How many are read slower now. */
  slowed(): number {
    let count = 0;
    for (const connection of this.#connections.values()) if (connection.isSlowed) count += 1;
    return count;
  }

  /** Closes everybody in a document. */
  closeDocument(document: string, code: number, reason: string): void {
    for (const connection of this.#connections.values()) {
      if (connection.document === document) connection.close(code, reason);
    }
  }

  people(): Iterable<Attendee> {
    return this.#connections.values();
  }

  list(): ConnectionInfo[] {
    return Array.from(this.#connections.values(), (connection) => connection.describe());
  }

  disconnect(id: string, code: number, reason: string): boolean {
    const connection = this.#connections.get(id);
    connection?.close(code, reason);
    return connection !== undefined;
  }

  /** Closes everybody with 1012, spread over `seconds`. */
  async drain(seconds: number): Promise<void> {
    const connections = [...this.#connections.values()];
    if (connections.length === 0) return;
    const startedAt = performance.now();
    const durationMs = seconds * 1_000;
    await new Promise<void>((resolve) => {
      let closed = 0;
      const step = (): void => {
        const elapsed = performance.now() - startedAt;
        const due = durationMs === 0 ? connections.length : Math.ceil((elapsed / durationMs) * connections.length);
        while (closed < Math.min(due, connections.length)) {
          connections[closed]?.close(CLOSE.restart, 'the server restarts');
          closed += 1;
        }
        // Clients answer the close; there is nothing to wait for once nobody is left.
        if (this.#connections.size === 0 || elapsed >= durationMs) resolve();
        else setTimeout(step, DRAIN_STEP_MS);
      };
      step();
    });
  }

  /** Those that do not answer the close in time are cut off. */
  async close(): Promise<void> {
    clearInterval(this.#lifeCheck);
    this.#unsubscribe();
    for (const connection of this.#connections.values()) connection.close(CLOSE.restart, 'the server restarts');
    const until = performance.now() + CLOSE_GRACE_MS;
    while (this.#connections.size > 0 && performance.now() < until) await pause(DRAIN_STEP_MS);
    for (const connection of this.#connections.values()) connection.terminate();
  }
}
