import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import { TRAFFIC_DEFAULTS } from '../limits/traffic/traffic-defaults.js';
import type { TrafficRule } from '../limits/traffic/traffic-limits.js';
import { ConfigError, describeConfig, loadConfig, loadJwtSecret, type Config, type ConfigSources } from './config.js';
import { weakSecrets } from './cross-checks.js';
import { VARIABLE_NAMES, type VariableName } from './variables.js';

const SECRET = 'a-secret-of-at-least-32-characters!!';
const edwards = generateKeyPairSync('ed25519');
const PEM = edwards.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const PRIVATE_PEM = edwards.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const KEY = randomBytes(32).toString('base64');

const withEnv = (env: Record<string, string>): Config => loadConfig({ env });

/** One line each. */
function problemsOf(sources: ConfigSources): readonly string[] {
  try {
    loadConfig(sources);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

interface Case {
  /** Texts that are good, what they become, and what else must be given then. */
  readonly good: readonly (readonly [text: string, value: unknown, also?: Record<string, string>])[];
  /** Texts that are wrong, and what the line says after the name. */
  readonly wrong: readonly (readonly [text: string, fault: RegExp])[];
}

const integer = (min: number, max: number): Case => ({
  good: [
    [String(min), min],
    [String(max), max],
    [` ${max} `, max],
  ],
  wrong: [
    [String(max + 1), new RegExp(`must be an integer from ${min} to ${max}, got "${max + 1}"$`)],
    [String(min - 1), /must be an integer/],
    ['1.5', /must be an integer/],
    ['ten', /must be an integer/],
    ['0x10', /must be an integer/],
    ['1e2', /must be an integer/],
  ],
});

const size = (good: Case['good']): Case => ({
  good,
  wrong: [
    ['big', /must be a size from \d+ to \d+ bytes, like 8388608 or "8 MiB", got "big"$/],
    ['1', /must be a size/],
    ['-5 MiB', /must be a size/],
    ['8 MiX', /must be a size/],
    ['9999999 GiB', /must be a size/],
  ],
});

const toggle: Case = {
  good: [
    ['true', true],
    ['FALSE', false],
    ['1', true],
    ['off', false],
    ['yes', true],
  ],
  wrong: [
    ['maybe', /must be true or false, got "maybe"$/],
    ['2', /must be true or false/],
  ],
};

const JWT = { JWT_SECRET: SECRET };
const REDIS = { REDIS_URL: 'redis://localhost' };

const traffic = (defaults: TrafficRule): Case => ({
  good: [
    ['messages=10,bytes=1 MiB,connections=3', { messagesPerSecond: 10, bytesPerSecond: 1_048_576, connections: 3 }],
    ['connections=3', { ...defaults, connections: 3 }],
    ['Messages = off', { ...defaults, messagesPerSecond: Infinity }],
    ['off', { messagesPerSecond: Infinity, bytesPerSecond: Infinity, connections: Infinity }],
  ],
  wrong: [
    ['10', /must be "off" or some of messages=N, bytes=SIZE and connections=N/],
    ['messages=0', /must be "off" or some of/],
    ['messages=ten', /must be "off" or some of/],
    ['frames=10', /must be "off" or some of/],
    ['bytes=1=2', /must be "off" or some of/],
  ],
});

const CASES: Record<VariableName, Case> = {
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    good: [['http://collector:4318', 'http://collector:4318']],
    wrong: [
      ['collector:4318', /must be a URL like http:/],
      ['http://me:hunter2@collector', /without credentials: they go into OTEL_EXPORTER_OTLP_HEADERS$/],
    ],
  },
  OTEL_EXPORTER_OTLP_HEADERS: {
    good: [['api-key=a%20b, tenant=x', { 'api-key': 'a b', tenant: 'x' }]],
    wrong: [
      ['secret-without-name', /must be a comma-separated list of name=value/],
      ['a=%zz', /must be a comma-separated list of name=value/],
    ],
  },
  OTEL_SERVICE_NAME: { good: [['forms', 'forms']], wrong: [['a\nb', /printable/]] },
  OTEL_TRACES_SAMPLER_ARG: {
    good: [
      ['0.25', 0.25],
      ['1', 1],
    ],
    wrong: [
      ['2', /must be a number from 0 to 1/],
      ['all', /must be a number from 0 to 1/],
    ],
  },
  HANDSHAKES_PER_SECOND: integer(1, 100_000),
  USER_LIMITS: traffic(TRAFFIC_DEFAULTS.user),
  DOCUMENT_LIMITS: traffic(TRAFFIC_DEFAULTS.document),
  TENANT_LIMITS: traffic(TRAFFIC_DEFAULTS.tenant),
  ADDRESS_LIMITS: traffic(TRAFFIC_DEFAULTS.address),
  DOCUMENT_CPU_PERCENT: integer(1, 100),
  PORT: integer(0, 65_535),
  HOST: {
    good: [
      ['127.0.0.1', '127.0.0.1'],
      ['[::1]', '::1'],
      ['localhost', 'localhost'],
      ['0.0.0.0', '0.0.0.0', JWT],
      ['::', '::', JWT],
    ],
    wrong: [
      ['not a host', /must be an IP address or a host name, got "not a host"$/],
      ['http://localhost', /must be an IP address/],
      ['localhost:80', /must be an IP address/],
    ],
  },
  ROLE: {
    good: [
      ['all', 'all'],
      ['Sync', 'sync', { REDIS_URL: 'redis://host' }],
      ['api', 'api', { REDIS_CLUSTER: 'host:1' }],
    ],
    wrong: [
      ['both', /must be one of all, sync, api, got "both"$/],
      ['sync', /sync needs a store that nodes share/],
    ],
  },
  DATA_DIR: { good: [['/var/lib/formloom', '/var/lib/formloom']], wrong: [['a\0b', /must be the path of a folder/]] },
  REDIS_URL: {
    good: [
      ['redis://user:pass@host:6379/0', 'redis://user:pass@host:6379/0'],
      ['rediss://host', 'rediss://host'],
    ],
    wrong: [
      ['host:6379', /must be a URL like redis:/],
      ['http://host', /must be a URL like redis:/],
      ['redis://', /must be a URL like redis:/],
    ],
  },
  REDIS_SENTINELS: {
    good: [['a:26379, [::1]:26379,b', ['a:26379', '[::1]:26379', 'b'], { REDIS_SENTINEL_NAME: 'main' }]],
    wrong: [
      ['a:b', /must be a comma-separated list of host:port, got "a:b"$/],
      ['a:70000', /must be a comma-separated list/],
      ['a,,b', /must be a comma-separated list/],
    ],
  },
  REDIS_SENTINEL_NAME: {
    good: [['main', 'main', { REDIS_SENTINELS: 'a:1' }]],
    wrong: [['main', /needs REDIS_SENTINELS$/]],
  },
  REDIS_CLUSTER: {
    good: [
      ['a:1,rediss://b:2', ['a:1', 'rediss://b:2']],
      ['true', ['redis://localhost'], REDIS],
      ['false', [], REDIS],
    ],
    wrong: [
      ['a:b:c', /must be a comma-separated list of host:port$/],
      ['true', /true needs REDIS_URL/],
    ],
  },
  REDIS_WAIT_REPLICAS: {
    good: [
      ['0', 0],
      ['2', 2, REDIS],
    ],
    wrong: [
      ['17', /must be an integer from 0 to 16, got "17"$/],
      ['1', /needs a Redis store/],
    ],
  },
  AUTH: {
    good: [
      ['off', 'off'],
      ['JWT', 'jwt', JWT],
    ],
    wrong: [
      ['none', /must be one of off, jwt, got "none"$/],
      ['jwt', /needs one of JWT_SECRET, JWT_PUBLIC_KEY and JWKS_URL$/],
    ],
  },
  // How long they must be depends on who can reach the server: see below.
  JWT_SECRET: { good: [[SECRET, SECRET]], wrong: [] },
  JWT_PUBLIC_KEY: {
    good: [
      [PEM, PEM.trim()],
      [PEM.replaceAll('\n', '\\n'), PEM],
      [
        JSON.stringify(edwards.publicKey.export({ format: 'jwk' })),
        JSON.stringify(edwards.publicKey.export({ format: 'jwk' })),
      ],
    ],
    wrong: [
      ['a key', /must be a public key as PEM/],
      [PRIVATE_PEM, /holds a private key; give the public one/],
      [JSON.stringify(edwards.privateKey.export({ format: 'jwk' })), /holds a private key/],
      ['{"kty":"nothing"}', /must be a public key/],
      ['{', /must be a public key/],
      ...[
        generateKeyPairSync('x25519').publicKey,
        generateKeyPairSync('rsa', { modulusLength: 1_024 }).publicKey,
        generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey,
      ].map((key): [string, RegExp] => [
        key.export({ type: 'spki', format: 'pem' }).toString(),
        /must be RSA of at least 2048 bits, EC on P-256, P-384 or P-521, or Ed25519/,
      ]),
    ],
  },
  JWKS_URL: {
    good: [['https://id.example.org/jwks.json', 'https://id.example.org/jwks.json']],
    wrong: [
      ['id.example.org', /must be a URL like https:/],
      ['ftp://id.example.org', /must be a URL like https:/],
    ],
  },
  ADMIN_TOKEN: { good: [['0123456789abcdef', '0123456789abcdef']], wrong: [] },
  CORS_ORIGINS: {
    good: [
      ['https://a.example, http://localhost:3000', ['https://a.example', 'http://localhost:3000']],
      ['*', ['*']],
    ],
    wrong: [
      ['https://a.example/', /no final slash.*got "https:\/\/a\.example\/"$/],
      ['a.example', /must be a comma-separated list of origins/],
      ['https://*.example', /must be a comma-separated list of origins/],
    ],
  },
  TRUSTED_PROXIES: {
    good: [['10.0.0.0/8, ::1,192.168.0.1', ['10.0.0.0/8', '::1', '192.168.0.1']]],
    wrong: [
      ['10.0.0.0/33', /must be a comma-separated list of IP addresses or ranges/],
      ['proxy.local', /must be a comma-separated list/],
      ['10.0.0.0/8/8', /must be a comma-separated list/],
    ],
  },
  LOCATION_HEADERS: {
    good: [['CF-IPCountry, X-Region', ['cf-ipcountry', 'x-region']]],
    wrong: [['X Region', /must be a comma-separated list of names of headers/]],
  },
  ENCRYPTION_KEYS: {
    good: [
      [
        `new:${KEY},old_1:${KEY.replaceAll('+', '-').replaceAll('/', '_')}`,
        [
          { id: 'new', key: Buffer.from(KEY, 'base64') },
          { id: 'old_1', key: Buffer.from(KEY, 'base64') },
        ],
      ],
    ],
    wrong: [
      [KEY, /entry 1 must look like id:base64$/],
      [`a:${KEY},b:!!`, /entry 2 must look like id:base64$/],
      ['a:c2hvcnQ=', /entry 1 \("a"\) must hold 32 bytes in base64, it holds 5$/],
      [`a:${KEY},a:${KEY}`, /the id "a" stands there twice$/],
    ],
  },
  LOG_LEVEL: {
    good: [
      ['debug', 'debug'],
      ['SILENT', 'silent'],
    ],
    wrong: [['loud', /must be one of trace, debug.*got "loud"$/]],
  },
  MAX_FRAME_BYTES: size([
    ['8388608', 8_388_608],
    ['8 MiB', 8_388_608],
    ['1MB', 1_000_000],
    ['1.5 KiB', 1_536],
  ]),
  MAX_DOCUMENT_BYTES: size([['1 GiB', 2 ** 30]]),
  SUBMISSION_FILES_BYTES: size([['1 GiB', 2 ** 30]]),
  HYDRATED_BYTES: size([['2 GiB', 2 ** 31]]),
  CONNECTION_POOL_SIZE: integer(1, 1_000_000),
  MESSAGE_QUEUE_SIZE: integer(1, 10_000_000),
  WEBSOCKET_OPTIMIZATION_ENABLED: toggle,
  COMPRESS_JOINS: toggle,
  PERFORMANCE_MONITORING: toggle,
  WEBHOOK_PRIVATE_TARGETS: toggle,
  DRAIN_SECONDS: integer(0, 3_600),
  LOAD_TEST_CONNECTIONS: integer(1, 100_000),
  LOAD_TEST_DURATION: integer(100, 86_400_000),
};

const keyOf = (name: string): keyof Config =>
  name.toLowerCase().replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()) as keyof Config;

