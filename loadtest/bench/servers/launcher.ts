/** Starts servers under test, pinned to their core, and sees to it that none outlives the benchmark. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../../load/free-port.js';
import { ProcessUsage } from '../../load/measuring/process-usage.js';
import type { ServerAdapter } from './server.js';

export interface StartOptions {
  readonly nodeFlags?: readonly string[];
  /** Start on the data of an earlier server: a restart. */
  readonly dataDir?: string;
}

const READY_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 20_000;
const POLL_MS = 20;

export class ServerLauncher {
  readonly #running = new Set<RunningServer>();

  constructor(
    /** Folder under which each server gets its own. */
    private readonly folder: string,
    /** Core for the servers, or undefined to let them float. */
    private readonly core: number | undefined,
    private readonly profileDir: string | undefined,
  ) {}

  /** Resolves when the server is ready. @throws Error with the end of its output when it does not become so. */
  async start(adapter: ServerAdapter, options: StartOptions = {}): Promise<RunningServer> {
    const dataDir = options.dataDir ?? mkdtempSync(path.join(this.folder, `${adapter.name}-`));
    const port = await freePort();
    const profileDir = adapter.name === 'formloom' ? this.profileDir : undefined;
    const launch = adapter.launch({ port, dataDir, profileDir });
    const command = [launch.node, ...launch.nodeFlags, ...(options.nodeFlags ?? []), ...launch.script];
    // `env` and `taskset` replace themselves by what they start: the child's id is the server's.
    const variables = Object.entries(launch.env).map(([name, value]) => `${name}=${value}`);
    const pinned = this.core === undefined ? command : ['taskset', '-c', String(this.core), ...command];
    const logFile = `${dataDir}.log`;
    const log = openSync(logFile, 'a');
    const child = spawn('env', [...variables, ...pinned], { cwd: this.folder, stdio: ['ignore', log, log] });
    closeSync(log);
    const server = new RunningServer(adapter, child, port, dataDir, logFile);
    this.#running.add(server);
    child.once('exit', () => this.#running.delete(server));
    await server.becomeReady();
    return server;
  }

  /** Kills what still runs. */
  async stopAll(): Promise<void> {
    await Promise.all([...this.#running].map((server) => server.kill()));
  }
}

export class RunningServer {
  readonly usage: ProcessUsage;
  readonly #exit: Promise<void>;

  constructor(
    readonly adapter: ServerAdapter,
    private readonly child: ChildProcess,
    readonly port: number,
    readonly dataDir: string,
    private readonly logFile: string,
  ) {
    this.usage = new ProcessUsage(child.pid ?? -1);
    this.#exit = new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
  }

  get dialect(): ServerAdapter['dialect'] {
    return this.adapter.dialect;
  }

  get isRunning(): boolean {
    return this.child.pid !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** @throws Error with the end of its output. */
  async becomeReady(): Promise<void> {
    const limit = Date.now() + READY_TIMEOUT_MS;
    const url = `http://127.0.0.1:${this.port}${this.adapter.readyPath}`;
    while (Date.now() < limit && this.isRunning) {
      const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
      // The body is read so that the connection is free again.
      await answer?.arrayBuffer().catch(() => undefined);
      if (answer?.status === 200) return;
      await pause(POLL_MS);
    }
    throw new Error(`${this.adapter.name} did not become ready:\n${this.output()}`);
  }

  /** The end of what it printed. */
  output(): string {
    return readFileSync(this.logFile, 'utf8').slice(-2_000);
  }

  /** A clean end: a durable server has everything on disk, a profiled one its profile. */
  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    await Promise.race([this.#exit, pause(STOP_TIMEOUT_MS, undefined, { ref: false })]);
    await this.kill();
  }

  async kill(): Promise<void> {
    if (this.isRunning) {
      this.child.kill('SIGKILL');
      await this.#exit;
    }
  }

  /** After the end: frees the disk. */
  discard(): void {
    rmSync(this.dataDir, { recursive: true, force: true });
    rmSync(this.logFile, { force: true });
  }
}
