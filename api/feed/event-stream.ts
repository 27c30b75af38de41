/** The feed as server-sent events (WHATWG HTML, 9.2): one unnamed message per event, so that `onmessage` gets them all. */
import { Readable } from 'node:stream';
import type { FeedSink } from './listeners.js';
import type { ShownEvent } from './schemas.js';

/** How long a browser waits before it comes back. */
const RETRY_MS = 2_000;
const BUFFER_BYTES = 256 * 1024;

export interface EventStream {
  readonly body: Readable;
  readonly sink: FeedSink;
}

/** What is sent is what the consumer reads: it is held back while more than 256 KiB wait for it. */
export function eventStream(): EventStream {
  let hasRoom: (() => void) | undefined;
  const goOn = (): void => {
    hasRoom?.();
    hasRoom = undefined;
  };
  const body = new Readable({
    highWaterMark: BUFFER_BYTES,
    read: goOn,
    destroy: (error, done) => {
      goOn();
      done(error);
    },
  });
  // At once, so that the headers go out and the consumer knows that it is connected.
  body.push(`retry: ${RETRY_MS}\n: connected\n\n`);
  const isOver = (): boolean => body.destroyed || body.readableEnded;
  let isEnded = false;
  const sink: FeedSink = {
    send: async (events, isReplay = false) => {
      if (isEnded || isOver()) return;
      if (body.push(events.map((event) => messageOf(event, isReplay)).join(''))) return;
      await new Promise<void>((resolve) => (hasRoom = resolve));
    },
    beat: () => {
      // A consumer that does not read gets no beats on top.
      if (!isEnded && !isOver() && body.readableLength < BUFFER_BYTES) body.push(': beat\n\n');
    },
    end: () => {
      if (isEnded || isOver()) return;
      isEnded = true;
      goOn();
      body.push(null);
    },
  };
  return { body, sink };
}

/** JSON has no raw line breaks, so it is one `data` line. Without an `id` the browser keeps its `Last-Event-ID`. */
function messageOf(event: ShownEvent, isReplay: boolean): string {
  return `${isReplay ? '' : `id: ${event.id}\n`}data: ${JSON.stringify(event)}\n\n`;
}