for (const name of VARIABLE_NAMES) {
  void t.test(`${name}: what is good is taken, what is wrong is one clear line`, async (t) => {
    const { good, wrong } = CASES[name];
    for (const [text, value, also = {}] of good) {
      t.strictSame(withEnv({ [name]: text, ...also })[keyOf(name)], value, JSON.stringify(text).slice(0, 60));
    }
    for (const [text, fault] of wrong) {
      const problems = problemsOf({ env: { [name]: text } });
      t.equal(problems.length, 1, JSON.stringify(text).slice(0, 60));
      t.match(problems[0], fault);
      t.ok(problems[0]?.startsWith(name), `the line begins with ${name}`);
      t.notOk(problems[0]?.includes('\n'));
    }
    t.equal(problemsOf({ env: { [name]: '  ' } }).length, 0, 'an empty value counts as not given');
  });
}

void t.test('without anything given it listens on loopback, with the defaults of the contract', async (t) => {
  t.match(loadConfig({ env: {} }), {
    port: 1234,
    host: '127.0.0.1',
    role: 'all',
    dataDir: './data',
    auth: 'off',
    redisWaitReplicas: 0,
    maxFrameBytes: 8 * 2 ** 20,
    compressJoins: false,
    maxDocumentBytes: 64 * 2 ** 20,
    connectionPoolSize: 1_000,
    messageQueueSize: 10_000,
    websocketOptimizationEnabled: true,
    performanceMonitoring: true,
    drainSeconds: 10,
    loadTestConnections: 100,
    loadTestDuration: 30_000,
    encryptionKeys: [],
    corsOrigins: [],
    trustedProxies: [],
  });
});

