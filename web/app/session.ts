/** Who uses the app, and the server that it came from. */
import { connect, type Server, type ServerOptions } from '../../client/index.js';
import { browserStorage, tabStorage } from './storage.js';

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
if (givenToken !== null) tabStorage.set(TOKEN, givenToken);
const givenName = takeParameter('user');
if (givenName !== null && NAME_PATTERN.test(givenName)) browserStorage.set(NAME, givenName);

/** Undefined where the server asks for none. */
export const token = tabStorage.get(TOKEN);

/** Of this browser; counts where the server asks for no token. */
export function ownName(): string {
  const known = browserStorage.get(NAME);
  if (known !== undefined) return known;
  const name = `Guest ${Math.floor(100 + Math.random() * 900)}`;
  browserStorage.set(NAME, name);
  return name;
}

/** As the server knows this user: the subject of the token, or the name that was chosen. */
export function ownId(): string {
  const claims = token === undefined ? undefined : claimsOf(token);
  return typeof claims?.['sub'] === 'string' ? claims['sub'] : ownName();
}

/** What a token says of its bearer; only the server can tell whether it is true. */
function claimsOf(jwt: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const payload = (jwt.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims === 'object' && claims !== null ? (claims as Record<string, unknown>) : undefined;
  } catch {
    // Some other kind of token.
    return undefined;
  }
}

/** @returns false when the name cannot be used */
export function rename(name: string): boolean {
  if (!NAME_PATTERN.test(name.trim())) return false;
  browserStorage.set(NAME, name.trim());
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
