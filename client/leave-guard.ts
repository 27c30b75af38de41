/** Asks before a page is left on which something is not saved. */
import type { Connection } from './connection/connection.js';

interface Leaving {
  preventDefault(): void;
}
interface Page {
  addEventListener(type: 'beforeunload', listener: (event: Leaving) => void): void;
  removeEventListener(type: 'beforeunload', listener: (event: Leaving) => void): void;
}

/**
 * Browsers show a text of their own, and only to those who have touched the page.
 *
 * @param page absent: the global window
 * @returns takes it back
 */
export function guardLeaving(
  connection: Pick<Connection, 'hasUnsavedChanges'>,
  page: Page = globalThis as unknown as Page,
): () => void {
  const onLeave = (event: Leaving): void => {
    if (connection.hasUnsavedChanges) event.preventDefault();
  };
  page.addEventListener('beforeunload', onLeave);
  return () => page.removeEventListener('beforeunload', onLeave);
}
