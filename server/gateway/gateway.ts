/**
 * WebSocket upgrades: name, identity, right and admission are settled before anything is queued or loaded.
 *
 *   bad name                    HTTP 400 before the upgrade
 *   no room for it              HTTP 503 with Retry-After before the upgrade
 *   no key to verify with now   HTTP 503 with Retry-After before the upgrade
 *   no valid token, no right    upgraded, then closed with 4401 or 4403: a browser sees codes, not statuses
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { uuidv7 } from 'uuidv7';
import { WebSocket, WebSocketServer, type RawData } from 'ws';
import { KeysUnavailableError } from '../auth/errors.js';
import type { Principal } from '../auth/principal.js';
import { can, mayWriteOverSync, roleOn, scopeOn } from '../auth/rights.js';
import { CLOSE } from '../protocol/close-codes.js';
import { documentNameFromPath, DocumentNameError } from '../protocol/document-name.js';
import type { RoomRegistry } from '../rooms/room-registry.js';
import { Connection } from './connection.js';
import type { ConnectionInfo, Connections } from './connections.js';
import { refuseUpgrade } from './refusal.js';

/** What an upgrade request carries for authentication. */
export interface Credentials {
  readonly token?: string;
  readonly userHint?: string;
}

export interface Revocation {
  readonly jti?: string;
  readonly sub?: string;
  /** Unix time in milliseconds; tokens of `sub` issued later are fine. */
  readonly at: number;
}

/** What the gateway needs of authentication. */
export interface GatewayAuthenticator {
  authenticate(credentials: Credentials): Promise<Principal>;
  onRevoked(listener: (revocation: Revocation) => void): () => void;
}

/** A place in a pool, or how long to stay away. */
export type Admission =
  | { readonly admitted: true; readonly pool: string; readonly idleTimeoutMs: number; release(): void }
  | { readonly admitted: false; readonly retryAfterSeconds: number; readonly reason: string };

export interface AdmissionRequest {
  readonly document: string;
  readonly role: string | undefined;
  readonly principal: string | undefined;
  readonly address: string;
  readonly headers: IncomingMessage['headers'];
}

export interface GatewayCounters {
  opened(pool: string): void;
  closed(pool: string, code: number): void;
  errors(type: string): void;
}

export interface GatewayOptions {
  readonly rooms: RoomRegistry;
  readonly authenticator: GatewayAuthenticator;
  readonly logger: Logger;
  readonly counters: GatewayCounters;
  readonly maxFrameBytes: number;
  /** False on a node that has no documents open for editors (ROLE=api). */
  readonly isServing: boolean;
  credentials(request: IncomingMessage): Credentials;
  address(request: IncomingMessage): string;
  /** Before authentication: a handshake costs work. Resolves when it is this one's turn. */
  awaitTurn(address: string): Promise<{ readonly mayGoOn: boolean; readonly retryAfterSeconds: number }>;
  admit(request: AdmissionRequest): Admission;
}

const LIFE_CHECK_MS = 1_000;
const PING_EVERY_MS = 10_000;
/** An identity provider that restarts is back within seconds; clients come back by themselves. */
const KEYS_RETRY_SECONDS = 5;

/** `ws` closes a frame over `maxPayload` with 1009; ours is 4413. */
class SyncSocket extends WebSocket {
  override close(code?: number, data?: string | Buffer): void {
    if (code === 1009) super.close(CLOSE.tooLarge, 'the frame is too large');
    else super.close(code, data);
  }
}

export class Gateway implements Connections {
  readonly #connections = new Map<string, Connection>();
  readonly #wss: WebSocketServer;
  readonly #lifeCheck: NodeJS.Timeout;
  readonly #unsubscribe: () => void;
  #isDraining = false;