void t.test('AUTH=off is refused wherever others can reach the server', async (t) => {
  for (const HOST of ['0.0.0.0', '::', '10.0.0.1', 'forms.example.org', '127.example.org', '::ffff:10.0.0.1']) {
    const problems = problemsOf({ env: { HOST, AUTH: 'off', ...JWT } });
    t.equal(problems.length, 1, HOST);
    t.match(problems[0], /^AUTH: off gives everybody .* all rights.*Set AUTH=jwt/);
    t.match(problemsOf({ env: { HOST } }), [/^AUTH: HOST ".*" is not loopback.*needs one of JWT_SECRET/]);
    t.equal(withEnv({ HOST, ...JWT }).auth, 'jwt', 'there tokens are the default');
  }
  for (const HOST of ['127.0.0.1', '127.1.2.3', '::1', 'localhost'])
    t.equal(withEnv({ HOST, AUTH: 'off' }).auth, 'off');
});

void t.test('a secret that can be guessed is refused wherever others can reach the server', async (t) => {
  const weak = { AUTH: 'jwt', JWT_SECRET: 'guess me', ADMIN_TOKEN: 'admin' };
  const lines = ['JWT_SECRET: must have at least 32 bytes', 'ADMIN_TOKEN: must have at least 16 bytes'];
  t.strictSame(problemsOf({ env: { ...weak, HOST: '0.0.0.0' } }), lines);
  t.strictSame(problemsOf({ env: { ...weak, TRUSTED_PROXIES: '127.0.0.1' } }), lines, 'a proxy brings others');
  t.strictSame(weakSecrets(withEnv(weak)), lines, 'alone on loopback it is told, not refused');
  t.strictSame(weakSecrets(withEnv({ AUTH: 'jwt', ...JWT })), []);
});

