/** Consumers of the event feed: server-sent events by `fetch`, and a WebSocket. */
import { WebSocket } from 'ws';

export interface HeardEvent {
  readonly id: string;
  readonly type: string;
  readonly time: string;
  readonly formId?: string;
  readonly userId?: string;
  // Looked into member by member, as answers are.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly data: any;
}

export interface FeedReader {
  readonly events: HeardEvent[];
  readonly status: number;
  readonly headers: Headers | undefined;
  /** Set when the server ended it: the close code, or 0 for the end of a stream. */
  ended: { readonly code: number } | undefined;
  types(): string[];
  close(): Promise<void>;
}

/** Resolves when the server has answered; an event that happens from then on is heard. */
export async function readStream(http: string, query = '', headers: Record<string, string> = {}): Promise<FeedReader> {
  const abort = new AbortController();
  const response = await fetch(`${http}/api/v1/feed${query}`, {
    headers: { accept: 'text/event-stream', ...headers },
    signal: abort.signal,
  });
  const events: HeardEvent[] = [];
  const reader: FeedReader = {
    events,
    status: response.status,
    headers: response.headers,
    ended: undefined,
    types: () => events.map(({ type }) => type),
    close: async () => {
      abort.abort();
      await reading;
    },
  };
  const reading = consume(response, events).then(
    () => {
      reader.ended = { code: 0 };
    },
    () => undefined, // aborted by `close`
  );
  return reader;
}

async function consume(response: Response, events: HeardEvent[]): Promise<void> {
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const messages = text.split('\n\n');
    text = messages.pop()!;
    for (const message of messages) {
      const fields = new Map(
        message.split('\n').map((line) => [line.split(':', 1)[0]!, line.replace(/^[^:]*: ?/, '')]),
      );
      const data = fields.get('data');
      if (data === undefined) continue;
      const event = JSON.parse(data) as HeardEvent;
      if (fields.get('id') !== event.id) throw new Error(`id of the message and the event differ: ${message}`);
      events.push(event);
    }
  }
}

export async function readSocket(ws: string, query = '', headers: Record<string, string> = {}): Promise<FeedReader> {
  const socket = new WebSocket(`${ws}/api/v1/feed${query}`, { headers });
  const events: HeardEvent[] = [];
  const reader: FeedReader = {
    events,
    status: 101,
    headers: undefined,
    ended: undefined,
    types: () => events.map(({ type }) => type),
    close: async () => {
      if (socket.readyState === WebSocket.CLOSED) return;
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.terminate();
      await closed;
    },
  };
  socket.on('message', (data: Buffer) => events.push(JSON.parse(data.toString()) as HeardEvent));
  socket.on('close', (code) => (reader.ended = { code }));
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve());
    socket.once('error', reject);
  });
  return reader;
}
