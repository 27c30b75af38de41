/**
 * Standard Webhooks (https://www.standardwebhooks.com), version 1, symmetric.
 *
 *   webhook-id          the same for every attempt, so that a receiver can tell repetitions
 *   webhook-timestamp   Unix seconds of the attempt
 *   webhook-signature   "v1," + base64(HMAC-SHA256(secret, `${id}.${timestamp}.${body}`)), one per secret, with spaces
 */
import { createHmac, randomBytes } from 'node:crypto';

const PREFIX = 'whsec_';
const SECRET_BYTES = 32;

export function newSecret(): string {
  return PREFIX + randomBytes(SECRET_BYTES).toString('base64');
}

/** @param at Unix time in milliseconds */
export function signedHeaders(
  id: string,
  at: number,
  body: string,
  secrets: readonly string[],
): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> {
  const timestamp = String(Math.floor(at / 1_000));
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': secrets.map((secret) => `v1,${sign(secret, `${id}.${timestamp}.${body}`)}`).join(' '),
  };
}

function sign(secret: string, content: string): string {
  return createHmac('sha256', Buffer.from(secret.slice(PREFIX.length), 'base64'))
    .update(content)
    .digest('base64');
}
