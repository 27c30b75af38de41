/**
 * The configuration of a process: read once, at its start, from flags, environment, `.env` and defaults, in this
 * order of precedence. This folder is the only one that knows the environment.
 */
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { checkTogether, isLoopback } from './cross-checks.js';
import { nearMiss } from './near-miss.js';
import { VARIABLE_NAMES, VARIABLES, type GivenValue, type ParsedVariables, type VariableName } from './variables.js';

type Listed = 'redisSentinels' | 'redisCluster' | 'corsOrigins' | 'trustedProxies' | 'encryptionKeys';

/** Sizes in bytes; lists are empty when not given; `redisCluster` holds `host:port` or URLs. */
export type Config = Omit<ParsedVariables, 'auth' | Listed> & {
  readonly auth: 'off' | 'jwt';
} & { readonly [K in Listed]: NonNullable<ParsedVariables[K]> };

/** `problems` has one line for each wrong value, fit to be shown: no line holds a secret. */
export class ConfigError extends Error {
  readonly code = 'config_invalid';
  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigError';
  }
}

export interface ConfigSources {
  /** Such as the environment of the process. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** By name of the variable, in camelCase (`maxFrameBytes`), as a flag (`max-frame-bytes`) or as it is. */
  readonly flags?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Path of a `.env` file; it need not exist. */
  readonly envFile?: string;
}

/**
 * Flags and lines of the file must be known. The environment holds hundreds of foreign names, so there only a name
 * within two typing errors of a long one of ours is refused. An empty value counts as not given, as compose files
 * pass on `${NAME:-}`.
 * @throws ConfigError
 */
export function loadConfig(sources: ConfigSources): Config {
  const problems: string[] = [];
  const texts = collect(sources, problems);
  if (texts.get('REDIS_CLUSTER') !== undefined) resolveCluster(texts, problems);

  const values: Record<string, unknown> = {};
  for (const [name, text] of texts) {
    const value = parse(name, text, problems);
    if (value !== undefined) values[VARIABLES[name].key] = value;
  }
  if (problems.length > 0) throw new ConfigError(problems);

  // Sound by the loop above: each member was made by the schema that its type is derived from.
  const parsed = values as ParsedVariables;
  const config: Config = {
    ...parsed,
    auth: parsed.auth ?? (isLoopback(parsed.host) ? 'off' : 'jwt'),
    redisSentinels: parsed.redisSentinels ?? [],
    redisCluster: parsed.redisCluster ?? [],
    corsOrigins: parsed.corsOrigins ?? [],
    trustedProxies: parsed.trustedProxies ?? [],
    encryptionKeys: parsed.encryptionKeys ?? [],
  };
  const contradictions = checkTogether(config, { isAuthGiven: parsed.auth !== undefined });
  if (contradictions.length > 0) throw new ConfigError(contradictions);
  return config;
}

/**
 * The secret that tokens are signed with, for a command that needs nothing else: whether the rest makes a server is not
 * its business.
 * @throws ConfigError
 */
