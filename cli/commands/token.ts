/** `formloom token`: mints a token with the JWT_SECRET of this machine, or through a running server. */
import type { Command } from 'commander';
import { z } from 'zod';
import { grantSchema, identityText } from '../../server/auth/claims.js';
import { ROLES } from '../../server/auth/principal.js';
import { MAX_TTL_SECONDS, Mint, type TokenRequest } from '../../server/auth/minting.js';
import { ConfigError, loadJwtSecret } from '../../server/config/index.js';
import { callApi } from '../api-client.js';
import { CommandError, EXIT, type Output } from '../output.js';
import { targetOf, withRemoteOptions, type RemoteOptions } from './remote-options.js';

const mintedSchema = z.object({ token: z.string(), jti: z.string(), expiresAt: z.string() });

interface TokenOptions extends RemoteOptions {
  readonly sub: string;
  readonly name?: string;
  readonly role: string;
  readonly document: string;
  readonly ttl: string;
}

export function addTokenCommand(
  program: Command,
  output: () => Output,
  environment: Readonly<Record<string, string | undefined>>,
): void {
  const command = program
    .command('token')
    .description(
      'mint an access token: with JWT_SECRET when it is set here or in .env, else through the server at --url',
    );
  withRemoteOptions(command)
    .requiredOption('--sub <id>', 'whose token it is')
    .option('--name <text>', 'the name that others see')
    .option('--role <role>', ROLES.join(', '), 'editor')
    .option('--document <name>', 'a document, or a prefix ending in *', '*')
    .option('--ttl <seconds>', 'how long it lives', '86400')
    .action(async (options: TokenOptions) => {
      const request = requestFrom(options);
      const secret = secretOf(environment);
      const minted =
        secret === undefined
          ? mintedSchema.parse(
              await (await callApi(targetOf(options), { method: 'POST', path: '/tokens', body: request })).json(),
            )
          : await new Mint(secret, Date.now).mint(request, undefined);
      output().result(minted, [minted.token]);
    });
}

/** @throws CommandError */
function requestFrom({ sub, name, role, document, ttl }: TokenOptions): TokenRequest {
  const ttlSeconds = Number(ttl);
  if (!/^\d+$/.test(ttl) || ttlSeconds < 1 || ttlSeconds > MAX_TTL_SECONDS) {
    throw new CommandError(`--ttl: a whole number of seconds from 1 to ${MAX_TTL_SECONDS} (10 years)`, EXIT.usage);
  }
  const identity = 'must have 1 to 128 printable characters';
  return {
    sub: valid('--sub', identityText, sub, identity),
    ...(name === undefined ? {} : { name: valid('--name', identityText, name, identity) }),
    grants: [
      {
        document: valid('--document', grantSchema.shape.document, document, 'must have 1 to 256 characters'),
        role: valid('--role', z.enum(ROLES), role, `must be one of ${ROLES.join(', ')}`),
      },
    ],
    ttlSeconds,
  };
}

function valid<T>(option: string, schema: z.ZodType<T>, value: string, rule: string): T {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new CommandError(`${option}: ${rule}`, EXIT.usage);
  return parsed.data;
}

/** From the environment or `.env`, as `serve` finds it. @throws CommandError */
function secretOf(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  try {
    return loadJwtSecret({ env: environment, envFile: '.env' });
  } catch (error) {
    if (error instanceof ConfigError) throw new CommandError('the configuration is wrong', EXIT.usage, error.problems);
    throw error;
  }
}
