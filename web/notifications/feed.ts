/** The event feed of the server over a WebSocket, for as long as somebody listens. */
import { waitMs } from '../../client/index.js';
import { ownName, token } from '../app/session.js';

/**
 * Calls at each event of the type, and when events may have been missed.
 *
 * @returns ends it
 */
export function followFeed(type: string, onEvent: () => void): () => void {
  let socket: WebSocket | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let isOver = false;
  const open = (): void => {
    const url = new URL('/api/v1/feed', location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    url.searchParams.set('types', type);
    if (token === undefined) url.searchParams.set('user', ownName());
    else url.searchParams.set('token', token);
    socket = new WebSocket(url);
    socket.onopen = () => {
      // Between two connections something may have happened.
      if (failures > 0) onEvent();
      failures = 0;
    };
    socket.onmessage = () => onEvent();
    socket.onclose = ({ code }) => {
      if (isOver || (code >= 4400 && code < 4500)) return;
      timer = setTimeout(open, waitMs(failures, code, Math.random));
      failures += 1;
    };
  };
  open();
  return () => {
    isOver = true;
    clearTimeout(timer);
    socket?.close();
  };
}
