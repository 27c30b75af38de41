/** The server under load: one of our own in a process beside us, or a running one by its URL. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir, totalmem } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../load/free-port.js';

export interface Usage {
  /** Of the server process since its start, in seconds. */
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
}

export interface Target {
  /** http://host:port */
  readonly url: string;
  readonly token: string | undefined;
  usage(): Promise<Usage>;
  /** How the tuner stands; undefined when this server has none that could be switched with this token. */
  tuner(): Promise<string | undefined>;
  setTuner(mode: string): Promise<boolean>;
  close(): Promise<void>;
}

/** The server cannot be reached or started; the message says why. */
export class TargetError extends Error {}

export const CORES = availableParallelism();
export const MEMORY_BYTES = totalmem();
const READY_MS = 30_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A server of our own on a free port, with an empty store in a temporary folder. @param main the built `main.js` */
export async function ownServer(main: string, connections: number): Promise<Target> {
  const folder = await mkdtemp(path.join(tmpdir(), 'formloom-load-test-'));
  const port = await freePort();
  const settings = [
    ...[`PORT=${port}`, `DATA_DIR=${folder}`, 'AUTH=off', 'LOG_LEVEL=warn', 'DRAIN_SECONDS=0'],
    // All of the load comes from one address.
    ...[`CONNECTION_POOL_SIZE=${connections * 2}`, 'ADDRESS_LIMITS=off'],
  ];
  const child = spawn('env', [...settings, process.execPath, main, 'serve'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    cwd: folder,
  });
  // Ctrl-C, or a job that is cut off: neither the server nor its folder outlives the test.
  const abandon = (signal: NodeJS.Signals): void => {
    forget();
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
    process.kill(process.pid, signal);
  };
  const forget = (): void => {
    for (const signal of SIGNALS) process.off(signal, abandon);
  };
  for (const signal of SIGNALS) process.on(signal, abandon);
  const close = async (): Promise<void> => {
    forget();
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  };
  const target = { ...remoteServer(`http://127.0.0.1:${port}`, undefined), close };
  const start = performance.now();
  for (;;) {
    const answer = await fetch(`${target.url}/api/v1/health/ready`).catch(() => undefined);
    if (answer?.status === 200) return target;
    if (child.exitCode !== null || performance.now() - start > READY_MS) {
      await close();
      throw new TargetError('the server for the load test did not start');
    }
    await pause(50);
  }
}

export function remoteServer(url: string, token: string | undefined): Target {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const usage = async (): Promise<Usage> => {
    const answer = await fetch(`${url}/metrics`, { headers }).catch((error: unknown) => {
      throw new TargetError(`no server answers at ${url}`, { cause: error });
    });
    const text = await answer.text();
    const read = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? NaN);
    return {
      cpuSeconds: read('formloom_process_cpu_seconds_total'),
      rssBytes: read('formloom_process_resident_memory_bytes'),
      heapBytes: read('formloom_process_heap_used_bytes'),
    };
  };
  const tuner = async (): Promise<string | undefined> => {
    const answer = await fetch(`${url}/api/v1/optimization/tuner`, { headers });
    return answer.ok ? ((await answer.json()) as { mode: string }).mode : undefined;
  };
  const setTuner = async (mode: string): Promise<boolean> => {
    const body = JSON.stringify({ mode });
    const answer = await fetch(`${url}/api/v1/optimization/tuner`, {
      ...{ method: 'PUT', body, headers: { ...headers, 'content-type': 'application/json' } },
    });
    return answer.ok;
  };
  return { url, token, usage, tuner, setTuner, close: () => Promise.resolve() };
}
