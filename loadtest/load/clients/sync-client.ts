/** One participant: joins a document over a load socket, answers the server's sync, and hands on what arrives. */
import { LoadNetwork, type FrameSink, type LoadSocket } from './load-socket.js';
import {
  AWARENESS,
  clientFrame,
  EMPTY_STATE_VECTOR,
  EMPTY_UPDATE,
  readVarUint,
  STEP_1,
  STEP_2,
  syncMessage,
  type Dialect,
} from './wire.js';

/** What a scenario wants to see; ranges are valid during the call alone. */
export interface Listener {
  update?(bytes: Buffer, start: number, end: number): void;
  awareness?(bytes: Buffer, start: number, end: number): void;
}

/** Where to connect. */
export interface Endpoint {
  readonly port: number;
  readonly dialect: Dialect;
}

export class SyncClient implements FrameSink {
  isSynced = false;
  #socket: LoadSocket | undefined;
  #isGone = false;
  readonly #prefix: Uint8Array;
  #onSynced: (() => void) | undefined;

  private constructor(
    private readonly endpoint: Endpoint,
    document: string,
    private readonly listener: Listener,
  ) {
    this.#prefix = endpoint.dialect.prefix(document);
  }

  /** Resolves when the server has sent its sync step 2. @throws UpgradeRefused, or an error of the connection. */
  static async join(
    network: LoadNetwork,
    endpoint: Endpoint,
    document: string,
    listener: Listener = {},
  ): Promise<SyncClient> {
    const client = new SyncClient(endpoint, document, listener);
    const synced = new Promise<void>((resolve) => (client.#onSynced = resolve));
    client.#socket = await network.open(endpoint.port, endpoint.dialect.path(document), client);
    const greeting = endpoint.dialect.greeting().map((message) => client.frame(message));
    client.write(Buffer.concat([...greeting, client.frame(syncMessage(STEP_1, EMPTY_STATE_VECTOR))]));
    await synced;
    if (client.#isGone) throw new Error(`the server closed a connection to ${document} before it was synced`);
    return client;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  get bytesReceived(): number {
    return this.#socket?.bytesReceived ?? 0;
  }

  /** A message as a frame for this document. */
  frame(message: Uint8Array): Buffer {
    return clientFrame([this.#prefix, message]);
  }

  write(frames: Buffer): boolean {
    return this.#socket?.write(frames) ?? false;
  }

  drained(): Promise<void> {
    return this.#socket?.drained() ?? Promise.resolve();
  }

  stall(): void {
    this.#socket?.stall();
  }

  resume(): void {
    this.#socket?.resume();
  }

  close(): Promise<void> {
    return this.#socket?.close() ?? Promise.resolve();
  }

  destroy(): void {
    this.#socket?.destroy();
  }

  message(bytes: Buffer, start: number, end: number): void {
    const at = start + this.#prefix.length;
    const type = bytes[at] ?? -1;
    if (this.endpoint.dialect.isSync(type)) {
      const step = bytes[at + 1];
      const { value: length, next } = readVarUint(bytes, at + 2);
      if (next + length > end) throw new RangeError('a sync message is longer than its frame');
      if (step === STEP_1) {
        this.write(this.frame(syncMessage(STEP_2, EMPTY_UPDATE)));
        return;
      }
      this.listener.update?.(bytes, next, next + length);
      if (step === STEP_2) this.#becomeSynced();
    } else if (type === AWARENESS && this.listener.awareness !== undefined) {
      const { value: length, next } = readVarUint(bytes, at + 1);
      this.listener.awareness(bytes, next, next + length);
    }
  }

  closed(): void {
    this.#isGone = true;
    this.#becomeSynced();
  }

  #becomeSynced(): void {
    this.isSynced = true;
    this.#onSynced?.();
    this.#onSynced = undefined;
  }
}
