/**
 * Where a request carries its token: `Authorization: Bearer`, `?token=` (what `y-websocket` can send), or the cookie of
 * the web app. The cookie counts only when no other site can have sent the request: browsers attach it by themselves.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Credentials } from './authenticator.js';

/** What is read of a request; Node's `IncomingMessage` is one. */
export interface RequestHead {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

export const TOKEN_COOKIE = 'formloom_token';

export function credentialsFrom(request: RequestHead, corsOrigins: readonly string[]): Credentials {
  const params = queryOf(request.url);
  const token = bearer(request.headers.authorization) ?? given(params?.get('token')) ?? cookie(request, corsOrigins);
  const userHint = given(params?.get('user')) ?? given(header(request.headers['x-user']));
  return { ...(token !== undefined && { token }), ...(userHint !== undefined && { userHint }) };
}

/**
 * True when the page that sent the request may: it comes from the same host or from CORS_ORIGINS. True as well without
 * an `Origin`, as programs send none; for browsers see `isFromOwnSite`.
 */
export function isAllowedOrigin(headers: IncomingHttpHeaders, corsOrigins: readonly string[]): boolean {
  const { origin, host } = headers;
  if (origin === undefined) return true;
  if (corsOrigins.includes('*') || corsOrigins.includes(origin)) return true;
  // Not the scheme: behind a proxy that ends TLS, ours is http.
  return host !== undefined && URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}

/** Replaces the values of tokens, so that the URL may stand in a log. */
export function redactUrl(url: string): string {
  return url.replace(/([?&](?:[a-z_-]*token|key|secret|password)=)[^&#]*/gi, '$1[redacted]');
}

/** Browsers leave `Origin` out of same-origin GETs only; `*` in CORS_ORIGINS does not open the cookie to every site. */
function isFromOwnSite(request: RequestHead, corsOrigins: readonly string[]): boolean {
  const { headers, method = 'GET' } = request;
  const named = corsOrigins.filter((origin) => origin !== '*');
  if (headers.origin !== undefined) return isAllowedOrigin(headers, named);
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' || (site === 'none' && isSafe(method));
  return isSafe(method);
}

function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** Undefined where there is none. */
function queryOf(url: string | undefined): URLSearchParams | undefined {
  const start = url?.indexOf('?') ?? -1;
  return start === -1 ? undefined : new URLSearchParams(url?.slice(start + 1));
}

function bearer(authorization: string | undefined): string | undefined {
  return authorization === undefined ? undefined : given(/^bearer +(\S+) *$/i.exec(authorization)?.[1]);
}

function cookie(request: RequestHead, corsOrigins: readonly string[]): string | undefined {
  const { headers } = request;
  if (headers.cookie === undefined || !isFromOwnSite(request, corsOrigins)) return undefined;
  for (const pair of headers.cookie.split(';')) {
    const equals = pair.indexOf('=');
    if (pair.slice(0, equals).trim() === TOKEN_COOKIE)
      return given(
        pair
          .slice(equals + 1)
          .trim()
          .replace(/^"(.*)"$/, '$1'),
      );
  }
  return undefined;
}

function header(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function given(text: string | null | undefined): string | undefined {
  return text === null || text === undefined || text === '' ? undefined : text;
}
