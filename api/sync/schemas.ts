import { z } from 'zod';

export const streamQuery = z.looseObject({
  token: z.string().optional().describe('The access token, for an EventSource, which cannot send headers.'),
  sdk: z.literal('1').optional().catch(undefined).describe('Asks for messages of type 100.'),
});

export const postQuery = z.looseObject({
  connection: z.string().min(1).max(64).describe('From the event `open`.'),
  sequence: z.coerce
    .number()
    .int()
    .min(1)
    .max(Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('Counts the posts of a connection from 1. One that was taken before is not handled again.'),
});

export const postHeaders = z.looseObject({
  'x-connection-secret': z.string().max(64).describe('From the event `open`.'),
});
