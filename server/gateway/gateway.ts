/**
 * The way in for WebSockets and streams, and what they have to do with rooms. Those that are open: `open-connections.ts`.
 *
 *   bad name                    HTTP 400 before the upgrade
 *   no room for it              HTTP 503 with Retry-After before the upgrade
 *   too many of its own         HTTP 429 with Retry-After before the upgrade
 *   sends too much              read slower; for long: closed with 4429
 *   no key to verify with now   HTTP 503 with Retry-After before the upgrade
 *   no valid token, no right    opened, then closed with 4401 or 4403: a browser sees codes, not statuses
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type RawData, type Server, type WebSocket } from 'ws';
import type { Principal } from '../auth/principal.js';
import type { ConnectionRights } from '../auth/rights.js';
import { CLOSE } from '../protocol/close-codes.js';
import type { Attendance } from '../rooms/attendance.js';
import type { RoomRegistry } from '../rooms/room-registry.js';
import type { Connection, ConnectionFacts } from './connection.js';
import type { SecurityFacts } from '../system-events/security-facts.js';
import { Entrance, pathOf, type EntranceOptions, type Entry, type Verdict } from './entrance.js';
import { namedEvent } from './event-messages.js';
import type { HttpSync } from './http-sync.js';
import { CLOSE_GRACE_MS, OpenConnections, type Revocations } from './open-connections.js';
import { refuseUpgrade, type Refusal } from './refusal.js';
import { StreamConnection, type Post, type PostVerdict } from './stream-connection.js';
import { SyncSocket } from './sync-socket.js';
import { WebSocketConnection } from './websocket-connection.js';

/** What the gateway needs of authentication. */
export interface GatewayAuthenticator {
  authenticate: EntranceOptions['authenticator']['authenticate'];
  onRevoked: Revocations['onRevoked'];
}

export interface GatewayCounters {
  opened(pool: string): void;
  closed(pool: string, code: number): void;
  /** @param facts who is behind it, where it has an author */
  errors(type: string, facts?: SecurityFacts): void;
}

export interface GatewayOptions extends EntranceOptions {
  readonly rooms: RoomRegistry;
  readonly authenticator: GatewayAuthenticator;
  readonly counters: GatewayCounters;
  readonly maxFrameBytes: number;
  /** Accepts permessage-deflate, for the state that a client gets when it joins. */
  readonly compressesJoins: boolean;
}

type CloseWith = NonNullable<Verdict['closeWith']>;

/** How a stream ends whose reader just went: what WebSockets without a close frame are counted as. */
const ABNORMAL_CLOSURE = 1006;

/** A frame is shared only where no compressor has a memory. */
const DEFLATE = { serverNoContextTakeover: true, clientNoContextTakeover: true } as const;

export class Gateway implements HttpSync {
  readonly connections: OpenConnections;
  readonly #entrance: Entrance;
  readonly #wss: Server<typeof SyncSocket>;

