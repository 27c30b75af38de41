/**
 * Whose request is it? `X-Forwarded-For` is what anybody can write, so it is read from its end (the hop next to us)
 * and only as long as the hop that wrote it is in TRUSTED_PROXIES. `Forwarded` (RFC 7239) is not read: a proxy that
 * sets the one passes the other through as the client sent it.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP } from 'node:net';

export interface AddressedRequest {
  readonly headers: IncomingHttpHeaders;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

const MAX_HOPS = 32;
const UNKNOWN = 'unknown';

export class ClientAddresses {
  readonly #trusted = new BlockList();
  readonly #hasTrusted: boolean;

  /** @param trustedProxies IP addresses and CIDR ranges; throws a TypeError or RangeError for anything else. */
  constructor(trustedProxies: readonly string[]) {
    this.#hasTrusted = trustedProxies.length > 0;
    for (const range of trustedProxies) {
      const [address = '', prefix] = range.split('/');
      const family = familyOf(address);
      if (family === undefined) throw new TypeError(`"${range}" is no address and no range`);
      if (prefix === undefined) this.#trusted.addAddress(address, family);
      else this.#trusted.addSubnet(address, Number(prefix), family);
    }
  }

  /** The nearest address that is not a trusted proxy; never longer than an address. */
  of(request: AddressedRequest): string {
    let address = normalized(request.socket.remoteAddress ?? '');
    if (address === undefined) return UNKNOWN;
    // Without proxies, the usual case, nothing more is read.
    if (!this.#hasTrusted) return address;
    const hops = forwardedFor(request.headers).slice(-MAX_HOPS);
    while (this.isTrusted(address)) {
      const next = normalized(hops.pop() ?? '');
      if (next === undefined) break;
      address = next;
    }
    return address;
  }

  /** True when the request comes straight from a trusted proxy, so that headers only such a proxy sets may be read. */
  isThroughProxy(request: AddressedRequest): boolean {
    return this.isTrusted(normalized(request.socket.remoteAddress ?? '') ?? '');
  }

  isTrusted(address: string): boolean {
    if (!this.#hasTrusted) return false;
    const family = familyOf(address);
    return family !== undefined && this.#trusted.check(address, family);
  }
}

/** What budgets are kept by: an IPv6 customer has a /64 to choose addresses from. */
export function addressKey(address: string): string {
  if (!address.includes(':') || isIP(address) !== 6) return address;
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? [];
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  // An IPv4 tail stands for two groups.
  const groups = before.length + after.length + (address.includes('.') ? 1 : 0);
  const zeros = tail === undefined ? 0 : 8 - groups;
  const full = [...before, ...Array.from({ length: zeros }, () => '0'), ...after];
  return `${full
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':')}::/64`;
}

function forwardedFor(headers: IncomingHttpHeaders): string[] {
  const value = headers['x-forwarded-for'];
  return [value ?? []]
    .flat()
    .flatMap((line) => line.split(','))
    .map((hop) => hop.trim());
}

/** Without brackets, port or zone, IPv4 out of its IPv6 clothes; undefined when it is no address. */
function normalized(text: string): string | undefined {
  // What a socket says, mostly.
  if (isIP(text) === 4) return text;
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text)?.[1] ?? text;
  const address = bare.replace(/%.*$/, '');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined && isIP(mapped) === 4) return mapped;
  return isIP(address) === 0 ? undefined : address;
}

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  const version = isIP(address);
  if (version === 0) return undefined;
  return version === 4 ? 'ipv4' : 'ipv6';
}
