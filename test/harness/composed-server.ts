/** The whole server, composed as `formloom serve` does it, in this process: for what only the composition root may set. */
import { rm } from 'node:fs/promises';
import { pino } from 'pino';
import type { RetrySchedule } from '../../api/webhooks/index.js';
import { startFormloom } from '../../cli/compose.js';
import type { RateLimitsOptions } from '../../server/limits/index.js';
import { loadConfig } from '../../server/config/index.js';
import { freePort } from './free-port.js';
import { temporaryFolder } from './server-process.js';

export interface ComposedServer {
  readonly http: string;
  readonly ws: string;
  readonly dataDir: string;
  close(): Promise<void>;
  /** Closes it and deletes its data. */
  cleanup(): Promise<void>;
}

export interface ComposedOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Reuse this folder: a restart. */
  readonly dataDir?: string;
  /** Instead of waiting for the real one. */
  readonly webhookSchedule?: RetrySchedule;
  /** How often alert rules are evaluated, in milliseconds. */
  readonly alertsEveryMs?: number;
  /** How often abandoned submissions are looked for, in milliseconds. */
  readonly abandonmentEveryMs?: number;
  /** How long a connection may be over its budget before it is closed, in milliseconds. */
  readonly trafficPatienceMs?: number;
  /** Budgets of requests per user, tenant and address. */
  readonly requestLimits?: RateLimitsOptions['rules'];
}

export async function composeServer(options: ComposedOptions = {}): Promise<ComposedServer> {
  const { env, dataDir, ...parts } = options;
  const folder = dataDir ?? (await temporaryFolder());
  const config = loadConfig({ env: { PORT: String(await freePort()), DATA_DIR: folder, ...env }, flags: {} });
  const server = await startFormloom(config, pino({ level: 'silent' }), parts);
  return {
    http: server.url,
    ws: server.url.replace(/^http/, 'ws'),
    dataDir: folder,
    close: () => server.close(0),
    cleanup: async () => {
      await server.close(0);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
