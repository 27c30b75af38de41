import { z } from 'zod';
import { timeOf, timeSchema } from '../http/pages.js';
import type { Operation } from './operations.js';

export const operationParams = z.object({ id: z.string().max(100) });
export const operationSchema = z.object({
  id: z.string(),
  kind: z.string(),
  state: z.enum(['running', 'done', 'failed']),
  progress: z.number().min(0).max(1),
  result: z.unknown().optional().describe('When it is done.'),
  error: z.string().optional().describe('When it failed.'),
  createdAt: timeSchema,
  updatedAt: timeSchema,
});

export function shownOperation(operation: Operation): z.infer<typeof operationSchema> {
  const { id, kind, state, progress, result, error, createdAt, updatedAt } = operation;
  return {
    ...{ id, kind, state, progress, createdAt: timeOf(createdAt), updatedAt: timeOf(updatedAt) },
    ...(result === undefined ? {} : { result }),
    ...(error === undefined ? {} : { error }),
  };
}
