/** A server process of Formloom under stress, as an operator starts it; only the caps on connections are raised. */
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../load/free-port.js';
import type { Endpoint } from '../load/clients/sync-client.js';
import { createAdapter } from '../bench/servers/adapters.js';
import { Inspector } from '../bench/servers/inspector.js';
import type { RunningServer, ServerLauncher } from '../bench/servers/launcher.js';

export interface StressServerOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Its heap and its handles can be read. */
  readonly isInspected?: boolean;
}

const SAMPLE_MS = 50;

export class StressServer {
  private constructor(
    private readonly server: RunningServer,
    private readonly inspector: Inspector | undefined,
  ) {}

  static async start(
    launcher: ServerLauncher,
    main: string,
    { env = {}, isInspected = false }: StressServerOptions = {},
  ): Promise<StressServer> {
    const formloom = createAdapter('formloom', { formloomMain: main, besideMain: undefined }, undefined);
    const adapter: typeof formloom = {
      ...formloom,
      launch: (context) => {
        const launch = formloom.launch(context);
        return { ...launch, env: { ...launch.env, ...env } };
      },
    };
    const port = isInspected ? await freePort() : undefined;
    const server = await launcher.start(
      adapter,
      port === undefined ? {} : { nodeFlags: [`--inspect=127.0.0.1:${port}`] },
    );
    return new StressServer(server, port === undefined ? undefined : await Inspector.connect(port));
  }

  get endpoint(): Endpoint {
    return this.server;
  }

  get port(): number {
    return this.server.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.server.port}`;
  }

  get isRunning(): boolean {
    return this.server.isRunning;
  }

  get rssBytes(): number {
    return this.server.usage.rssBytes();
  }

  /** The end of what it printed. */
  output(): string {
    return this.server.output();
  }

  /** The value of one line of /metrics, such as `formloom_joins_total{state="encoded"}`; 0 when it is not there. */
  async metric(line: string): Promise<number> {
    return metricIn(await this.metrics(), line);
  }

  async metrics(): Promise<string> {
    const answer = await fetch(`${this.url}/metrics`);
    return answer.text();
  }

  /** @throws Error with the server's answer */
  async post(path: string, body: Uint8Array): Promise<void> {
    const answer = await fetch(`${this.url}/api/v1${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: Buffer.from(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  }

  /** Bytes of the JavaScript heap that are in use, after full collections. */
  async liveHeapBytes(): Promise<number> {
    if (this.inspector === undefined) throw new Error('the server was not started to be inspected');
    return this.inspector.liveHeapBytes();
  }

  /** What the process holds open, by kind: sockets, timers. */
  async resources(): Promise<Readonly<Record<string, number>>> {
    if (this.inspector === undefined) throw new Error('the server was not started to be inspected');
    const names = await this.inspector.evaluate('JSON.stringify(process.getActiveResourcesInfo())');
    const counts: Record<string, number> = {};
    for (const name of JSON.parse(String(names)) as string[]) counts[name] = (counts[name] ?? 0) + 1;
    return counts;
  }

  /** Follows the resident memory until `stop`, which answers the highest value seen. */
  watchMemory(): { stop(): number } {
    let highest = this.rssBytes;
    const timer = setInterval(() => {
      if (this.isRunning) highest = Math.max(highest, this.rssBytes);
    }, SAMPLE_MS);
    return {
      stop: () => {
        clearInterval(timer);
        return Math.max(highest, this.rssBytes);
      },
    };
  }

  /** Follows one line of /metrics until `stop`, which answers the highest value seen. */
  watchMetric(line: string, everyMs = 500): { stop(): Promise<number> } {
    let highest = 0;
    const end = new AbortController();
    const watching = (async () => {
      for (;;) {
        highest = Math.max(highest, await this.metric(line));
        if (end.signal.aborted) return;
        await pause(everyMs);
      }
    })();
    return {
      stop: async () => {
        end.abort();
        await watching;
        return highest;
      },
    };
  }

  async kill(): Promise<void> {
    this.inspector?.close();
    await this.server.kill();
    this.server.discard();
  }
}

export function metricIn(text: string, line: string): number {
  const found = text.split('\n').find((each) => each.startsWith(`${line} `));
  return found === undefined ? 0 : Number(found.slice(line.length + 1));
}
