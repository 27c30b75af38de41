/** Whether what was written is safe on the server. */
import { useCallback, useSyncExternalStore, type ReactNode } from 'react';
import type { Connection, SaveState } from '../../client/index.js';
import { useWording } from '../app/language.js';

const TEXTS = { saved: 'saved', saving: 'saving', offline: 'offlineUnsaved', refused: 'refused' } as const;

export function useConnectionStatus(connection: Connection): { status: string; save: SaveState } {
  const subscribe = useCallback(
    (listener: () => void) => {
      connection.on('state', listener);
      connection.on('save', listener);
      return () => {
        connection.off('state', listener);
        connection.off('save', listener);
      };
    },
    [connection],
  );
  const status = useSyncExternalStore(subscribe, () => connection.state.status);
  const save = useSyncExternalStore(subscribe, () => connection.saveState);
  return { status, save };
}

export function SaveIndicator({ connection }: { readonly connection: Connection }): ReactNode {
  const { t } = useWording();
  const { status, save } = useConnectionStatus(connection);
  const isOffline = status === 'offline' || status === 'idle';
  const state = save === 'saved' && isOffline ? 'offline' : save;
  const text =
    save === 'saved' && status === 'connecting'
      ? t('connecting')
      : isOffline && save === 'saved'
        ? t('offline')
        : t(TEXTS[save]);
  return (
    <span className={`save-state ${state}`} role="status" data-state={state}>
      {text}
    </span>
  );
}
