/** One attempt: a POST that follows no redirect, is over after 15 seconds and reads no more than the status. */
import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { lookupPublic, requirePublicHost } from './public-targets.js';

export type Outcome =
  | { readonly status: number; readonly retryAfterMs: number | undefined }
  /** A code of Node or ours (`target_refused`, `timeout`), never the text of a library. */
  | { readonly status: undefined; readonly error: string };

const TIMEOUT_MS = 15_000;
const LATE = 'late';
/** Of an answer that nobody reads; a longer one costs its connection. */
const MAX_ANSWER_BYTES = 64 * 1024;
const SOCKETS_PER_HOST = 16;

export class WebhookSender {
  readonly #http = new HttpAgent({ keepAlive: true, maxSockets: SOCKETS_PER_HOST });
  readonly #https = new HttpsAgent({ keepAlive: true, maxSockets: SOCKETS_PER_HOST });

  constructor(private readonly options: { readonly allowPrivateTargets: boolean; readonly timeoutMs?: number }) {}

  /** Never rejects. */
  async post(
    target: string,
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<Outcome> {
    // Not `AbortSignal.any` of a timeout: Node 20 may collect it as garbage before it fires (nodejs/node#54614).
    const attempt = new AbortController();
    const cancel = (): void => attempt.abort();
    const timer = setTimeout(() => attempt.abort(LATE), this.options.timeoutMs ?? TIMEOUT_MS);
    signal.addEventListener('abort', cancel);
    if (signal.aborted) cancel();
    try {
      const response = await this.#send(new URL(target), headers, body, attempt.signal);
      // An answer that never ends would keep its connection, and after some of them nobody reaches the host any more.
      if (response.closed) clearTimeout(timer);
      else response.once('close', () => clearTimeout(timer));
      return { status: response.statusCode ?? 0, retryAfterMs: retryAfterOf(response) };
    } catch (error) {
      clearTimeout(timer);
      return { status: undefined, error: attempt.signal.reason === LATE ? 'timeout' : codeOf(error) };
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }

  #send(
    url: URL,
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const { allowPrivateTargets } = this.options;
    if (!allowPrivateTargets) requirePublicHost(url);
    const isTls = url.protocol === 'https:';
    const options = {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(body)),
        'user-agent': 'Formloom-Webhooks',
        ...headers,
      },
      signal,
      ...(allowPrivateTargets ? {} : { lookup: lookupPublic }),
    };
    return new Promise((answer, reject) => {
      const request: ClientRequest = isTls
        ? httpsRequest(url, { ...options, agent: this.#https })
        : httpRequest(url, { ...options, agent: this.#http });
      request.on('error', reject);
      // A request that still waits for a connection tells of its end only when it gets one (Node's agent).
      const onAbort = (): void => reject(new Error('aborted'));
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      request.on('response', (response) => {
        readOut(response);
        answer(response);
      });
      request.end(body);
    });
  }
}

/** So that its connection can be used again. */
function readOut(response: IncomingMessage): void {
  let bytes = 0;
  response.on('error', () => response.destroy());
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) response.destroy();
  });
}

/** Seconds or an HTTP date (RFC 9110, 10.2.3). */
function retryAfterOf(response: IncomingMessage): number | undefined {
  const text = response.headers['retry-after'];
  if (text === undefined) return undefined;
  const ms = /^[0-9]+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}

function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'failed';
}
