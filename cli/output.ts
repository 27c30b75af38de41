/** What commands print: a person reads lines on a terminal, a program asks for `--json`. */

/** Exit codes of every command. */
export const EXIT = { ok: 0, failed: 1, usage: 2, unreachable: 3 } as const;

/** Ends a command with one clear line and an exit code. */
export class CommandError extends Error {
  constructor(
    message: string,
    readonly exitCode: number = EXIT.failed,
    /** More lines, when one is not enough (one per wrong configuration value). */
    readonly details: readonly string[] = [],
  ) {
    super(message);
    this.name = 'CommandError';
  }
}

export interface Output {
  readonly isJson: boolean;
  /** The command's result: as JSON with `--json`, else the lines. */
  result(json: unknown, lines: readonly string[]): void;
  /** Progress and warnings, on stderr, so that stdout stays the result. */
  note(line: string): void;
  error(error: CommandError): void;
}

export function createOutput(isJson: boolean): Output {
  return {
    isJson,
    result: (json, lines) => {
      process.stdout.write(isJson ? `${JSON.stringify(json)}\n` : lines.map((line) => `${line}\n`).join(''));
    },
    note: (line) => {
      process.stderr.write(`${line}\n`);
    },
    error: (error) => {
      if (isJson) {
        process.stderr.write(`${JSON.stringify({ error: error.message, details: error.details })}\n`);
        return;
      }
      process.stderr.write(`formloom: ${error.message}\n${error.details.map((line) => `  ${line}\n`).join('')}`);
    },
  };
}
