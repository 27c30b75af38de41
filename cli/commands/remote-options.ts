import { InvalidArgumentError, Option, type Command } from 'commander';
import type { ApiTarget } from '../api-client.js';

export interface RemoteOptions {
  readonly url: string;
  readonly token?: string;
}

/** `--url` and `--token`, for commands that talk to a running server. */
export function withRemoteOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--url <url>', 'where the server is')
        .env('FORMLOOM_URL')
        .default('http://127.0.0.1:1234')
        .argParser(serverUrl),
    )
    .addOption(
      new Option('--token <token>', 'a token, or the ADMIN_TOKEN; none is needed with AUTH=off').env('FORMLOOM_TOKEN'),
    );
}

export const targetOf = ({ url, token }: RemoteOptions): ApiTarget => ({ url, token });

function serverUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new InvalidArgumentError('It must be a URL like http://127.0.0.1:1234.');
}
