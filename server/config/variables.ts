/**
 * Every variable of the configuration: name, default, what it is for. The names are a contract.
 * This table gives the parsing, `--help` and the reference in the documentation.
 */
import type { z } from 'zod';
import type { RateKind } from '../limits/rate-limits.js';
import { TRAFFIC_DEFAULTS } from '../limits/traffic/traffic-defaults.js';
import type { TrafficRule } from '../limits/traffic/traffic-limits.js';
import { formatTrafficRule } from './traffic-rule.js';
import * as value from './values.js';

export interface Variable<T> {
  /** Member of `Config`. */
  readonly key: string;
  /** As in the environment; undefined when there is none. */
  readonly default: string | undefined;
  readonly description: string;
  /** Neither the value nor any part of it is ever printed. */
  readonly isSecret: boolean;
  readonly schema: z.ZodType<T, string>;
}

function variable<const K extends string, T>(
  key: K,
  schema: z.ZodType<T, string>,
  fallback: string,
  description: string,
): Variable<T> & { readonly key: K; readonly default: string } {
  return { key, schema, default: fallback, description, isSecret: false };
}

function optional<const K extends string, T>(
  key: K,
  schema: z.ZodType<T, string>,
  description: string,
  options: { readonly isSecret: boolean } = { isSecret: false },
): Variable<T> & { readonly key: K; readonly default: undefined } {
  return { key, schema, default: undefined, description, ...options };
}

/** Of incoming messages: what is not named in the value keeps its default. */
function traffic<const K extends string>(
  key: K,
  kind: RateKind,
  description: string,
): Variable<TrafficRule> & { readonly key: K; readonly default: string } {
  const defaults = TRAFFIC_DEFAULTS[kind];
  return variable(key, value.trafficRule(defaults), formatTrafficRule(defaults), description);
}

const SECRET = { isSecret: true };
const KIB = 1024;
const GIB = 1024 ** 3;
const redis = value.url(['redis:', 'rediss:'], 'redis://user:password@host:6379/0');