  constructor(private readonly options: GatewayOptions) {
    this.#wss = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: options.maxFrameBytes,
      WebSocket: SyncSocket,
    });
    this.#lifeCheck = setInterval(() => this.#checkLives(), LIFE_CHECK_MS);
    this.#lifeCheck.unref();
    this.#unsubscribe = options.authenticator.onRevoked((revocation) => this.#onRevoked(revocation));
  }

  get size(): number {
    return this.#connections.size;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** For `server.on('upgrade')`. Never throws. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const onEarlyError = (): void => void socket.destroy();
    socket.on('error', onEarlyError);
    this.#upgrade(request, socket as Socket, head, () => socket.off('error', onEarlyError)).catch((error: unknown) => {
      this.options.logger.error({ err: error }, 'an upgrade failed');
      this.options.counters.errors('upgrade');
      refuseUpgrade(socket, { status: 500, code: 'internal_error', detail: 'The connection could not be opened.' });
    });
  }

  async #upgrade(request: IncomingMessage, socket: Socket, head: Buffer, settle: () => void): Promise<void> {
    const { options } = this;
    if (!options.isServing) {
      refuseUpgrade(socket, {
        status: 421,
        code: 'wrong_role',
        detail: 'This node has ROLE=api: it serves REST alone.',
      });
      return;
    }
    const url = parseUrl(request.url);
    let document: string;
    try {
      document = documentNameFromPath(url.pathname);
    } catch (error) {
      if (!(error instanceof DocumentNameError)) throw error;
      refuseUpgrade(socket, { status: 400, code: error.code, detail: error.message });
      return;
    }
    const address = options.address(request);
    const turn = this.#isDraining ? { mayGoOn: false, retryAfterSeconds: 1 } : await options.awaitTurn(address);
    if (!turn.mayGoOn) {
      this.#refuseOverload(socket, turn.retryAfterSeconds);
      return;
    }
    const verdict = await this.#authorize(request, document);
    if (socket.destroyed) return;
    if (verdict === 'cannot tell now') {
      refuseUpgrade(socket, {
        status: 503,
        code: 'keys_unavailable',
        detail: 'Tokens cannot be verified now.',
        retryAfterSeconds: KEYS_RETRY_SECONDS,
      });
      return;
    }
    const admission = options.admit({
      document,
      role: verdict.role,
      principal: verdict.principal?.id,
      address,
      headers: request.headers,
    });
    if (!admission.admitted) {
      this.#refuseOverload(socket, admission.retryAfterSeconds);
      return;
    }
    if (this.#isDraining) {
      admission.release();
      this.#refuseOverload(socket, 1);
      return;
    }
    let isUpgraded = false;
    socket.once('close', () => {
      if (!isUpgraded) admission.release();
    });
    this.#wss.handleUpgrade(request, socket, head, (ws) => {
      isUpgraded = true;
      settle();
      this.#attach(ws, socket, { document, address, verdict, admission, wantsExtras: url.params.get('sdk') === '1' });
    });
  }

  #refuseOverload(socket: Duplex, retryAfterSeconds: number): void {
    this.options.counters.errors('admission_refused');
    refuseUpgrade(socket, {
      status: 503,
      code: 'overloaded',
      detail: 'There is no room for another connection now.',
      retryAfterSeconds,
    });
  }

  async #authorize(request: IncomingMessage, document: string): Promise<Verdict | 'cannot tell now'> {
    let principal: Principal;
    try {
      principal = await this.options.authenticator.authenticate(this.options.credentials(request));
    } catch (error) {
      if (error instanceof KeysUnavailableError) {
        this.options.logger.warn({ err: error }, 'tokens cannot be verified');
        this.options.counters.errors('keys_unavailable');
        return 'cannot tell now';
      }
      const code = errorCode(error);
      if (code === undefined) throw error;
      this.options.counters.errors('authentication');
      const reason = error instanceof Error ? error.message : code;
      return { refusal: { code: CLOSE.unauthenticated, reason }, role: undefined, principal: undefined };
    }
    const role = roleOn(principal, document);
    if (role === undefined || !can(principal, document, 'read')) {
      this.options.counters.errors('authorization');
      return { refusal: { code: CLOSE.forbidden, reason: 'no right to this document' }, role: undefined, principal };
    }
    return { refusal: undefined, role, principal };
  }

  #attach(ws: WebSocket, socket: Socket, facts: AttachFacts): void {
    const { verdict, admission, document } = facts;
    const { counters, logger, rooms } = this.options;
    counters.opened(admission.pool);
    const onGone = (code: number): void => {
      admission.release();
      counters.closed(admission.pool, code);
    };
    if (verdict.refusal !== undefined) {
      ws.on('error', () => ws.terminate());
      ws.once('close', onGone);
      ws.close(verdict.refusal.code, verdict.refusal.reason.slice(0, 120));
      return;
    }
    const connection = new Connection(ws, socket, {
      id: uuidv7(),
      document,
      principal: verdict.principal,
      role: verdict.role,
      mayWrite: mayWriteOverSync(verdict.principal, document),
      scope: scopeOn(verdict.principal, document),
      wantsExtras: facts.wantsExtras,
      address: facts.address,
      pool: admission.pool,
      idleTimeoutMs: admission.idleTimeoutMs,
    });
    this.#connections.set(connection.id, connection);
    const attendance = rooms.join(document, connection);
    ws.on('message', (data: RawData, isBinary: boolean) => {
      if (!isBinary) {
        connection.close(CLOSE.malformed, 'the protocol is binary');
        return;
      }
      const bytes = data as Buffer;
      connection.heard(bytes.length);
      try {
        attendance.receive(bytes);
      } catch (error) {
        logger.error({ err: error, connection: connection.id, document }, 'a frame could not be handled');
        counters.errors('receive');
        connection.close(CLOSE.malformed, 'the frame cannot be handled');
      }
    });
    ws.on('error', (error) => {
      // ECONNRESET and the like: `close` follows and is what counts.
      logger.debug({ err: error, connection: connection.id, document }, 'socket error');
    });
    ws.once('close', (code: number) => {
      connection.release();
      this.#connections.delete(connection.id);
      attendance.leave();
      onGone(connection.closedWith ?? code);
      logger.debug({ connection: connection.id, document, code: connection.closedWith ?? code }, 'connection closed');
    });
    logger.debug({ connection: connection.id, document, principal: connection.principal.id }, 'connection opened');
  }

  #checkLives(): void {
    const now = performance.now();
    const wallClock = Date.now();
    for (const connection of this.#connections.values()) {
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

  list(): ConnectionInfo[] {
    return Array.from(this.#connections.values(), (connection) => connection.describe());
  }

  disconnect(id: string, code: number, reason: string): boolean {
    const connection = this.#connections.get(id);
    connection?.close(code, reason);
    return connection !== undefined;
  }

  /** Refuses newcomers, then closes everybody with 1012, spread over `seconds` so that they do not all return at once. */
  async drain(seconds: number): Promise<void> {
    this.#isDraining = true;
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
        else setTimeout(step, 20);
      };
      step();
    });
  }

  close(): void {
    this.#isDraining = true;
    clearInterval(this.#lifeCheck);
    this.#unsubscribe();
    for (const connection of this.#connections.values()) connection.terminate();
    this.#wss.close();
  }
}

type Verdict =
  | {
      readonly refusal: undefined;
      readonly role: NonNullable<ReturnType<typeof roleOn>>;
      readonly principal: Principal;
    }
  | {
      readonly refusal: { readonly code: number; readonly reason: string };
      readonly role: undefined;
      readonly principal: Principal | undefined;
    };

interface AttachFacts {
  readonly document: string;
  readonly address: string;
  readonly verdict: Verdict;
  readonly admission: Extract<Admission, { admitted: true }>;
  readonly wantsExtras: boolean;
}

/** The request target of an upgrade, without resolving `..`: a document name is checked as it was sent. */
function parseUrl(target: string | undefined): { pathname: string; params: URLSearchParams } {
  const url = target ?? '/';
  const query = url.indexOf('?');
  if (query === -1) return { pathname: url, params: new URLSearchParams() };
  return { pathname: url.slice(0, query), params: new URLSearchParams(url.slice(query + 1)) };
}

function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || error.name !== 'AuthenticationError') return undefined;
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
