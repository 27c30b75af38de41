import { closeSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs';
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

/**
 * Below the ports that the kernel gives to outgoing connections and to servers without a port of their own (32,768 and up),
 * and so that the bus of a Redis Cluster node, 10,000 higher, is below them too and is nobody's port.
 */
const FIRST = 12_000;
const COUNT = 10_000;
/** Longer than any run of the tests: what is older was left by a process that was killed. */
const ABANDONED_MS = 3_600_000;
const FOLDER = path.join(tmpdir(), 'formloom-ports');

const reserved = new Set<number>();
process.once('exit', () => reserved.forEach((port) => rmSync(reservation(port), { force: true })));

const reservation = (port: number): string => path.join(FOLDER, String(port));

/**
 * A port of the loopback interface for this process alone until it ends. A port that was merely free a moment ago may be
 * taken by another test before its server listens; that one then answers in the other's place.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + randomInt(COUNT);
    if (!reserve(port)) continue;
    if (await isFree(port)) return port;
  }
}

function reserve(port: number): boolean {
  const file = reservation(port);
  try {
    mkdirSync(FOLDER, { recursive: true });
    closeSync(openSync(file, 'wx'));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    forgetAbandoned(file);
    return false;
  }
  reserved.add(port);
  return true;
}

/** For the next one who draws this port: taken at once, two who find it abandoned would both have it. */
function forgetAbandoned(file: string): void {
  const since = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
  if (Date.now() - since > ABANDONED_MS) rmSync(file, { force: true });
}

/** Somebody else's server may be there. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
