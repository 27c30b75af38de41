/** `formloom keys`: which keys a store needs, and giving up old ones. */
import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { z } from 'zod';
import { callApi } from '../api-client.js';
import { CommandError, EXIT, type Output } from '../output.js';
import { ended } from './operation.js';
import { targetOf, withRemoteOptions, type RemoteOptions } from './remote-options.js';

const keysSchema = z.object({
  current: z.string().nullable(),
  keys: z.array(z.object({ id: z.string(), isCurrent: z.boolean(), isHeld: z.boolean(), isUsed: z.boolean() })),
});
const resultSchema = z.object({
  key: z.string(),
  rewritten: z.object({ documents: z.number(), records: z.number(), events: z.number(), files: z.number() }),
  retired: z.array(z.string()),
  failed: z.array(z.object({ what: z.string(), reason: z.string() })),
});

export function addKeysCommands(program: Command, output: () => Output): void {
  const keys = program.command('keys').description('keys that encrypt at rest (ENCRYPTION_KEYS)');

  keys
    .command('new')
    .description('make a key, as ENCRYPTION_KEYS wants it; nothing is stored')
    .argument('[id]', 'a name for it', new Date().toISOString().slice(0, 10))
    .action((id: string) => {
      if (!/^[A-Za-z0-9_-]{1,64}$/.test(id)) throw new CommandError('an id is 1 to 64 of A-Z a-z 0-9 _ -', EXIT.usage);
      const key = `${id}:${randomBytes(32).toString('base64')}`;
      output().result({ id, key }, [key]);
    });

  withRemoteOptions(keys.command('status').description('which keys the store of the server at --url needs')).action(
    async (options: RemoteOptions) => {
      const answer = await callApi(targetOf(options), { method: 'GET', path: '/encryption/keys' });
      const status = keysSchema.parse(await answer.json());
      output().result(
        status,
        status.current === null && status.keys.length === 0
          ? ['Nothing is encrypted: ENCRYPTION_KEYS is not set.']
          : status.keys.map((key) => `${key.id}  ${shownKey(key)}`),
      );
    },
  );

  withRemoteOptions(
    keys
      .command('rotate')
      .description('encrypt with the first key of ENCRYPTION_KEYS all that other keys encrypted, and give these up')
      .addHelpText(
        'after',
        '\nThe server at --url does it while people edit. First every node must have the new key, in front of the others.\nAn interrupted rotation is begun again: what it had done is left. Archives of backups keep the key of their time.',
      ),
  ).action(async (options: RemoteOptions) => {
    const target = targetOf(options);
    const started = await callApi(target, { method: 'POST', path: '/encryption/rotation', body: {} });
    const result = resultSchema.parse((await ended(target, started, 'the rotation', output())).result);
    const { documents, records, events, files } = result.rewritten;
    output().result(result, [
      `Encrypted with "${result.key}": ${documents} documents, ${records} records, ${events} events, ${files} files.`,
      result.retired.length > 0
        ? `Nothing needs these keys any more, take them out of ENCRYPTION_KEYS: ${result.retired.join(', ')}.`
        : 'No key was given up.',
    ]);
    if (result.failed.length > 0) {
      const lines = result.failed.map(({ what, reason }) => `${what}: ${reason}`);
      throw new CommandError('not everything could be encrypted anew; old keys must stay', EXIT.failed, lines);
    }
  });
}

function shownKey({ isCurrent, isHeld, isUsed }: z.infer<typeof keysSchema>['keys'][number]): string {
  if (isCurrent) return 'encrypts';
  if (!isHeld) return 'needed, and MISSING from ENCRYPTION_KEYS';
  return isUsed ? 'needed until `formloom keys rotate`' : 'not needed: it may leave ENCRYPTION_KEYS';
}
