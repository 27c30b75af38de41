/**
 * Requests per address and per user: 429 with `Retry-After`, and `RateLimit-*` on every answer.
 *
 * The address pays before anything else is done for the request, so that a flood of bad tokens costs next to nothing;
 * the user and its tenant pay as soon as it is known who that is.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { addressKey, type ClientAddresses, type RateLimits, type RateVerdict } from '../../server/limits/index.js';
import { Problem } from './problem.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** What the tightest budget of this request has left; undefined before any was asked. */
    rateVerdict: RateVerdict | undefined;
  }
}

/** On the outermost instance, before its routes and before `addCaller`. IPv6 addresses count by their /64. */
export function addAddressLimit(api: FastifyInstance, limits: RateLimits, addresses: ClientAddresses): void {
  api.decorateRequest('rateVerdict', undefined);
  api.addHook('onRequest', async (request, reply) => {
    settle(request, reply, limits.consume({ address: addressKey(addresses.of(request.raw)) }));
  });
}

/** After `addCaller`. */
export function addCallerLimit(api: FastifyInstance, limits: RateLimits): void {
  api.addHook('onRequest', async (request, reply) => {
    if (request.caller !== undefined)
      settle(request, reply, limits.consume({ user: request.caller.id, tenant: request.caller.tenant }));
  });
}

/** @throws Problem `rate_limited` */
function settle(request: FastifyRequest, reply: FastifyReply, verdict: RateVerdict): void {
  const earlier = request.rateVerdict;
  if (!verdict.isAllowed || earlier === undefined || verdict.remaining < earlier.remaining) {
    request.rateVerdict = verdict;
    if (Number.isFinite(verdict.limit)) {
      reply.headers({
        'ratelimit-limit': String(verdict.limit),
        'ratelimit-remaining': String(Math.max(0, Math.floor(verdict.remaining))),
        'ratelimit-reset': String(Math.ceil(verdict.resetSeconds)),
      });
    }
  }
  if (verdict.isAllowed) return;
  throw new Problem('rate_limited', `The budget of this ${verdict.limitedBy ?? 'caller'} is spent.`, {
    retryAfterSeconds: verdict.retryAfterMs / 1_000,
  });
}
