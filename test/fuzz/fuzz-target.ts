/** The server that is fuzzed: the whole product, in this process or in one of its own. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { composeServer } from '../harness/composed-server.js';
import { freePort } from '../harness/free-port.js';
import { startServer } from '../harness/server-process.js';

export interface FuzzTarget {
  readonly http: string;
  readonly ws: string;
  /** Ends it and starts it again on the same data and the same port. */
  restart(): Promise<void>;
  /** What it has in use: must not grow without end. */
  memoryBytes(): Promise<number>;
  /** What went wrong with the process itself; undefined while it runs. */
  crash(): string | undefined;
  /** The end of its log: errors alone. */
  log(): string;
  cleanup(): Promise<void>;
}

/** What is fuzzed is not the limit on handshakes: who is thrown out comes back at once. */
const ENV = { HANDSHAKES_PER_SECOND: '5000', LOG_LEVEL: 'error' };

/** In this process: cheap, and its heap can be read to the byte. */
export async function targetInProcess(): Promise<FuzzTarget> {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const env = { ...ENV, PORT: String(await freePort()) };
  let server = await composeServer({ env });
  return {
    http: server.http,
    ws: server.ws,
    restart: async () => {
      await server.close();
      server = await composeServer({ env, dataDir: server.dataDir });
    },
    memoryBytes: async () => {
      collectGarbage();
      return process.memoryUsage().heapUsed;
    },
    crash: () => undefined,
    log: () => 'run it in a process of its own to see its log',
    cleanup: () => server.cleanup(),
  };
}

/** As an operator runs it: a crash of the server is not one of the fuzzer. */
export async function targetOfItsOwn(): Promise<FuzzTarget> {
  const port = await freePort();
  let server = await startServer({ env: ENV, port });
  return {
    http: server.http,
    ws: server.ws,
    restart: async () => {
      await server.terminate();
      server = await startServer({ env: ENV, port, dataDir: server.dataDir });
    },
    memoryBytes: async () => {
      const text = await (await fetch(`${server.http}/metrics`)).text();
      return Number(/^formloom_process_resident_memory_bytes (\d+)/m.exec(text)?.[1] ?? Number.NaN);
    },
    log: () => server.output().slice(-4_000),
    crash: () => {
      const { exitCode, signalCode } = server.child;
      return exitCode === null && signalCode === null
        ? undefined
        : `the server ended (${exitCode ?? signalCode}):\n${server.output().slice(-4_000)}`;
    },
    cleanup: () => server.cleanup(),
  };
}
