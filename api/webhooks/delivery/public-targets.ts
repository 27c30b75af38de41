/**
 * Which addresses this server may be made to call (OWASP: server-side request forgery). A name is judged by the
 * addresses it resolves to, at the moment of connecting: a name that changes its mind in between gains nothing.
 */
import { lookup as resolve, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** IANA special-purpose registries: everything that is not globally reachable. */
const REFUSED_V4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const;
/** Global unicast, without what wraps an IPv4 address (Teredo, 6to4) or is for documentation. */
const ALLOWED_V6 = ['2000::', 3] as const;
const REFUSED_V6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const;

const refused = new BlockList();
for (const [net, prefix] of REFUSED_V4) refused.addSubnet(net, prefix, 'ipv4');
for (const [net, prefix] of REFUSED_V6) refused.addSubnet(net, prefix, 'ipv6');
const globalV6 = new BlockList();
globalV6.addSubnet(...ALLOWED_V6, 'ipv6');

export class RefusedTargetError extends Error {
  readonly code = 'target_refused';
  constructor(host: string) {
    super(`${host} is not a public address.`);
    this.name = 'RefusedTargetError';
  }
}

/** @param address IPv4 or IPv6 as text */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !refused.check(address, 'ipv4');
    case 6:
      return globalV6.check(address, 'ipv6') && !refused.check(address, 'ipv6');
    default:
      return false;
  }
}

/**
 * Before connecting: an address in the URL itself is never looked up.
 * @throws RefusedTargetError
 */
export function requirePublicHost(url: URL): void {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (isIP(host) !== 0 && !isPublicAddress(host)) throw new RefusedTargetError(host);
}

/** For `net.connect`: refuses a name when any of its addresses is not public. */
export const lookupPublic: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, addresses) => {
    const [first] = (addresses as LookupAddress[] | undefined) ?? [];
    if (error !== null || first === undefined) {
      callback(error ?? new RefusedTargetError(hostname), '', 0);
    } else if (!addresses.every(({ address }) => isPublicAddress(address))) {
      callback(new RefusedTargetError(hostname), '', 0);
    } else if (options.all === true) {
      callback(null, addresses);
    } else {
      callback(null, first.address, first.family);
    }
  });
};

/** Whether the name resolves to an address that is refused. Names that do not resolve now may do so later. */
export async function resolvesToPrivate(url: URL): Promise<boolean> {
  return new Promise((answer) => {
    resolve(url.hostname.replace(/^\[(.*)\]$/, '$1'), { all: true }, (error, addresses) => {
      answer(error === null && !addresses.every(({ address }) => isPublicAddress(address)));
    });
  });
}
