/** Formloom as an operator starts it, on core 0, with the caps on traffic out of the way. Needs Linux' taskset. */
import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.js';
import { ProcessUsage } from './measuring/process-usage.js';

export interface PinnedServer {
  readonly child: ChildProcess;
  readonly port: number;
  readonly usage: ProcessUsage;
}

const READY_MS = 20_000;
const CAPS = ['CONNECTION_POOL_SIZE=10000', 'USER_LIMITS=off', 'DOCUMENT_LIMITS=off', 'ADDRESS_LIMITS=off'];
const main = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../dist/cli/main.js');

/** @param settings more of the environment, as NAME=value. @throws Error when it does not become ready */
export async function startPinnedServer(dataDir: string, settings: readonly string[] = []): Promise<PinnedServer> {
  const port = await freePort();
  const environment = [`PORT=${port}`, `DATA_DIR=${dataDir}`, 'LOG_LEVEL=error', ...CAPS, ...settings];
  const child = spawn('taskset', ['-c', '0', 'env', ...environment, process.execPath, main, 'serve'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const until = performance.now() + READY_MS;
  const isReady = async (): Promise<boolean> => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/health/ready`).catch(() => undefined);
    return response?.status === 200;
  };
  while (!(await isReady())) {
    if (performance.now() > until || child.exitCode !== null) throw new Error('the server does not start');
    await pause(50);
  }
  // taskset and env become what they start: the process is the server's.
  return { child, port, usage: new ProcessUsage(child.pid ?? 0) };
}