void t.test('what contradicts each other is one line for each contradiction', async (t) => {
  const JWKS_URL = 'https://id.example.org/jwks';
  t.strictSame(problemsOf({ env: { ...JWT, JWKS_URL } }), ['JWT_SECRET, JWKS_URL: give only one of them']);
  t.strictSame(problemsOf({ env: { ...JWT, ADMIN_TOKEN: SECRET } }), ['ADMIN_TOKEN: must differ from JWT_SECRET']);
  t.match(problemsOf({ env: { REDIS_SENTINELS: 'a:1', REDIS_CLUSTER: 'a:1' } }), [
    /^REDIS_SENTINELS, REDIS_CLUSTER: give only one/,
    /^REDIS_SENTINELS: needs REDIS_SENTINEL_NAME/,
  ]);
});

void t.test('every fault is told at once, and no secret is', async (t) => {
  const secrets = {
    JWT_SECRET: 'hunter2-jwt',
    ADMIN_TOKEN: 'hunter2',
    REDIS_URL: 'hunter2:6379',
    ENCRYPTION_KEYS: 'hunter2',
  };
  const problems = problemsOf({ env: { ...secrets, PORT: 'x'.repeat(500), LOG_LEVEL: 'loud', JWKS_URL: 'hunter2' } });
  t.equal(problems.length, 5, 'how long secrets must be is asked when the rest is right');
  t.notOk(problems.join('\n').includes('hunter2'));
  t.ok((problems.find((line) => line.startsWith('PORT'))?.length ?? Infinity) < 160, 'long values are cut');
});

