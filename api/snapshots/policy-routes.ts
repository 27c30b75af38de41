/** `/snapshots/policy`: when the server takes snapshots by itself, and how many it keeps. For administrators. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import { snapshotPolicySchema, type SnapshotPolicies, type SnapshotTaker } from '../../server/snapshots/index.js';
import type { AuditLog } from '../audit/audit-log.js';
import { callerOf, requireAdmin } from '../http/caller.js';

const tags = ['snapshots'];
const path = '/snapshots/policy';

export interface SnapshotPolicyRoutesOptions {
  readonly policies: SnapshotPolicies;
  readonly taker: SnapshotTaker;
  readonly audit: AuditLog;
  readonly logger: Logger;
}

export const snapshotPolicyRoutes: FastifyPluginAsyncZod<SnapshotPolicyRoutesOptions> = async (api, options) => {
  const { policies, taker, audit, logger } = options;
  api.addHook('preValidation', async (request) => requireAdmin(callerOf(request)));

  api.get(
    path,
    { schema: { tags, summary: 'The policy for snapshots', response: { 200: snapshotPolicySchema } } },
    async () => policies.current,
  );

  api.put(
    path,
    {
      schema: {
        tags,
        summary: 'Set the policy for snapshots; what is left out gets its default',
        body: snapshotPolicySchema,
        response: { 200: snapshotPolicySchema },
      },
    },
    async (request) => {
      const isRetentionNew = JSON.stringify(policies.current.retention) !== JSON.stringify(request.body.retention);
      await policies.set(request.body);
      await audit.record(callerOf(request), 'snapshot.policy-set', request.body);
      if (isRetentionNew) {
        taker.thinAll().catch((error: unknown) => {
          logger.warn(
            { err: error },
            'the new retention of snapshots will be applied to each document at its next one',
          );
        });
      }
      return policies.current;
    },
  );
};
