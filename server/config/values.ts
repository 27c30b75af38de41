/**
 * How the text of a variable becomes a value. Each issue is the rest of a sentence that begins with the variable's
 * name: "must be an integer from 0 to 65535". No message holds the text itself: it may be a secret.
 */
import { BlockList, isIP } from 'node:net';
import { z } from 'zod';
import { algorithmsOf, importPublicKey } from '../auth/public-key.js';
import type { TrafficRule } from '../limits/traffic/traffic-limits.js';
import { parseSize } from './size.js';
import { parseTrafficRule, TRAFFIC_RULE_PROBLEM } from './traffic-rule.js';

/** One key of the ring that encrypts at rest. */
export interface EncryptionKey {
  readonly id: string;
  /** 32 bytes, for AES-256-GCM. */
  readonly key: Uint8Array;
}

type Parsed<T> = { readonly value: T } | { readonly problem: string };

function text<T>(parse: (text: string) => Parsed<T>): z.ZodType<T, string> {
  return z.string().transform((given, context) => {
    const parsed = parse(given.trim());
    if ('value' in parsed) return parsed.value;
    context.addIssue({ code: 'custom', message: parsed.problem });
    return z.NEVER;
  });
}

export function integer(min: number, max: number): z.ZodType<number, string> {
  return text((given) => {
    const value = Number(given);
    return /^[+-]?\d+$/.test(given) && value >= min && value <= max
      ? { value }
      : { problem: `must be an integer from ${min} to ${max}` };
  });
}

export function size(minBytes: number, maxBytes: number): z.ZodType<number, string> {
  return text((given) => {
    const value = parseSize(given);
    return value !== undefined && value >= minBytes && value <= maxBytes
      ? { value }
      : { problem: `must be a size from ${minBytes} to ${maxBytes} bytes, like 8388608 or "8 MiB"` };
  });
}

export function trafficRule(defaults: TrafficRule): z.ZodType<TrafficRule, string> {
  return text((given) => {
    const value = parseTrafficRule(given, defaults);
    return value === undefined ? { problem: TRAFFIC_RULE_PROBLEM } : { value };
  });
}

export function choice<const T extends string>(options: readonly T[]): z.ZodType<T, string> {
  return text((given) => {
    const value = options.find((option) => option === given.toLowerCase());
    return value === undefined ? { problem: `must be one of ${options.join(', ')}` } : { value };
  });
}

export const toggle: z.ZodType<boolean, string> = text((given) => {
  const lower = given.toLowerCase();
  if (['true', '1', 'yes', 'on'].includes(lower)) return { value: true };
  if (['false', '0', 'no', 'off'].includes(lower)) return { value: false };
  return { problem: 'must be true or false' };
});

/** An address or a name to listen on. */
export const host: z.ZodType<string, string> = text((given) => {
  const value = given.replace(/^\[(.*)\]$/, '$1');
  const isName = /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(value);
  return isIP(value) !== 0 || isName ? { value } : { problem: 'must be an IP address or a host name' };
});

export const folder: z.ZodType<string, string> = text((given) =>
  given === '' || given.includes('\0') ? { problem: 'must be the path of a folder' } : { value: given },
);

export function url(
  protocols: readonly string[],
  example: string,
  options: { /** Where they go instead. */ readonly credentialsIn?: string } = {},
): z.ZodType<string, string> {
  return text((given) => {
    const isGood = URL.canParse(given) && protocols.includes(new URL(given).protocol) && new URL(given).host !== '';
    if (!isGood) return { problem: `must be a URL like ${example}` };
    const { username, password } = new URL(given);
    if (options.credentialsIn === undefined || username + password === '') return { value: given };
    return { problem: `must be a URL without credentials: they go into ${options.credentialsIn}` };
  });
}

/** `host:port` items, or URLs where the item may carry credentials. */
export function endpoints(options: { readonly mayBeUrls: boolean }): z.ZodType<readonly string[], string> {
  return list((item) => {
    if (options.mayBeUrls && item.includes('://')) {
      return URL.canParse(item) && /^rediss?:$/.test(new URL(item).protocol);
    }
    const match = /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/.exec(item);
    return match !== null && (match[1] === undefined || Number(match[1]) <= 65_535);
  }, 'must be a comma-separated list of host:port');
}

/** Web origins (`https://forms.example.org`), or `*` for any. */
export const origins: z.ZodType<readonly string[], string> = list(
  // A star within a name would match nothing: it is refused rather than taken for a pattern.
  (item) => item === '*' || (/^https?:[^*]+$/.test(item) && URL.canParse(item) && new URL(item).origin === item),
  'must be a comma-separated list of origins like https://forms.example.org (no path, no final slash), or *',
);

