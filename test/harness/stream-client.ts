/** An editor where no WebSocket passes: Yjs and y-protocols over server-sent events and POSTs. */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import * as awarenessProtocol from 'y-protocols/awareness';
import * as syncProtocol from 'y-protocols/sync';
import * as Y from 'yjs';
import { until } from './until.js';

export interface StreamClient {
  readonly doc: Y.Doc;
  readonly awareness: awarenessProtocol.Awareness;
  /** Status of the answer to GET. */
  readonly status: number;
  readonly headers: Headers;
  /** From the event `open`. */
  readonly connection: string;
  readonly secret: string;
  readonly closed: { code: number; reason: string } | undefined;
  readonly isSynced: boolean;
  /** True from the end of the stream on, with or without a close. */
  readonly isOver: boolean;
  /** Statuses of all posts. */
  readonly posts: readonly number[];
  synced(): Promise<void>;
  closing(): Promise<{ code: number; reason: string }>;
  /** Sends messages as they are, behind those that wait. */
  send(...messages: Uint8Array[]): void;
  /** Resolves when nothing waits to be sent. */
  sent(): Promise<void>;
  /** One POST by hand. */
  post(body: Uint8Array, options?: { sequence?: number; headers?: Record<string, string> }): Promise<Response>;
  /** While true, nothing is read: the sockets fill. */
  isReading: boolean;
  /** The line is cut; the document stays. */
  cut(): void;
}

export interface StreamOptions {
  readonly doc?: Y.Doc;
  readonly token?: string;
}

export async function streamClient(
  http: string,
  document: string,
  { doc = new Y.Doc(), token }: StreamOptions = {},
): Promise<StreamClient> {
  const url = `${http}/api/v1/sync/${document}`;
  const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const line = new AbortController();
  const response = await fetch(url, { headers: authorization, signal: line.signal });
  const awareness = new awarenessProtocol.Awareness(doc);
  let [connection, secret] = ['', ''];
  let closed: { code: number; reason: string } | undefined;
  let [isSynced, isOver, isSending] = [false, false, false];
  let sequence = 0;
  const posts: number[] = [];
  const queue: Uint8Array[] = [];

  const client = {
    doc,
    awareness,
    status: response.status,
    headers: response.headers,
    get connection() {
      return connection;
    },
    get secret() {
      return secret;
    },
    get closed() {
      return closed;
    },
    get isSynced() {
      return isSynced;
    },
    get isOver() {
      return isOver;
    },
    posts,
    isReading: true,
    synced: () => until(() => isSynced, { what: 'the stream client is synced' }),
    closing: async () => {
      await until(() => closed !== undefined, { what: 'the server closes the stream' });
      return closed!;
    },
    send: (...messages: Uint8Array[]) => {
      queue.push(...messages);
      void pump();
    },
    sent: () => until(() => queue.length === 0 && !isSending, { what: 'everything is sent' }),
    post: (body: Uint8Array, options: { sequence?: number; headers?: Record<string, string> } = {}) =>
      fetch(`${url}?connection=${connection}${options.sequence === undefined ? '' : `&sequence=${options.sequence}`}`, {
        method: 'POST',
        headers: {
          ...authorization,
          'content-type': 'application/octet-stream',
          'x-connection-secret': secret,
          ...options.headers,
        },
        body: new Uint8Array(body),
      }),
    cut: () => {
      line.abort();
      finish();
    },
  };

  /** One post at a time, with all that waits. */
  const pump = async (): Promise<void> => {
    if (isSending || isOver || connection === '') return;
    isSending = true;
    while (queue.length > 0 && !(isOver as boolean)) {
      const messages = queue.splice(0);
      sequence += 1;
      const answer = await client.post(Buffer.concat(messages), { sequence }).catch(() => undefined);
      if (answer !== undefined) posts.push(answer.status);
    }
    isSending = false;
  };

  const message = (type: number, write: (encoder: encoding.Encoder) => void): Uint8Array => {
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, type);
    write(encoder);
    return encoding.toUint8Array(encoder);
  };
  const onUpdate = (update: Uint8Array, origin: unknown): void => {
    if (origin !== client) client.send(message(0, (encoder) => syncProtocol.writeUpdate(encoder, update)));
  };
  const sendAwareness = (ids: number[]): void =>
    client.send(
      message(1, (encoder) =>
        encoding.writeVarUint8Array(encoder, awarenessProtocol.encodeAwarenessUpdate(awareness, ids)),
      ),
    );
  const onAwareness = ({ added, updated }: { added: number[]; updated: number[] }): void => {
    const isOurs = [...added, ...updated].includes(doc.clientID);
    if (isOurs) sendAwareness([doc.clientID]);
  };

  const receive = (bytes: Uint8Array): void => {
    const decoder = decoding.createDecoder(bytes);
    const type = decoding.readVarUint(decoder);
    if (type === 0) {
      const encoder = encoding.createEncoder();
      encoding.writeVarUint(encoder, 0);
      const step = syncProtocol.readSyncMessage(decoder, encoder, doc, client);
      if (encoding.length(encoder) > 1) client.send(encoding.toUint8Array(encoder));
      if (step === 1) isSynced = true;
    } else if (type === 1) {
      awarenessProtocol.applyAwarenessUpdate(awareness, decoding.readVarUint8Array(decoder), client);
    }
  };
  const handle = (name: string, data: string): void => {
    if (name === 'message') receive(Buffer.from(data, 'base64'));
    else if (name === 'open') {
      ({ connection, secret } = JSON.parse(data) as { connection: string; secret: string });
      client.send(message(0, (encoder) => syncProtocol.writeSyncStep1(encoder, doc)));
      if (awareness.getLocalState() !== null) sendAwareness([doc.clientID]);
    } else if (name === 'ping') void client.post(new Uint8Array()).catch(() => undefined);
    else if (name === 'close') closed = JSON.parse(data) as { code: number; reason: string };
  };
  const finish = (): void => {
    if (isOver) return;
    isOver = true;
    doc.off('update', onUpdate);
    awareness.destroy();
  };
  const read = async (): Promise<void> => {
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      const events = text.split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) {
        const lines = event.split('\n');
        const name = lines.find((one) => one.startsWith('event: '))?.slice(7) ?? 'message';
        handle(name, lines.find((one) => one.startsWith('data: '))?.slice(6) ?? '');
      }
      if (!client.isReading) await until(() => client.isReading || isOver);
    }
  };
  doc.on('update', onUpdate);
  awareness.on('update', onAwareness);
  void read()
    .catch((error: unknown) => {
      // The line was cut, by us or by the server.
      if (!(error instanceof Error)) throw error;
    })
    .finally(finish);
  return client;
}