  constructor(private readonly options: GatewayOptions) {
    this.#entrance = new Entrance(options);
    this.#wss = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: options.compressesJoins && DEFLATE,
      maxPayload: options.maxFrameBytes,
      WebSocket: SyncSocket,
    });
    this.connections = new OpenConnections(options.authenticator);
  }

  get isDraining(): boolean {
    return this.#entrance.isShut;
  }

  /** For `server.on('upgrade')`. Never throws. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const onEarlyError = (): void => void socket.destroy();
    socket.on('error', onEarlyError);
    this.#upgrade(request, socket as Socket, head, onEarlyError).catch((error: unknown) => {
      this.options.logger.error({ err: error }, 'an upgrade failed');
      this.options.counters.errors('upgrade');
      refuseUpgrade(socket, { status: 500, code: 'internal_error', detail: 'The connection could not be opened.' });
    });
  }

  async #upgrade(request: IncomingMessage, socket: Socket, head: Buffer, onEarlyError: () => void): Promise<void> {
    const entry = await this.#entrance.enter(request, pathOf(request.url), () => hasLeft(socket));
    if ('refusal' in entry) {
      refuseUpgrade(socket, entry.refusal);
      return;
    }
    const onNeverUpgraded = (): void => entry.admission.release();
    socket.once('close', onNeverUpgraded);
    // The answer to the upgrade and the greeting leave in one write.
    socket.cork();
    this.#wss.handleUpgrade(request, socket, head, (ws) => {
      // These listeners would keep the request and its headers for as long as the connection lives.
      socket.off('close', onNeverUpgraded);
      socket.off('error', onEarlyError);
      ws.runsOver(socket);
      this.#attach(ws, socket, entry, request.headers['sec-websocket-extensions']);
    });
    socket.uncork();
  }

  #attach(ws: WebSocket, socket: Socket, entry: Entry, offers = ''): void {
    const { verdict, admission } = entry;
    this.options.counters.opened(admission.pool);
    if (verdict.closeWith !== undefined) {
      this.#turnAway(ws, admission, verdict.closeWith);
      return;
    }
    const connection = new WebSocketConnection(ws, socket, this.#factsOf(entry, verdict), offers);
    const attendance = this.#join(connection);
    ws.on('message', (data: RawData, isBinary: boolean) => {
      if (!isBinary) {
        this.options.counters.errors('malformed_frame', securityFactsOf(connection));
        connection.close(CLOSE.malformed, 'the protocol is binary');
        return;
      }
      const bytes = data as Buffer;
      connection.heard(bytes.length);
      this.#receive(connection, attendance, bytes);
    });
    ws.on('error', (error) => {
      const breach = breachOf(error);
      if (breach !== undefined) this.options.counters.errors(breach, securityFactsOf(connection));
      // ECONNRESET and the like: `close` follows and is what counts.
      const { id, document } = connection;
      this.options.logger.debug({ err: error, connection: id, document }, 'socket error');
    });
    ws.on('close', (code: number) => {
      this.#part(connection, attendance);
      this.#giveBack(admission, connection.closedWith ?? code);
    });
  }

  /** Opened so that a browser sees the code. */
  #turnAway(ws: WebSocket, admission: Entry['admission'], { code, reason }: CloseWith): void {
    ws.on('error', () => ws.terminate());
    // Who is not let in must not hold a place by never answering the close.
    const cutOff = setTimeout(() => ws.terminate(), CLOSE_GRACE_MS);
    ws.on('close', (seen: number) => {
      clearTimeout(cutOff);
      this.#giveBack(admission, seen);
    });
    ws.close(code, reason.slice(0, 120));
  }

  // ── streams ─────────────────────────────────────────────────────────────────────────────────────────────

  async openStream(request: IncomingMessage, path: string, begin: () => ServerResponse): Promise<Refusal | undefined> {
    const entry = await this.#entrance.enter(request, path, () => hasLeft(request.socket));
    if ('refusal' in entry) return entry.refusal;
    const response = begin();
    const { verdict, admission } = entry;
    this.options.counters.opened(admission.pool);
    if (verdict.closeWith !== undefined) {
      response.once('close', () => this.#giveBack(admission, verdict.closeWith.code));
      response.end(namedEvent('close', verdict.closeWith));
      return undefined;
    }
    const connection = new StreamConnection(response, request.socket, this.#factsOf(entry, verdict));
    const attendance = this.#join(connection);
    connection.onMessages((messages) => this.#receive(connection, attendance, messages));
    response.on('error', (error) => {
      this.options.logger.debug({ err: error, connection: connection.id }, 'stream error');
    });
    response.once('close', () => {
      this.#part(connection, attendance);
      this.#giveBack(admission, connection.closedWith ?? ABNORMAL_CLOSURE);
    });
    return undefined;
  }

  async post(id: string, post: Post): Promise<PostVerdict> {
    const connection = this.connections.get(id);
    return connection instanceof StreamConnection ? connection.post(post) : 'unknown connection';
  }

  // ── all ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** To be called once, when the connection is gone. */
  #giveBack(admission: Entry['admission'], code: number): void {
    admission.release();
    this.options.counters.closed(admission.pool, code);
  }

  #factsOf(
    { document, address, admission, wantsExtras }: Entry,
    { principal, rights }: Extract<Verdict, { principal: Principal; rights: ConnectionRights }>,
  ): ConnectionFacts {
    return {
      id: flat(randomUUID()),
      document,
      principal,
      ...rights,
      wantsExtras,
      address,
      pool: admission.pool,
      idleTimeoutMs: admission.idleTimeoutMs,
      traffic: admission.traffic,
      onOverBudget: this.#onOverBudget,
    };
  }

  readonly #onOverBudget = (connection: Connection, outcome: 'slowed' | 'closed'): void => {
    const { id, document, principal, wasSlowed, limitedBy } = connection;
    const facts = { connection: id, document, principal: principal.id, limitedBy };
    if (outcome === 'slowed') {
      // Once for each connection: it may be slowed several times a second.
      if (!wasSlowed) this.options.logger.info(facts, 'a connection sends more than its budget and is read slower');
      return;
    }
    this.options.logger.warn(facts, 'a connection sent more than its budget for long and is closed');
    this.options.counters.errors('rate_exceeded', securityFactsOf(connection));
  };

  #join(connection: Connection): Attendance {
    const { id, document, principal } = connection;
    this.connections.add(connection);
    const attendance = this.options.rooms.join(document, connection);
    this.options.logger.debug({ connection: id, document, principal: principal.id }, 'connection opened');
    return attendance;
  }

  #part(connection: Connection, attendance: Attendance): void {
    const { id, document, closedWith } = connection;
    connection.release();
    this.connections.remove(connection);
    attendance.leave();
    this.options.logger.debug({ connection: id, document, code: closedWith }, 'connection closed');
  }

  /** HOT PATH. */
  #receive(connection: Connection, attendance: Attendance, messages: Uint8Array): void {
    try {
      attendance.receive(messages);
    } catch (error) {
      const { id, document } = connection;
      this.options.logger.error({ err: error, connection: id, document }, 'a frame could not be handled');
      this.options.counters.errors('receive', securityFactsOf(connection));
      connection.close(CLOSE.malformed, 'the frame cannot be handled');
    }
  }

  /** Refuses newcomers, then closes everybody with 1012, spread over `seconds` so that they do not all return at once. */
  async drain(seconds: number): Promise<void> {
    this.#entrance.shut();
    await this.connections.drain(seconds);
  }

  /** Ends all connections; those that do not answer the close in time are cut off, so that nobody can hold up a stop. */
  async close(): Promise<void> {
    this.#entrance.shut();
    await this.connections.close();
    this.#wss.close();
  }
}

/** The other end has closed its half too early: the server's own half stays open until it is told so. */
function hasLeft(socket: Socket): boolean {
  return socket.destroyed || socket.readableEnded;
}

/** A string put together of parts is kept as its parts: 36 characters in 800 bytes. */
function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

function securityFactsOf({ address, principal, document, id }: Connection): SecurityFacts {
  return { address, userId: principal.id, document, connection: id };
}

/** What `ws` refuses before we see it: its errors of the protocol have codes of their own. */
function breachOf(error: Error): 'oversized_frame' | 'malformed_frame' | undefined {
  const code = 'code' in error ? error.code : undefined;
  if (typeof code !== 'string' || !code.startsWith('WS_ERR_')) return undefined;
  return code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' ? 'oversized_frame' : 'malformed_frame';
}
