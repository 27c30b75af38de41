import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort } from '../../../../test/harness/free-port.js';
import { eventually } from '../../testing/store-under-test.js';

const BINARY = 'redis-server';
const READY_DEADLINE_MS = 10_000;
/** After how long without an answer a Sentinel takes a master for dead: on a busy machine a living one is not to be. */
const PATIENT_MS = 60_000;
const HASTY_MS = 500;

/** A real redis-server on a free port, with its data in a folder of its own. For tests. */
export class RedisTestServer {
  readonly port: number;
  readonly folder: string;
  readonly #arguments: readonly string[];
  readonly #mode: 'server' | 'sentinel';
  #process: ChildProcess | undefined;

  private constructor(port: number, folder: string, mode: 'server' | 'sentinel', settings: readonly string[]) {
    this.port = port;
    this.folder = folder;
    this.#mode = mode;
    this.#arguments = settings;
  }

  /** `settings` as on the command line of redis-server: `['--maxmemory', '10mb']`. @throws when it doesn't start. */
  static async start(settings: readonly string[] = [], port?: number): Promise<RedisTestServer> {
    const folder = newFolder();
    const server = new RedisTestServer(port ?? (await freePort()), folder, 'server', [
      ...['--dir', folder, '--save', '', '--appendonly', 'yes', '--appendfsync', 'always'],
      ...['--enable-debug-command', 'yes', '--repl-diskless-sync-delay', '0'],
      ...settings,
    ]);
    await server.launch();
    return server;
  }

