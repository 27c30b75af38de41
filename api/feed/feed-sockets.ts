/**
 * The feed over WebSocket: one JSON text frame per event; what the consumer sends is ignored.
 *
 *   wrong query                 HTTP 422 before the upgrade
 *   no room, draining           HTTP 503 with Retry-After before the upgrade
 *   no valid token, no right    upgraded, then closed with 4401 or 4403: a browser sees codes, not statuses
 *
 * On `ws` itself and not on `@fastify/websocket`: that one answers every upgrade of the server, also those of documents.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { WebSocket, WebSocketServer } from 'ws';
import {
  AuthenticationError,
  can,
  credentialsFrom,
  KeysUnavailableError,
  type Authenticator,
  type Principal,
} from '../../server/auth/index.js';
import { refuseUpgrade } from '../../server/gateway/refusal.js';
import { addressKey, type ClientAddresses, type RateLimits } from '../../server/limits/index.js';
import { CLOSE } from '../../server/protocol/close-codes.js';
import { Problem } from '../http/problem.js';
import { parse } from '../http/validation.js';
import type { FeedListeners, FeedSink } from './listeners.js';
import { feedQuery, type FeedQuery } from './schemas.js';

const FEED_PATH = '/api/v1/feed';
/** Nothing is expected from the consumer. */
const MAX_INCOMING_BYTES = 16 * 1024;
const CLOSE_MS = 2_000;
/** Of this much and more the next events wait until it is sent. */
const BUFFER_BYTES = 256 * 1024;

export interface FeedSocketsOptions {
  readonly listeners: FeedListeners;
  readonly authenticator: Authenticator;
  readonly corsOrigins: readonly string[];
  readonly limits: RateLimits;
  readonly addresses: ClientAddresses;
  readonly logger: Logger;
}

export class FeedSockets {
  readonly #wss = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_INCOMING_BYTES,
  });

  constructor(private readonly options: FeedSocketsOptions) {}

  /** Whether this upgrade is for the feed. */
  static isFor(request: IncomingMessage): boolean {
    return request.url?.split('?', 1)[0] === FEED_PATH;
  }

  /** For `server.on('upgrade')`. Never throws. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const onEarlyError = (): void => void socket.destroy();
    socket.on('error', onEarlyError);
    this.#upgrade(request, socket, head, () => socket.off('error', onEarlyError)).catch((error: unknown) => {
      if (error instanceof Problem) {
        const { status, code, message, retryAfterSeconds = 1 } = error;
        refuseUpgrade(socket, { status, code, detail: message, ...(status >= 429 ? { retryAfterSeconds } : {}) });
        return;
      }
      if (error instanceof KeysUnavailableError) {
        refuseUpgrade(socket, { status: 503, code: error.code, detail: error.message, retryAfterSeconds: 1 });
        return;
      }
      this.options.logger.error({ err: error }, 'an upgrade to the feed failed');
      refuseUpgrade(socket, { status: 500, code: 'internal_error', detail: 'The connection could not be opened.' });
    });
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, settle: () => void): Promise<void> {
    const { listeners, limits, addresses } = this.options;
    requireBudget(limits.consume({ address: addressKey(addresses.of(request)) }));
    listeners.requireRoom();
    const query = queryOf(request);
    const verdict = await this.#authorize(request, query);
    if (verdict.principal !== undefined) requireBudget(limits.consume({ user: verdict.principal.id }));
    if (socket.destroyed) return;
    listeners.requireRoom();
    this.#wss.handleUpgrade(request, socket, head, (ws) => {
      settle();
      ws.on('error', (error) => {
        this.options.logger.debug({ err: error }, 'a socket of the feed failed');
      });
      if (verdict.principal === undefined) ws.close(verdict.code, verdict.reason.slice(0, 120));
      else attach(ws, listeners, verdict.principal, query);
    });
  }

  async #authorize(request: IncomingMessage, { formId }: FeedQuery): Promise<Verdict> {
    const { authenticator, corsOrigins } = this.options;
    try {
      const principal = await authenticator.authenticate(credentialsFrom(request, corsOrigins));
      if (formId === undefined || can(principal, `form/${formId}`, 'read')) return { principal };
      return { principal: undefined, code: CLOSE.forbidden, reason: 'no right to this form' };
    } catch (error) {
      if (!(error instanceof AuthenticationError)) throw error;
      return { principal: undefined, code: CLOSE.unauthenticated, reason: error.message };
    }
  }
}

type Verdict =
  { readonly principal: Principal } | { readonly principal: undefined; readonly code: number; readonly reason: string };

function attach(ws: WebSocket, listeners: FeedListeners, principal: Principal, query: FeedQuery): void {
  let isAlive = true;
  const sink: FeedSink = {
    send: async (events) => {
      for (const event of events) {
        if (ws.readyState !== WebSocket.OPEN) return;
        // ws calls back when the bytes left the process, or the socket is gone.
        const sent = new Promise<void>((resolve) => ws.send(JSON.stringify(event), () => resolve()));
        if (ws.bufferedAmount >= BUFFER_BYTES) await sent;
      }
    },
    beat: () => {
      if (!isAlive) ws.terminate();
      isAlive = false;
      if (ws.readyState === WebSocket.OPEN) ws.ping();
    },
    end: (code, reason) => {
      ws.close(code, reason);
      // Who does not answer the close must not hold up the end of the server.
      setTimeout(() => ws.terminate(), CLOSE_MS).unref();
    },
  };
  ws.on('pong', () => (isAlive = true));
  const leave = listeners.add(principal, query, sink);
  ws.once('close', leave);
}

/** @throws Problem `validation_failed` */
function queryOf(request: IncomingMessage): FeedQuery {
  const { url = '' } = request;
  const start = url.indexOf('?');
  const params = Object.fromEntries(new URLSearchParams(start === -1 ? '' : url.slice(start + 1)));
  const after = request.headers['last-event-id'] ?? params['after'];
  return parse(feedQuery, { ...params, after }, 'querystring');
}

/** @throws Problem `rate_limited` */
function requireBudget(verdict: ReturnType<RateLimits['consume']>): void {
  if (verdict.isAllowed) return;
  throw new Problem('rate_limited', `The budget of this ${verdict.limitedBy ?? 'caller'} is spent.`, {
    retryAfterSeconds: verdict.retryAfterMs / 1_000,
  });
}
