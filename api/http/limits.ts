/** Requests per user and address: 429 with `Retry-After`, and `RateLimit-*` on every answer. */
import type { FastifyInstance } from 'fastify';
import type { ClientAddresses, RateLimits } from '../../server/limits/index.js';
import { Problem } from './problem.js';

export function addRateLimits(api: FastifyInstance, limits: RateLimits, addresses: ClientAddresses): void {
  api.addHook('preHandler', async (request, reply) => {
    const verdict = limits.consume({ address: addresses.of(request.raw), user: request.caller?.id });
    if (Number.isFinite(verdict.limit)) {
      reply.headers({
        'ratelimit-limit': String(verdict.limit),
        'ratelimit-remaining': String(Math.max(0, Math.floor(verdict.remaining))),
        'ratelimit-reset': String(Math.ceil(verdict.resetSeconds)),
      });
    }
    if (verdict.isAllowed) return;
    throw new Problem('rate_limited', `The budget of this ${verdict.limitedBy ?? 'caller'} is spent.`, {
      retryAfterSeconds: verdict.retryAfterMs / 1_000,
    });
  });
}
