/** The SDK as a Node program uses it, ended with the test. */
import { WebSocket } from 'ws';
import { connect, type Connection, type Server, type ServerOptions } from '../../client/index.js';
import { until } from '../harness/until.js';

export function sdk(
  t: { teardown(end: () => unknown): void },
  url: string,
  options: Omit<ServerOptions, 'url' | 'WebSocket'> = {},
): Server {
  const server = connect({ url, WebSocket, ...options });
  t.teardown(() => server.close());
  return server;
}

export const synced = (connection: Connection): Promise<void> =>
  until(() => connection.state.status === 'synced', { what: () => `synced, not ${JSON.stringify(connection.state)}` });

export const saved = (connection: Connection): Promise<void> =>
  until(() => connection.saveState === 'saved', { what: () => `saved, not ${connection.saveState}` });

export const closed = (connection: Connection): Promise<void> =>
  until(() => connection.state.status === 'closed', { what: () => `closed, not ${JSON.stringify(connection.state)}` });
