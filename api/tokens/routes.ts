/** `/tokens`: mint and revoke access tokens. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { grantSchema, type Authenticator, type Grant } from '../../server/auth/index.js';
import type { AuditLog } from '../audit/audit-log.js';
import { callerOf, requireAdmin } from '../http/caller.js';
import { timeSchema } from '../http/pages.js';

const tags = ['tokens'];
const subject = z.string().min(1).max(256);

const requestSchema = z.strictObject({
  sub: subject.describe('Whose token it is.'),
  name: z.string().min(1).max(256).optional().describe('What others see.'),
  tenant: z.string().min(1).max(128).optional().describe('The organization whose budgets it shares.'),
  grants: z.array(grantSchema).min(1).max(1_000),
  ttlSeconds: z
    .int()
    .min(1)
    .max(10 * 366 * 86_400)
    .default(86_400),
});
const mintedSchema = z.object({ token: z.string(), jti: z.string(), expiresAt: timeSchema });
const revocationSchema = z.union([
  z.strictObject({ jti: z.string().min(1).max(256) }),
  z.strictObject({ sub: subject }),
]);

export interface TokenRoutesOptions {
  readonly authenticator: Authenticator;
  readonly audit: AuditLog;
}

export const tokenRoutes: FastifyPluginAsyncZod<TokenRoutesOptions> = async (api, { authenticator, audit }) => {
  api.post(
    '/tokens',
    { schema: { tags, summary: 'Mint an access token', body: requestSchema, response: { 201: mintedSchema } } },
    async (request, reply) => {
      const principal = callerOf(request);
      requireAdmin(principal);
      const { sub, name, tenant, grants, ttlSeconds } = request.body;
      const minted = await authenticator.mint({
        sub,
        ...(name === undefined ? {} : { name }),
        ...(tenant === undefined ? {} : { tenant }),
        grants: grants.map(asGrant),
        ttlSeconds,
      });
      await audit.record(principal, 'token.minted', { sub, jti: minted.jti, expiresAt: minted.expiresAt, grants });
      return reply.code(201).header('cache-control', 'no-store').send(minted);
    },
  );

  api.post(
    '/tokens/revoke',
    {
      schema: {
        tags,
        summary: 'Revoke one token, or all of a subject: every node and live socket knows within a second',
        body: revocationSchema,
        response: { 204: z.void() },
      },
    },
    async (request, reply) => {
      const principal = callerOf(request);
      requireAdmin(principal);
      await authenticator.revoke(request.body);
      await audit.record(principal, 'token.revoked', request.body);
      return reply.code(204).send();
    },
  );
};

function asGrant({ document, role, paths, languages }: z.infer<typeof grantSchema>): Grant {
  return {
    document,
    role,
    ...(paths === undefined ? {} : { paths }),
    ...(languages === undefined ? {} : { languages }),
  };
}
