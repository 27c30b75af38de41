/** Requests to `/api/v1`, with the token, as typed as the caller says. */
import { readToken, type Token } from '../connection/token.js';

/** What the server answered instead: RFC 9457. Program against `code`; docs/rest.md lists them. */
export class RequestRefusedError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    /** When single values are wrong. */
    readonly errors: readonly { readonly path: string; readonly message: string }[],
  ) {
    super(detail);
    this.name = 'RequestRefusedError';
  }
}

export interface RequestOptions {
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Instead of the token of the connection. */
  readonly token?: string;
  /** The same key with the same request is carried out once. */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

export interface RestCaller {
  /**
   * @param path below `/api/v1`, its segments encoded
   * @returns the JSON of the answer; undefined where it has none
   * @throws RequestRefusedError for anything but 2xx; what `fetch` throws when there is no answer
   */
  request<T>(method: string, path: string, options?: RequestOptions): Promise<T>;
}

interface CallerOptions {
  readonly url: string;
  readonly token: Token | undefined;
  readonly user: string | undefined;
  readonly fetch: typeof globalThis.fetch | undefined;
}

export function restCaller({ url, token, user, fetch = globalThis.fetch }: CallerOptions): RestCaller {
  const base = `${url.replace(/^ws/, 'http').replace(/\/+$/, '')}/api/v1`;
  return {
    request: async <T>(method: string, path: string, options: RequestOptions = {}): Promise<T> => {
      const send = async (): Promise<Response> => {
        const bearer = options.token ?? (await readToken(token));
        const headers: Record<string, string> = { accept: 'application/json' };
        if (bearer !== undefined) headers['authorization'] = `Bearer ${bearer}`;
        if (user !== undefined) headers['x-user'] = user;
        if (options.idempotencyKey !== undefined) headers['idempotency-key'] = options.idempotencyKey;
        if (options.body !== undefined) headers['content-type'] = 'application/json';
        return fetch(`${base}${path}${queryOf(options.query)}`, {
          method,
          headers,
          ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
          ...(options.signal === undefined ? {} : { signal: options.signal }),
        });
      };
      let answer = await send();
      // The token may have expired since it was got.
      if (answer.status === 401 && typeof token === 'function' && options.token === undefined) answer = await send();
      const text = await answer.text();
      const isJson = answer.headers.get('content-type')?.includes('json') === true;
      const body: unknown = isJson && text !== '' ? JSON.parse(text) : undefined;
      if (!answer.ok) throw refusalOf(answer, body);
      return body as T;
    },
  };
}

function queryOf(query: RequestOptions['query'] = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value));
  return parameters.size === 0 ? '' : `?${parameters.toString()}`;
}

function refusalOf({ status, statusText }: Response, body: unknown): RequestRefusedError {
  const problem = (typeof body === 'object' && body !== null ? body : {}) as {
    code?: string;
    title?: string;
    detail?: string;
    errors?: { path: string; message: string }[];
  };
  const { code = 'unknown', title = statusText, detail = title, errors = [] } = problem;
  return new RequestRefusedError(status, code, detail, errors);
}
