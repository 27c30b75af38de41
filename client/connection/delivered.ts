/** A request overtakes edits that are on their way, or wait for a line: what acts on a document has to wait for them. */
import type { Connection } from './connection.js';
import { ConnectionClosedError } from './events.js';
import { STALE_COPY } from './state.js';

/**
 * Resolves when the server has everything that was written here, or refuses it: of that it tells itself.
 *
 * @throws ConnectionClosedError when it will not have it, as there is no line to it, or knows an earlier state alone
 */
export async function delivered(connection: Connection): Promise<void> {
  const isDelivered = (): boolean =>
    !connection.hasUnsavedChanges || (connection.saveState === 'refused' && connection.state.status !== 'closed');
  const isOnItsWay = (): boolean => ['connecting', 'synced'].includes(connection.state.status);
  // What a restored backup took back the server had once.
  const isStale = (): boolean => connection.state.status === 'closed' && connection.state.code === STALE_COPY;
  if (!isDelivered()) connection.retryNow();
  if (!isDelivered() && isOnItsWay()) {
    await new Promise<void>((resolve) => {
      const check = (): void => {
        if (!isDelivered() && isOnItsWay()) return;
        connection.off('state', check);
        connection.off('save', check);
        resolve();
      };
      connection.on('state', check);
      connection.on('save', check);
    });
  }
  if (isDelivered() && !isStale()) return;
  const { state } = connection;
  throw new ConnectionClosedError(
    'code' in state ? state.code : 1000,
    isStale()
      ? 'A backup was restored: the server does not have what was written here.'
      : 'The last edits have not reached the server: there is no connection to it.',
  );
}
