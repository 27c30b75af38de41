/** A real `formloom serve` in a process of its own, as an operator starts it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.js';
import { until } from './until.js';

const ROOT = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
export const FORMLOOM = path.join(ROOT, 'dist/cli/main.js');

export interface ServerProcess {
  readonly port: number;
  readonly http: string;
  readonly ws: string;
  readonly dataDir: string;
  readonly child: ChildProcess;
  /** What came of all that it wrote, stdout and stderr. */
  output(): string;
  /** Resolves when it has written this: its answers may be here before its words. */
  said(pattern: RegExp): Promise<void>;
  /** kill -9; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with the exit code. */
  terminate(): Promise<number | null>;
  /** Ends it if it still runs and deletes the data folder. */
  cleanup(): Promise<void>;
}

export interface ServerOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Reuse this folder: a restart. */
  readonly dataDir?: string;
  readonly port?: number;
  /** Do not wait for readiness: for servers that are meant to fail. */
  readonly isExpectedToFail?: boolean;
}

export const temporaryFolder = (): Promise<string> => mkdtemp(path.join(tmpdir(), 'formloom-test-'));

export async function startServer(options: ServerOptions = {}): Promise<ServerProcess> {
  const port = options.port ?? (await freePort());
  const dataDir = options.dataDir ?? (await temporaryFolder());
  const child = spawn(process.execPath, [FORMLOOM, 'serve'], {
    env: {
      PATH: process.env['PATH'] ?? '',
      PORT: String(port),
      DATA_DIR: dataDir,
      DRAIN_SECONDS: '0',
      LOG_LEVEL: 'warn',
      ...options.env,
    },
    cwd: dataDir,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const server: ServerProcess = {
    port,
    http: `http://127.0.0.1:${port}`,
    ws: `ws://127.0.0.1:${port}`,
    dataDir,
    child,
    output: () => text,
    said: (pattern) => until(() => pattern.test(text), { what: () => `it says ${pattern.source}:\n${text}` }),
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
    terminate: () => {
      child.kill('SIGTERM');
      return exited;
    },
    cleanup: async () => {
      if (child.exitCode === null) child.kill('SIGKILL');
      await exited;
      await rm(dataDir, { recursive: true, force: true, maxRetries: 10 });
    },
  };
  if (options.isExpectedToFail !== true) {
    await until(
      async () => {
        if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}:\n${text}`);
        const response = await fetch(`${server.http}/api/v1/health/ready`).catch(() => undefined);
        return response?.status === 200;
      },
      { what: () => `the server is ready:\n${text}` },
    );
  }
  return server;
}
