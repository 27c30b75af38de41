/** `formloom token`: mints a token with the JWT_SECRET of this machine, or through a running server. */
import type { Command } from 'commander';
import { z } from 'zod';
import { ROLES } from '../../server/auth/index.js';
import { Mint } from '../../server/auth/minting.js';
import { callApi } from '../api-client.js';
import { CommandError, EXIT, type Output } from '../output.js';
import { withRemoteOptions, type RemoteOptions } from './remote-options.js';

const mintedSchema = z.object({ token: z.string(), jti: z.string(), expiresAt: z.string() });

interface TokenOptions extends RemoteOptions {
  readonly sub: string;
  readonly name?: string;
  readonly role: string;
  readonly document: string;
  readonly ttl: string;
  readonly secret?: string;
}

export function addTokenCommand(
  program: Command,
  output: () => Output,
  environment: Readonly<Record<string, string | undefined>>,
): void {
  const command = program
    .command('token')
    .description('mint an access token: with JWT_SECRET when it is set here, else through the server at --url');
  withRemoteOptions(command)
    .requiredOption('--sub <id>', 'whose token it is')
    .option('--name <text>', 'the name that others see')
    .option('--role <role>', ROLES.join(', '), 'editor')
    .option('--document <name>', 'a document, or a prefix ending in *', '*')
    .option('--ttl <seconds>', 'how long it lives', '86400')
    .action(async (options: TokenOptions) => {
      const role = z.enum(ROLES).safeParse(options.role);
      if (!role.success) throw new CommandError(`--role: one of ${ROLES.join(', ')}`, EXIT.usage);
      const ttlSeconds = Number(options.ttl);
      if (!Number.isInteger(ttlSeconds) || ttlSeconds < 1) {
        throw new CommandError('--ttl: a whole number of seconds, at least 1', EXIT.usage);
      }
      const request = {
        sub: options.sub,
        ...(options.name === undefined ? {} : { name: options.name }),
        grants: [{ document: options.document, role: role.data }],
        ttlSeconds,
      };
      const secret = environment['JWT_SECRET'];
      const minted =
        secret !== undefined && secret !== ''
          ? await new Mint(secret, Date.now).mint(request, undefined)
          : mintedSchema.parse(
              await (
                await callApi(
                  { url: options.url, token: options.token },
                  { method: 'POST', path: '/tokens', body: request },
                )
              ).json(),
            );
      output().result(minted, [minted.token]);
    });
}
