import { z } from 'zod';

export const keysSchema = z.object({
  current: z.string().nullable().describe('Id of the key that encrypts; null when ENCRYPTION_KEYS is not set.'),
  keys: z.array(
    z.object({
      id: z.string(),
      isCurrent: z.boolean(),
      isHeld: z.boolean().describe('False: it has encrypted something here, and is missing from ENCRYPTION_KEYS.'),
      isUsed: z
        .boolean()
        .describe('False: nothing here needs it. A key that is neither used nor current may leave ENCRYPTION_KEYS.'),
    }),
  ),
});
