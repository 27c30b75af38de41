/** The event feed of the server over a WebSocket, for as long as somebody listens. */
import { useEffect } from 'react';
import { waitMs } from '../../client/index.js';
import { ownName, token } from './session.js';

export interface FeedInterest {
  /** Exact types or groups such as `alert.*`, with commas between them. */
  readonly types: string;
  /** Events of this form alone. */
  readonly formId?: string;
}

/**
 * Calls at each event, and when events may have been missed.
 *
 * @returns ends it
 */
export function followFeed({ types, formId }: FeedInterest, onEvent: () => void): () => void {
  let socket: WebSocket | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let isOver = false;
  const open = (): void => {
    const url = new URL('/api/v1/feed', location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    url.searchParams.set('types', types);
    if (formId !== undefined) url.searchParams.set('formId', formId);
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

/** `onEvent` is kept stable by the caller. */
export function useFeed(types: string, onEvent: () => void, formId?: string): void {
  useEffect(() => followFeed(formId === undefined ? { types } : { types, formId }, onEvent), [types, onEvent, formId]);
}