void t.test('a name of ours that is misspelt is refused, a foreign one is not', async (t) => {
  t.strictSame(problemsOf({ env: { MAX_FRAME_BYTE: '1' } }), [
    'MAX_FRAME_BYTE: is no variable of Formloom, did you mean MAX_FRAME_BYTES?',
  ]);
  t.match(problemsOf({ env: { JWT_SECERT: SECRET } }), [/did you mean JWT_SECRET\?/]);
  t.match(problemsOf({ env: { encryption_keys: 'x' } }), [/did you mean ENCRYPTION_KEYS\?/], 'also in small letters');
  const foreign = {
    HOSTNAME: 'h',
    PORTS: '1',
    SHELL: '/bin/sh',
    npm_config_loglevel: 'x',
    ROLES: 'a',
    AUTHOR: 'me',
    PATH: '/bin',
  };
  t.strictSame(problemsOf({ env: foreign }), []);
});

async function envFile(t: Test, content: string): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'formloom-config-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const file = path.join(folder, '.env');
  await writeFile(file, content);
  return file;
}

void t.test('flags go before the environment, that before .env, that before the defaults', async (t) => {
  const file = await envFile(
    t,
    'PORT=1\nHOST=::1\nDRAIN_SECONDS=3 # in seconds\nLOG_LEVEL="debug"\nNODE_OPTIONS=x\nTZ=UTC\n',
  );
  const config = loadConfig({ env: { PORT: '2', HOST: '127.0.0.2' }, flags: { port: 3 }, envFile: file });
  t.match(config, { port: 3, host: '127.0.0.2', drainSeconds: 3, logLevel: 'debug', connectionPoolSize: 1_000 });
  t.equal(loadConfig({ env: { PORT: '' }, envFile: file }).port, 1, 'an empty variable hides nothing');
  t.equal(loadConfig({ env: {}, envFile: `${file}.absent` }).port, 1234);
  const wrong = await envFile(t, 'PROT=1\nSOMETHING_ELSE=2\nPORT=x\n');
  t.match(problemsOf({ env: {}, envFile: wrong }), [
    /^PROT in .*\.env: is no variable of Formloom, did you mean PORT\?$/,
    /^SOMETHING_ELSE in .*: is no variable of Formloom$/,
    /^PORT: must be an integer/,
  ]);
  t.match(problemsOf({ env: {}, envFile: path.dirname(file) }), [/cannot be read/]);
});

void t.test('a flag may be written in any of the usual ways, and must be known', async (t) => {
  for (const flag of ['maxFrameBytes', 'max-frame-bytes', '--max-frame-bytes', 'MAX_FRAME_BYTES']) {
    t.equal(loadConfig({ env: {}, flags: { [flag]: '1 MiB' } }).maxFrameBytes, 2 ** 20, flag);
  }
  t.equal(
    loadConfig({ env: {}, flags: { performanceMonitoring: false, port: undefined } }).performanceMonitoring,
    false,
  );
  t.strictSame(problemsOf({ env: {}, flags: { maxFrames: 1, prot: 2 } }), [
    '--max-frames: is no flag of Formloom',
    '--prot: is no flag of Formloom, did you mean PORT?',
  ]);
});

void t.test('the secret for tokens is found as the server finds it, whatever else is configured', async (t) => {
  const file = await envFile(t, `JWT_SECRET=${SECRET}\nHOST=0.0.0.0\nAUTH=off\n`);
  t.equal(loadJwtSecret({ env: {}, envFile: file }), SECRET);
  t.equal(loadJwtSecret({ env: { JWT_SECRET: SECRET.toUpperCase() }, envFile: file }), SECRET.toUpperCase());
  t.equal(loadJwtSecret({ env: { JWT_SECRET: '' } }), undefined);
  t.equal(loadJwtSecret({ env: { JWT_SECRET: 'short' } }), 'short', 'a server on loopback takes it too');
  t.throws(() => loadJwtSecret({ env: { JWT_SECERT: SECRET } }), ConfigError);
});

void t.test('every variable is described, as a flag too', async (t) => {
  const rows = describeConfig();
  t.equal(rows.length, VARIABLE_NAMES.length);
  for (const { name, flag, description, isSecret } of rows) {
    t.match(flag, /^--[a-z][a-z-]+$/);
    t.match(description, /\.$/, `${name} ends with a full stop`);
    if (/SECRET|TOKEN|ENCRYPTION/.test(name)) t.ok(isSecret, name);
  }
});
