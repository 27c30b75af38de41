/** Waiting for long work of the server. */
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { callApi, type ApiTarget } from '../api-client.js';
import { CommandError, type Output } from '../output.js';

const operationSchema = z.object({
  id: z.string(),
  state: z.enum(['running', 'done', 'failed']),
  progress: z.number(),
  result: z.unknown().optional(),
  error: z.string().optional(),
});
const POLL_MS = 200;

/**
 * Polls the operation of a 202 until it has ended, and tells each tenth of its way.
 * @throws CommandError when it failed
 */
export async function ended(
  target: ApiTarget,
  started: Response,
  what: string,
  output: Output,
): Promise<{ readonly id: string; readonly result?: unknown }> {
  let operation = operationSchema.parse(await started.json());
  let told = 0;
  while (operation.state === 'running') {
    await pause(POLL_MS);
    const answer = await callApi(target, { method: 'GET', path: `/operations/${operation.id}` });
    operation = operationSchema.parse(await answer.json());
    const tenths = Math.floor(operation.progress * 10);
    if (tenths > told && operation.state === 'running') output.note(`${what}: ${tenths * 10} %`);
    told = tenths;
  }
  if (operation.state === 'failed') throw new CommandError(`${what} failed: ${operation.error ?? ''}`);
  return operation;
}
