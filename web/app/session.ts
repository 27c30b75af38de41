/** Who uses the app, and the server that it came from. */
import { connect, type Server, type ServerOptions } from '../../client/index.js';

const TOKEN = 'formloom.token';
const NAME = 'formloom.name';
/** What a header can carry. */
const NAME_PATTERN = /^[\u0021-\u007e\u00a0-\u00ff][\u0020-\u007e\u00a0-\u00ff]{0,39}$/;

/** Parameters that are taken once: they do not stay in the address, where they would be shared with it. */
function takeParameter(name: string): string | null {
  const url = new URL(location.href);
  const value = url.searchParams.get(name);
  if (value === null) return null;
  url.searchParams.delete(name);
  history.replaceState(null, '', url);
  return value;
}

const givenToken = takeParameter('token');
if (givenToken !== null) sessionStorage.setItem(TOKEN, givenToken);
const givenName = takeParameter('user');
if (givenName !== null && NAME_PATTERN.test(givenName)) localStorage.setItem(NAME, givenName);

/** Undefined where the server asks for none. */
export const token = sessionStorage.getItem(TOKEN) ?? undefined;

/** Of this browser; counts where the server asks for no token. */
export function ownName(): string {
  const known = localStorage.getItem(NAME);
  if (known !== null) return known;
  const name = `Guest ${Math.floor(100 + Math.random() * 900)}`;
  localStorage.setItem(NAME, name);
  return name;
}

/** @returns false when the name cannot be used */
export function rename(name: string): boolean {
  if (!NAME_PATTERN.test(name.trim())) return false;
  localStorage.setItem(NAME, name.trim());
  return true;
}

export function serverOptions(): ServerOptions {
  const url = location.origin;
  return token === undefined ? { url, user: ownName() } : { url, token };
}

let opened: Server | undefined;
/** One for the page. */
export function server(): Server {
  opened ??= connect(serverOptions());
  return opened;
}
