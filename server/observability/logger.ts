import { pino, type DestinationStream, type Logger } from 'pino';

export interface LoggerOptions {
  readonly level: string;
  /** Standard output when absent. */
  readonly destination?: DestinationStream;
  /** Added to every line, such as the node's id. */
  readonly bindings?: Readonly<Record<string, unknown>>;
}

const SECRET_MEMBERS = [
  'authorization',
  'Authorization',
  'cookie',
  'Cookie',
  '["set-cookie"]',
  '["x-api-key"]',
  'token',
  'accessToken',
  'resumeToken',
  'adminToken',
  'password',
  'secret',
  'jwtSecret',
  'encryptionKeys',
];

/**
 * JSON lines. Members that may hold a secret are replaced, up to two levels deep (`headers.cookie`,
 * `req.headers.authorization`); whoever logs a URL passes it through `redactUrl` first.
 */
export function createLogger({ level, destination, bindings = {} }: LoggerOptions): Logger {
  const options = {
    level,
    base: { ...bindings },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: SECRET_MEMBERS.flatMap(withDepths), censor: '[redacted]' },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

function withDepths(member: string): string[] {
  const dot = member.startsWith('[') ? '' : '.';
  return [member, `*${dot}${member}`, `*.*${dot}${member}`];
}