export function loadJwtSecret(sources: ConfigSources): string | undefined {
  const problems: string[] = [];
  const text = collect(sources, problems).get('JWT_SECRET');
  const secret = text === undefined ? undefined : parse('JWT_SECRET', text, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return secret;
}

/** What was given, the strongest source last; lists what has a name that is not ours. */
function collect(sources: ConfigSources, problems: string[]): Map<VariableName, string> {
  const texts = new Map<VariableName, string>();
  const take = (found: Iterable<readonly [VariableName, string]>): void => {
    for (const [name, text] of found) if (text.trim() !== '') texts.set(name, text);
  };
  take(defaults());
  take(fromFile(sources.envFile, problems));
  take(fromEnvironment(sources.env, problems));
  take(fromFlags(sources.flags ?? {}, problems));
  return texts;
}

function parse<N extends VariableName>(name: N, text: string, problems: string[]): GivenValue<N> | undefined {
  const { schema, isSecret } = VARIABLES[name];
  const parsed = schema.safeParse(text);
  // Sound: the schema is that of the name.
  if (parsed.success) return parsed.data as GivenValue<N>;
  problems.push(`${name}: ${parsed.error.issues[0]?.message ?? 'is wrong'}${isSecret ? '' : got(text)}`);
  return undefined;
}

export interface VariableDescription {
  readonly name: VariableName;
  /** As on the command line: `--max-frame-bytes`. */
  readonly flag: string;
  /** Undefined when there is none. */
  readonly default: string | undefined;
  readonly description: string;
  readonly isSecret: boolean;
}

/** One row per variable, for `--help` and the reference. */
export function describeConfig(): VariableDescription[] {
  return VARIABLE_NAMES.map((name) => {
    const { description, isSecret, default: fallback } = VARIABLES[name];
    return { name, flag: `--${dashed(name)}`, default: fallback, description, isSecret };
  });
}

const MAX_SHOWN = 60;

function got(text: string): string {
  const shown = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
  return `, got ${JSON.stringify(shown)}`;
}

function* defaults(): Iterable<readonly [VariableName, string]> {
  for (const name of VARIABLE_NAMES) {
    const fallback = VARIABLES[name].default;
    if (fallback !== undefined) yield [name, fallback];
  }
}

/** Names that tools around us keep in the same file. */
const FOREIGN_IN_FILE = /^(?:NODE_|COMPOSE_)[A-Z_]+$|^TZ$/;

function* fromFile(path: string | undefined, problems: string[]): Iterable<readonly [VariableName, string]> {
  if (path === undefined) return;
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    problems.push(`${path}: cannot be read (${error instanceof Error ? error.message : 'unknown error'})`);
    return;
  }
  for (const [name, text] of Object.entries(parseEnv(content))) {
    if (isKnown(name)) yield [name, text ?? ''];
    else if (!FOREIGN_IN_FILE.test(name))
      problems.push(`${name} in ${path}: is no variable of Formloom${hint(name, 3)}`);
  }
}

/** Shorter names of ours (`HOST`, `ROLE`) are two letters away from what others use. */
const LONG_NAME = 9;
const TYPING_ERRORS = 2;

function* fromEnvironment(env: ConfigSources['env'], problems: string[]): Iterable<readonly [VariableName, string]> {
  const long = VARIABLE_NAMES.filter((name) => name.length >= LONG_NAME);
  for (const [name, text] of Object.entries(env)) {
    if (text === undefined) continue;
    if (isKnown(name)) {
      yield [name, text];
      continue;
    }
    const meant = nearMiss(name.toUpperCase(), long, TYPING_ERRORS);
    if (meant !== undefined) problems.push(`${name}: is no variable of Formloom, did you mean ${meant}?`);
  }
}

function* fromFlags(
  flags: NonNullable<ConfigSources['flags']>,
  problems: string[],
): Iterable<readonly [VariableName, string]> {
  for (const [flag, value] of Object.entries(flags)) {
    if (value === undefined) continue;
    const name = screaming(flag);
    if (isKnown(name)) yield [name, String(value)];
    else problems.push(`--${dashed(name)}: is no flag of Formloom${hint(name, 3)}`);
  }
}

function isKnown(name: string): name is VariableName {
  return Object.hasOwn(VARIABLES, name);
}

function hint(name: string, limit: number): string {
  const meant = nearMiss(name, VARIABLE_NAMES, limit);
  return meant === undefined ? '' : `, did you mean ${meant}?`;
}

/** `maxFrameBytes`, `max-frame-bytes`, `MAX_FRAME_BYTES` → `MAX_FRAME_BYTES`. */
function screaming(flag: string): string {
  return flag
    .replace(/^-+/, '')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toUpperCase();
}

function dashed(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}

/** `REDIS_CLUSTER=true` says that REDIS_URL is a node of a Cluster. */
function resolveCluster(texts: Map<VariableName, string>, problems: string[]): void {
  const given = texts.get('REDIS_CLUSTER')?.trim().toLowerCase() ?? '';
  if (['false', '0', 'no', 'off'].includes(given)) texts.delete('REDIS_CLUSTER');
  const url = texts.get('REDIS_URL');
  if (!['true', '1', 'yes', 'on'].includes(given)) return;
  if (url !== undefined) texts.set('REDIS_CLUSTER', url);
  else problems.push('REDIS_CLUSTER: true needs REDIS_URL, as one of the nodes; or name some as host:port');
}
