import { crc32 } from 'node:zlib';

/** How many parts an ordered index is split into, so that one big index spreads over the masters of a Cluster. */
export const INDEX_PARTS = 16;

const DEFAULT_NAMESPACE = 'formloom';

export interface DocumentKeys {
  readonly log: string;
  readonly snapshot: string;
  readonly meta: string;
  /** Sharded Pub/Sub channel of wake-ups. */
  readonly wake: string;
}

export interface EventKeys {
  readonly log: string;
  readonly meta: string;
  readonly consumers: string;
}

export interface LeaseKeys {
  readonly lease: string;
  readonly fence: string;
}

/**
 * Names of everything in Redis: `<namespace>:{<family>:<escaped name>}:<part>`.
 *
 * The braces are the hash tag: all parts of one document, stream or duty live in one Cluster slot. User text is
 * escaped to `A-Za-z0-9_.~-`, `/` and `%`, so that it holds neither brace nor colon: it can't end or open a hash tag,
 * nor reach a key of another family or name.
 */
export class Keys {
  constructor(readonly namespace: string = DEFAULT_NAMESPACE) {
    if (!/^[A-Za-z0-9_.-]{1,64}$/.test(namespace)) {
      throw new TypeError('The Redis namespace is 1 to 64 of A-Z a-z 0-9 _ . -');
    }
  }

  document(name: string): DocumentKeys {
    const base = `${this.namespace}:{d:${escapeText(name)}}`;
    return { log: `${base}:log`, snapshot: `${base}:snapshot`, meta: `${base}:meta`, wake: `${base}:wake` };
  }

  events(stream: string): EventKeys {
    const base = `${this.namespace}:{e:${escapeText(stream)}}`;
    return { log: `${base}:log`, meta: `${base}:meta`, consumers: `${base}:consumers` };
  }

  /** A stream that is being written anew, in the same slot. */
  rewrittenEvents(stream: string, id: string): string {
    return `${this.namespace}:{e:${escapeText(stream)}}:rewrite:${id}`;
  }

  lease(duty: string): LeaseKeys {
    const base = `${this.namespace}:{l:${escapeText(duty)}}`;
    return { lease: `${base}:holder`, fence: `${base}:fence` };
  }

  /** Matches the Stream of every event stream. */
  get everyEventLog(): string {
    return `${this.namespace}:{e:*}:log`;
  }

  /** Matches the metadata of every document, also of erased ones. */
  get everyDocument(): string {
    return `${this.namespace}:{d:*}:meta`;
  }

  /** For trying out what this user may do. */
  get probe(): string {
    return `${this.namespace}:{probe}`;
  }

  /** Sharded Pub/Sub channel of the bus. */
  busChannel(channel: string): string {
    return `${this.namespace}:{b:${escapeText(channel)}}`;
  }

  /** Ordered set of document names. */
  documentIndex(part: number): string {
    return `${this.namespace}:{i:${part}}:documents`;
  }

  /** Ordered set of record keys. */
  recordIndex(part: number): string {
    return `${this.namespace}:{r:${part}}:index`;
  }

  /** Record keys by the time at which they expire. */
  recordExpiries(part: number): string {
    return `${this.namespace}:{r:${part}}:expiries`;
  }

  record(part: number, segments: readonly string[]): string {
    return `${this.namespace}:{r:${part}}:record:${segments.map(escapeSegment).join('/')}`;
  }
}

/** The part of an index that holds `text`. */
export function partOf(text: string): number {
  return crc32(Buffer.from(text, 'utf8')) % INDEX_PARTS;
}

function escapeText(text: string): string {
  return escapeBytes(text, /[^A-Za-z0-9_.~/-]/g);
}

function escapeSegment(text: string): string {
  return escapeBytes(text, /[^A-Za-z0-9_.~-]/g);
}

/** First byte of text that is not well-formed, which UTF-8 would fold together; no UTF-8 holds it. */
const ILL_FORMED = 0xfe;

/** UTF-8; for text that is not well-formed its UTF-16 units behind a mark, so that every text has bytes of its own. */
export function bytesOfText(text: string): Buffer {
  return text.isWellFormed()
    ? Buffer.from(text, 'utf8')
    : Buffer.concat([Buffer.of(ILL_FORMED), Buffer.from(text, 'utf16le')]);
}

export function textOfBytes(bytes: Buffer): string {
  return bytes[0] === ILL_FORMED ? bytes.toString('utf16le', 1) : bytes.toString('utf8');
}

/** The name within a key of a document or of a stream. */
export function nameInKey(key: string): string {
  const escaped = key.slice(key.indexOf('{') + 3, key.indexOf('}'));
  const latin1 = escaped.replace(/%([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return textOfBytes(Buffer.from(latin1, 'latin1'));
}

function escapeBytes(text: string, unsafe: RegExp): string {
  return bytesOfText(text)
    .toString('latin1')
    .replace(unsafe, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}