export const VARIABLES = {
  PORT: variable('port', value.integer(0, 65_535), '1234', 'Port to listen on; 0 takes a free one.'),
  HOST: variable('host', value.host, '127.0.0.1', 'Address to listen on; 0.0.0.0 or :: for all.'),
  ROLE: variable('role', value.choice(['all', 'sync', 'api']), 'all', 'What this process serves.'),
  DATA_DIR: variable('dataDir', value.folder, './data', 'Folder of the embedded store and of uploaded files.'),
  REDIS_URL: optional('redisUrl', redis, 'Keeps everything in this Redis instead of the embedded store.', SECRET),
  REDIS_SENTINELS: optional(
    'redisSentinels',
    value.endpoints({ mayBeUrls: false }),
    'Sentinels as host:port, comma-separated; credentials come from REDIS_URL.',
  ),
  REDIS_SENTINEL_NAME: optional('redisSentinelName', value.secret(1), 'Name of the master that the Sentinels watch.'),
  REDIS_CLUSTER: optional(
    'redisCluster',
    value.endpoints({ mayBeUrls: true }),
    'Some nodes of a Redis Cluster as host:port, comma-separated; or true when REDIS_URL is one of them.',
    SECRET,
  ),
  REDIS_WAIT_REPLICAS: variable(
    'redisWaitReplicas',
    value.integer(0, 16),
    '0',
    'Replicas that must have an edit before it counts as saved.',
  ),
  AUTH: optional(
    'auth',
    value.choice(['off', 'jwt']),
    'off gives every caller all rights and works on loopback alone; default off on loopback, else jwt.',
  ),
  JWT_SECRET: optional(
    'jwtSecret',
    value.secret(1),
    'Secret of at least 32 bytes that tokens are signed with (HS256); shorter ones work on loopback alone.',
    SECRET,
  ),
  JWT_PUBLIC_KEY: optional(
    'jwtPublicKey',
    value.publicKey,
    'Public key (PEM or JWK) that verifies RS, PS, ES or EdDSA tokens.',
  ),
  JWKS_URL: optional(
    'jwksUrl',
    value.url(['https:', 'http:'], 'https://id.example.org/jwks.json'),
    'Where the keys that verify tokens are published.',
    SECRET,
  ),
  ADMIN_TOKEN: optional(
    'adminToken',
    value.secret(1),
    'Token of at least 16 bytes that gives all rights; shorter ones work on loopback alone.',
    SECRET,
  ),
  CORS_ORIGINS: optional('corsOrigins', value.origins, 'Web origins that may call this server, comma-separated; or *.'),
  TRUSTED_PROXIES: optional(
    'trustedProxies',
    value.networks,
    'Addresses or ranges of proxies whose X-Forwarded-For is believed, comma-separated.',
  ),
  LOCATION_HEADERS: variable(
    'locationHeaders',
    value.headerNames,
    'CF-IPCountry,CloudFront-Viewer-Country,X-Vercel-IP-Country,X-AppEngine-Country,X-Country-Code',
    'Headers in which a trusted proxy says in which country or region a client is, comma-separated.',
  ),
  ENCRYPTION_KEYS: optional(
    'encryptionKeys',
    value.encryptionKeys,
    'Encrypts at rest: id:base64 of 32 bytes, comma-separated; the first encrypts, all decrypt.',
    SECRET,
  ),
  WEBHOOK_PRIVATE_TARGETS: variable(
    'webhookPrivateTargets',
    value.toggle,
    'false',
    'Lets webhooks go to loopback and private addresses.',
  ),
  LOG_LEVEL: variable(
    'logLevel',
    value.choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
    'info',
    'Least severe level that is logged.',
  ),
  MAX_FRAME_BYTES: variable('maxFrameBytes', value.size(KIB, GIB), '8 MiB', 'Largest WebSocket frame that is read.'),
  COMPRESS_JOINS: variable(
    'compressJoins',
    value.toggle,
    'false',
    'Accepts permessage-deflate and sends the state that a client gets when it joins compressed.',
  ),
  MAX_DOCUMENT_BYTES: variable(
    'maxDocumentBytes',
    value.size(KIB, 4 * GIB),
    '64 MiB',
    'Largest document that may grow.',
  ),
  SUBMISSION_FILES_BYTES: variable(
    'submissionFilesBytes',
    value.size(KIB, 64 * GIB),
    '256 MiB',
    'Uploaded files of one submission together; with Redis they lie in its memory.',
  ),
  HYDRATED_BYTES: variable(
    'hydratedBytes',
    value.size(1024 * KIB, 1024 * GIB),
    '512 MiB',
    'Memory for documents that are open; idle ones leave first.',
  ),
  CONNECTION_POOL_SIZE: variable(
    'connectionPoolSize',
    value.integer(1, 1_000_000),
    '1000',
    'Connections that the default pool admits.',
  ),
  HANDSHAKES_PER_SECOND: variable(
    'handshakesPerSecond',
    value.integer(1, 100_000),
    '1000',
    'Connections that may be opened per second; others wait up to 4 seconds for their turn.',
  ),
  USER_LIMITS: traffic('userLimits', 'user', 'What one user may send per second, and its connections; or off.'),
  DOCUMENT_LIMITS: traffic(
    'documentLimits',
    'document',
    'What all in one document may send per second, and their connections; or off.',
  ),
  TENANT_LIMITS: traffic(
    'tenantLimits',
    'tenant',
    'What all users of one tenant may send per second, and their connections; or off.',
  ),
  ADDRESS_LIMITS: traffic(
    'addressLimits',
    'address',
    'What all behind one address may send per second, and their connections; or off.',
  ),
  DOCUMENT_CPU_PERCENT: variable(
    'documentCpuPercent',
    value.integer(1, 100),
    '50',
    'Share of one core that a document may take for its updates before it is shut for a while.',
  ),
  MESSAGE_QUEUE_SIZE: variable(
    'messageQueueSize',
    value.integer(1, 10_000_000),
    '10000',
    'Messages that the broadcast queue holds before the overflow goes to the dead letters.',
  ),
  WEBSOCKET_OPTIMIZATION_ENABLED: variable(
    'websocketOptimizationEnabled',
    value.toggle,
    'true',
    'Lengthens ticks under load, and lets small frames gather.',
  ),
  PERFORMANCE_MONITORING: variable(
    'performanceMonitoring',
    value.toggle,
    'true',
    'Collects metrics and health figures.',
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: optional(
    'otelExporterOtlpEndpoint',
    value.url(['http:', 'https:'], 'http://127.0.0.1:4318', { credentialsIn: 'OTEL_EXPORTER_OTLP_HEADERS' }),
    'OpenTelemetry collector that sampled traces go to, by OTLP over HTTP with JSON.',
    // What is refused may hold some.
    SECRET,
  ),
  OTEL_EXPORTER_OTLP_HEADERS: optional(
    'otelExporterOtlpHeaders',
    value.headers,
    'Headers for the collector as name=value, comma-separated.',
    SECRET,
  ),
  OTEL_SERVICE_NAME: variable('otelServiceName', value.label, 'formloom', 'Name of this service in traces.'),
  OTEL_TRACES_SAMPLER_ARG: variable(
    'otelTracesSamplerArg',
    value.share,
    '0.05',
    'Share of edits and requests that are traced, 0 to 1; a request with a traceparent has decided.',
  ),
  DRAIN_SECONDS: variable(
    'drainSeconds',
    value.integer(0, 3_600),
    '10',
    'Time over which connections are closed when the server stops.',
  ),
  LOAD_TEST_CONNECTIONS: variable(
    'loadTestConnections',
    value.integer(1, 100_000),
    '100',
    'Connections that a load test opens.',
  ),
  LOAD_TEST_DURATION: variable(
    'loadTestDuration',
    value.integer(100, 86_400_000),
    '30000',
    'Length of a load test in milliseconds.',
  ),
} as const;

export type VariableName = keyof typeof VARIABLES;
export const VARIABLE_NAMES = Object.keys(VARIABLES) as readonly VariableName[];

/** What the variable holds when it is given. */
export type GivenValue<N extends VariableName> = z.output<(typeof VARIABLES)[N]['schema']>;

/** What the variables say, one by one: those with a default are always there. */
export type ParsedVariables = {
  readonly [N in VariableName as (typeof VARIABLES)[N]['key']]:
    GivenValue<N> | ((typeof VARIABLES)[N]['default'] extends string ? never : undefined);
};
