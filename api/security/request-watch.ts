/** Refused requests as security events: who tries tokens, rights, ids and limits. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ClientAddresses } from '../../server/limits/index.js';
import { ScanDetector, type SecurityType, type SecurityWatch } from '../../server/system-events/index.js';

export interface RequestWatchOptions {
  readonly watch: SecurityWatch;
  readonly addresses: ClientAddresses;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
}

const READING = new Set(['GET', 'HEAD', 'OPTIONS']);

export function addRequestWatch(api: FastifyInstance, { watch, addresses, clock }: RequestWatchOptions): void {
  const scans = new ScanDetector(clock);
  api.addHook('onResponse', async (request, reply) => {
    const { statusCode } = reply;
    if (statusCode < 400 || statusCode >= 500) return;
    const address = addresses.of(request.raw);
    const userId = request.caller?.id;
    const facts = { address, userId };
    if (statusCode === 404) {
      const misses = scans.miss(`${address}\n${userId ?? ''}`);
      if (misses !== undefined) watch.report('enumeration', { ...facts, detail: `${misses} misses within a minute` });
      return;
    }
    const type = typeOf(statusCode, request);
    if (type !== undefined) watch.report(type, { ...facts, detail: routeOf(request) });
  });
}

function typeOf(status: number, request: FastifyRequest): SecurityType | undefined {
  switch (status) {
    case 401:
      // Who shows nothing tries nothing.
      return hasCredentials(request) ? 'authentication_failed' : undefined;
    case 403:
      return READING.has(request.method) ? 'access_denied' : 'forbidden_write';
    case 413:
      return 'oversized_frame';
    case 429:
      return 'rate_exceeded';
    default:
      return undefined;
  }
}

function hasCredentials(request: FastifyRequest): boolean {
  const { authorization, cookie } = request.headers;
  return authorization !== undefined || cookie !== undefined || /[?&]token=/.test(request.url);
}

/** The pattern, never the path: it may hold a secret. */
function routeOf(request: FastifyRequest): string {
  return `${request.method} ${request.routeOptions.url ?? 'unknown'}`;
}