/** IP addresses and CIDR ranges. */
export const networks: z.ZodType<readonly string[], string> = list(
  isNetwork,
  'must be a comma-separated list of IP addresses or ranges like 10.0.0.0/8',
);

/** Names of HTTP headers (RFC 9110, 5.6.2), in lower case. */
export const headerNames: z.ZodType<readonly string[], string> = list(
  (item) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(item),
  'must be a comma-separated list of names of headers like CF-IPCountry',
).transform((names) => names.map((name) => name.toLowerCase()));

function isNetwork(item: string): boolean {
  const [address = '', prefix, ...rest] = item.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  if (prefix === undefined) return true;
  if (!/^\d{1,3}$/.test(prefix)) return false;
  try {
    new BlockList().addSubnet(address, Number(prefix), version === 6 ? 'ipv6' : 'ipv4');
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function list(isItem: (item: string) => boolean, problem: string): z.ZodType<readonly string[], string> {
  return text((given) => {
    const value = given.split(',').map((item) => item.trim());
    return value.every(isItem) ? { value } : { problem };
  });
}

/** Pairs as OpenTelemetry writes them: `name=value`, values percent-encoded. */
export const headers: z.ZodType<Readonly<Record<string, string>>, string> = text((given) => {
  const pairs = given.split(',').map((item) => /^\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=([\x20-\x7e]*)$/.exec(item));
  const problem = 'must be a comma-separated list of name=value';
  try {
    const value = Object.fromEntries(
      pairs.map((pair) => [pair?.[1] ?? '', decodeURIComponent(pair?.[2] ?? '').trim()]),
    );
    return pairs.includes(null) ? { problem } : { value };
  } catch (error) {
    if (error instanceof URIError) return { problem };
    throw error;
  }
});

/** Printable text of at most 100 characters. */
export const label: z.ZodType<string, string> = text((given) =>
  /^[\x20-\x7e]{1,100}$/.test(given) ? { value: given } : { problem: 'must have 1 to 100 printable characters' },
);

/** A share of one. */
export const share: z.ZodType<number, string> = text((given) =>
  /^(0|1|0?\.\d+|1\.0+|0\.\d+)$/.test(given) ? { value: Number(given) } : { problem: 'must be a number from 0 to 1' },
);

/** Text of at least so many bytes. */
export function secret(minBytes: number): z.ZodType<string, string> {
  return text((given) =>
    Buffer.byteLength(given) >= minBytes ? { value: given } : { problem: `must have at least ${minBytes} bytes` },
  );
}

/** PEM (SPKI or certificate) with real or escaped line ends, or a JWK as JSON. */
export const publicKey: z.ZodType<string, string> = text((given) => {
  const value = given.replaceAll('\\n', '\n');
  if (value.includes('PRIVATE KEY') || (value.startsWith('{') && /"d"\s*:/.test(value))) {
    return { problem: 'holds a private key; give the public one' };
  }
  try {
    const isOfUse = algorithmsOf(importPublicKey(value)).length > 0;
    return isOfUse
      ? { value }
      : { problem: 'must be RSA of at least 2048 bits, EC on P-256, P-384 or P-521, or Ed25519' };
  } catch {
    // Why exactly is OpenSSL's business, and its message may quote the key.
    return { problem: 'must be a public key as PEM (line ends may be written \\n) or as JWK' };
  }
});

const KEY_BYTES = 32;

/** `id:base64,id:base64`: the first encrypts, all decrypt. */
export const encryptionKeys: z.ZodType<readonly EncryptionKey[], string> = text((given) => {
  const keys: EncryptionKey[] = [];
  for (const [index, item] of given.split(',').entries()) {
    const which = `entry ${index + 1}`;
    const match = /^([A-Za-z0-9_-]{1,64}):([A-Za-z0-9+/_-]+={0,2})$/.exec(item.trim());
    const [, id, encoded] = match ?? [];
    if (id === undefined || encoded === undefined) return { problem: `${which} must look like id:base64` };
    const key = Buffer.from(encoded, 'base64');
    if (key.length !== KEY_BYTES) {
      return { problem: `${which} ("${id}") must hold ${KEY_BYTES} bytes in base64, it holds ${key.length}` };
    }
    if (keys.some((other) => other.id === id)) return { problem: `the id "${id}" stands there twice` };
    keys.push({ id, key });
  }
  return { value: keys };
});
