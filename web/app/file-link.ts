/** Addresses of what the server gives as a file: a link carries no headers, so the token stands in the address. */
import { token } from './session.js';

/** @param path below `/api/v1`, its segments encoded */
export function fileLink(path: string, query: Readonly<Record<string, string>> = {}): string {
  const url = new URL(`/api/v1${path}`, location.href);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  if (token !== undefined) url.searchParams.set('token', token);
  return url.href;
}