  /** A Sentinel that watches `master` under the name `formloom`. */
  static async startSentinel(master: RedisTestServer, quorum: number): Promise<RedisTestServer> {
    const folder = newFolder();
    const config = [
      `sentinel monitor formloom 127.0.0.1 ${master.port} ${quorum}`,
      `sentinel down-after-milliseconds formloom ${PATIENT_MS}`,
      // Sentinels ask a replica once a second whether it is the master now; a fail-over that takes longer begins anew.
      'sentinel failover-timeout formloom 5000',
    ];
    writeFileSync(path.join(folder, 'sentinel.conf'), config.join('\n'));
    const sentinel = new RedisTestServer(await freePort(), folder, 'sentinel', ['--dir', folder]);
    await sentinel.launch();
    return sentinel;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Starts it, again if it was killed: with what its files hold. */
  async launch(): Promise<void> {
    const first = this.#mode === 'sentinel' ? [path.join(this.folder, 'sentinel.conf')] : [];
    const extra = this.#mode === 'sentinel' ? ['--sentinel'] : [];
    const args = [...first, '--port', String(this.port), '--bind', '127.0.0.1', ...this.#arguments, ...extra];
    const child = spawn(BINARY, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process = child;
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const failure = new Promise<never>((_, reject) => {
      child.once('error', (error) =>
        reject(new Error(`The tests need ${BINARY}, which can't be run: ${error.message}`)),
      );
      child.once('exit', (code, signal) =>
        reject(new Error(`${BINARY} ended (${String(code ?? signal)}) instead of serving:\n${output}`)),
      );
    });
    failure.catch(() => undefined);
    await Promise.race([this.#answers(), failure]);
  }

  /** Runs `use` with a client of this server. */
  async with<T>(use: (client: Redis) => Promise<T>): Promise<T> {
    const client = new Redis(this.port, '127.0.0.1', { lazyConnect: true, protocol: 2 });
    client.on('error', () => undefined);
    try {
      return await use(client);
    } finally {
      client.disconnect();
    }
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.kill(signal);
  }

  /** kill -9, and waits for the end. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** Forgets what was stored. Only when it doesn't run. */
  forget(): void {
    rmSync(path.join(this.folder, 'appendonlydir'), { recursive: true, force: true });
  }

  async stop(): Promise<void> {
    await this.kill();
    // A child that Redis forked to rewrite its log may still be writing into the folder; each attempt lists it anew.
    await eventually('its folder can be removed', () => {
      try {
        rmSync(this.folder, { recursive: true, force: true });
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOTEMPTY') return false;
        throw error;
      }
    });
  }

  async #answers(): Promise<void> {
    const deadline = Date.now() + READY_DEADLINE_MS;
    for (;;) {
      const answer = await this.with((client) => client.ping()).catch((error: unknown) => String(error));
      if (answer === 'PONG') return;
      if (Date.now() > deadline) throw new Error(`${BINARY} on port ${this.port} does not answer: ${answer}`);
      await sleep(20);
    }
  }
}

/**
 * A master, two replicas and three Sentinels. Two, because a master that was replaced becomes a replica only after
 * some 10 s, and a write that waits for one would wait so long.
 */
export interface SentinelGroup {
  readonly master: RedisTestServer;
  readonly replicas: readonly RedisTestServer[];
  readonly sentinels: readonly RedisTestServer[];
  /** kill -9 of the master, then `meanwhile`; resolves when every Sentinel has another one in its place. */
  killMaster(meanwhile?: () => unknown): Promise<void>;
  stop(): Promise<void>;
}

export async function startSentinelGroup(): Promise<SentinelGroup> {
  const master = await RedisTestServer.start();
  const settings = ['--replicaof', '127.0.0.1', String(master.port)];
  const replicas = await Promise.all([1, 2].map(() => RedisTestServer.start(settings)));
  await eventually('the replicas are in step', async () => {
    const states = await Promise.all(replicas.map((each) => each.with((client) => client.info('replication'))));
    return states.every((state) => state.includes('master_link_status:up'));
  });
  const sentinels = await Promise.all([1, 2, 3].map(() => RedisTestServer.startSentinel(master, 2)));
  await eventually('the Sentinels know each other and the replicas', async () => {
    const views = await Promise.all(
      sentinels.map((sentinel) => sentinel.with((client) => client.call('sentinel', 'master', 'formloom'))),
    );
    return views.every((view) => {
      const fields = view as string[];
      const read = (name: string): string | undefined => fields[fields.indexOf(name) + 1];
      return read('num-other-sentinels') === '2' && read('num-slaves') === '2';
    });
  });
  const all = [...sentinels, ...replicas, master];
  return {
    ...{ master, replicas, sentinels, stop: () => stopAll(all) },
    killMaster: async (meanwhile = () => undefined) => {
      await master.kill();
      await meanwhile();
      // Two: each of three may vote for itself, and then nobody is elected.
      await Promise.all(sentinels.slice(1).map((sentinel) => haveDownAfter(sentinel, HASTY_MS)));
      await Promise.all(
        sentinels.map(async (sentinel) => {
          await eventually('a replica has taken the place of the master', () =>
            sentinel.with(async (client) => {
              const address = await client.call('sentinel', 'get-master-addr-by-name', 'formloom');
              return (address as string[])[1] !== String(master.port);
            }),
          );
          await haveDownAfter(sentinel, PATIENT_MS);
        }),
      );
    },
  };
}

async function haveDownAfter(sentinel: RedisTestServer, ms: number): Promise<void> {
  await sentinel.with((client) => client.call('sentinel', 'set', 'formloom', 'down-after-milliseconds', String(ms)));
}

/** Three masters without replicas. */
export interface TestCluster {
  readonly nodes: readonly RedisTestServer[];
  stop(): Promise<void>;
}

export async function startCluster(): Promise<TestCluster> {
  const settings = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000'];
  const nodes = await Promise.all([1, 2, 3].map(async () => RedisTestServer.start(settings, await freePort())));
  const addresses = nodes.map(({ address }) => address);
  const created = spawnSync('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes'], { encoding: 'utf8' });
  if (created.status !== 0) throw new Error(`The cluster was not made: ${created.stdout}${created.stderr}`);
  await eventually('every node of the cluster knows that it is complete', async () => {
    const states = await Promise.all(nodes.map((node) => node.with((client) => client.cluster('INFO'))));
    return states.every((state) => state.includes('cluster_state:ok') && state.includes('cluster_known_nodes:3'));
  });
  return { nodes, stop: () => stopAll(nodes) };
}

async function stopAll(servers: readonly RedisTestServer[]): Promise<void> {
  await Promise.all(servers.map((server) => server.stop()));
}

function newFolder(): string {
  return mkdtempSync(path.join(tmpdir(), 'formloom-redis-'));
}
