/** `/encryption`: which keys the store needs, and giving up old ones. For administrators. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { KeyRotation } from '../../server/storage/encrypted/index.js';
import type { AuditLog } from '../audit/audit-log.js';
import { callerOf, requireAdmin } from '../http/caller.js';
import { Problem } from '../http/problem.js';
import type { Operations } from '../operations/operations.js';
import { operationSchema, shownOperation } from '../operations/schemas.js';
import * as schemas from './schemas.js';

const tags = ['operations'];
const KIND = 'key-rotation';

export interface EncryptionRoutesOptions {
  readonly rotation: KeyRotation;
  readonly operations: Operations;
  readonly audit: AuditLog;
}

export const encryptionRoutes: FastifyPluginAsyncZod<EncryptionRoutesOptions> = async (api, options) => {
  const { rotation, operations, audit } = options;
  api.addHook('preValidation', async (request) => requireAdmin(callerOf(request)));

  api.get(
    '/encryption/keys',
    {
      schema: {
        tags,
        summary: 'Keys of the ring and of the store, by their ids',
        response: { 200: schemas.keysSchema },
      },
    },
    async () => {
      const keys = await rotation.status();
      return { current: keys.find(({ isCurrent }) => isCurrent)?.id ?? null, keys: [...keys] };
    },
  );

  api.post(
    '/encryption/rotation',
    {
      schema: {
        tags,
        summary: 'Encrypt with the first key all that other keys encrypted, while it is being edited',
        response: { 202: operationSchema },
      },
    },
    async (request, reply) => {
      const current = (await rotation.status()).find(({ isCurrent }) => isCurrent);
      if (current === undefined)
        throw new Problem('conflict', 'ENCRYPTION_KEYS is not set: there is no key to rotate to.');
      if (operations.isRunning(KIND)) {
        throw new Problem('request_in_progress', 'A rotation is running already.', { retryAfterSeconds: 5 });
      }
      const operation = await operations.start(KIND, (onProgress) => rotation.run(onProgress));
      await audit.record(callerOf(request), 'encryption.rotation-started', { key: current.id });
      return reply.code(202).header('location', `/api/v1/operations/${operation.id}`).send(shownOperation(operation));
    },
  );
};
