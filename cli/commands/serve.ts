/** `formloom serve`. */
import type { Command } from 'commander';
import { ConfigError, describeConfig, loadConfig, weakSecrets, type Config } from '../../server/config/index.js';
import { createLogger } from '../../server/observability/logger.js';
import { StorageUnavailableError } from '../../server/storage/errors.js';
import { CommandError, EXIT, type Output } from '../output.js';
import { optimizeSooner } from '../tiering.js';

const FORCE_EXIT_MS = 15_000;

/** Every variable of the configuration is also a flag. */
export function withConfigOptions(command: Command): Command {
  for (const { name, description, default: fallback } of describeConfig()) {
    const flag = name.toLowerCase().replaceAll('_', '-');
    const suffix = fallback === undefined ? '' : ` (default: ${fallback})`;
    command.option(`--${flag} <value>`, `${description}${suffix}`);
  }
  return command;
}

/** @throws CommandError with a line for each wrong value. */
export function configFrom(
  flags: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string | undefined>>,
): Config {
  try {
    return loadConfig({ env: environment, flags, envFile: '.env' });
  } catch (error) {
    if (error instanceof ConfigError) throw new CommandError('the configuration is wrong', EXIT.usage, error.problems);
    throw error;
  }
}

export function addServeCommand(
  program: Command,
  output: () => Output,
  environment: Readonly<Record<string, string | undefined>>,
): void {
  withConfigOptions(program.command('serve').description('run the server')).action(
    async (flags: Readonly<Record<string, string>>) => serve(configFrom(flags, environment), output()),
  );
}

async function serve(config: Config, output: Output): Promise<void> {
  const logger = createLogger({ level: config.logLevel });
  for (const weakness of weakSecrets(config)) logger.warn(`${weakness}; accepted because only this machine is served`);
  // Here, so that the other commands need not load the whole server.
  const { startFormloom } = await import('../compose.js');
  const formloom = await startFormloom(config, logger).catch((error: unknown) => {
    throw startError(error, config);
  });
  // What runs once, at the start, is not worth it.
  optimizeSooner();
  const ws = formloom.url.replace(/^http/, 'ws');
  output.result({ url: formloom.url, websocket: ws, docs: `${formloom.url}/api/v1/docs`, auth: config.auth }, [
    `Formloom is ready: ${ws}/<document>  REST ${formloom.url}/api/v1  docs ${formloom.url}/api/v1/docs  (data in ${config.dataDir}, AUTH=${config.auth})`,
  ]);
  await new Promise<void>((resolve) => {
    const stop = (signal: string): void => {
      logger.info({ signal }, 'draining');
      const force = setTimeout(
        () => {
          logger.error('the drain did not end in time');
          process.exit(EXIT.failed);
        },
        config.drainSeconds * 1_000 + FORCE_EXIT_MS,
      );
      force.unref();
      const stopped = (): void => {
        logger.info('stopped; every edit that was confirmed is in the store');
        resolve();
      };
      formloom.close(config.drainSeconds).then(stopped, (error: unknown) => {
        logger.error({ err: error }, 'the drain failed');
        process.exitCode = EXIT.failed;
        resolve();
      });
    };
    process.once('SIGTERM', () => stop('SIGTERM'));
    process.once('SIGINT', () => stop('SIGINT'));
  });
}

function startError(error: unknown, config: Config): unknown {
  if (error instanceof StorageUnavailableError) return new CommandError(error.message);
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') {
    return new CommandError(
      `port ${config.port} on ${config.host} is in use. Set PORT to another one (0: any free one).`,
    );
  }
  if (code === 'EACCES') return new CommandError(`port ${config.port} may not be opened by this user.`);
  if (code === 'EADDRNOTAVAIL') return new CommandError(`HOST ${config.host} is not an address of this machine.`);
  return error;
}
