/** One simulated editor: the sync protocol over a real WebSocket, and a document of its own. */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { WebSocket } from 'ws';
import * as Y from 'yjs';

const SYNC = 0;
const STEP_1 = 0;
const STEP_2 = 1;
const UPDATE = 2;

export interface LoadClientOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds from an edit elsewhere until it arrived here. */
  readonly onArrival: (ms: number) => void;
}

export class LoadClient {
  readonly doc = new Y.Doc();
  isSynced = false;
  #ws: WebSocket | undefined;

  constructor(private readonly options: LoadClientOptions) {
    this.edits.observe((event) => {
      if (event.transaction.origin !== this) return;
      for (const { insert } of event.changes.delta) {
        for (const entry of Array.isArray(insert) ? insert : []) options.onArrival(performance.now() - timeOf(entry));
      }
    });
    this.doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== this) this.#send(UPDATE, update);
    });
  }

  get edits(): Y.Array<string> {
    return this.doc.getArray<string>('edits');
  }

  get isOpen(): boolean {
    return this.#ws?.readyState === WebSocket.OPEN;
  }

  /** Resolves when it is connected and synced; rejects when it is refused or cut off before. */
  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      const ws = new WebSocket(this.options.url, { headers: this.options.headers, perMessageDeflate: false });
      this.#ws = ws;
      ws.on('open', () => this.#send(STEP_1, Y.encodeStateVector(this.doc)));
      ws.on('message', (data: Buffer) => {
        this.#receive(data);
        if (this.isSynced) resolve();
      });
      ws.on('error', (error) => reject(error));
      ws.on('close', (code) => reject(new Error(`closed with ${code}`)));
    });
  }

  /** An entry that says who made it and when. */
  edit(name: string): void {
    this.edits.push([`${name} ${performance.now()}`]);
  }

  close(): void {
    this.#ws?.terminate();
    this.doc.destroy();
  }

  #receive(frame: Uint8Array): void {
    const decoder = decoding.createDecoder(frame);
    if (decoding.readVarUint(decoder) !== SYNC) return;
    const type = decoding.readVarUint(decoder);
    const bytes = decoding.readVarUint8Array(decoder);
    if (type === STEP_1) {
      this.#send(STEP_2, Y.encodeStateAsUpdate(this.doc, bytes));
      return;
    }
    // What was there before was not sent now.
    Y.applyUpdate(this.doc, bytes, this.isSynced ? this : 'join');
    if (type === STEP_2) this.isSynced = true;
  }

  #send(type: number, bytes: Uint8Array): void {
    if (!this.isOpen) return;
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, SYNC);
    encoding.writeVarUint(encoder, type);
    encoding.writeVarUint8Array(encoder, bytes);
    this.#ws?.send(encoding.toUint8Array(encoder));
  }
}

const timeOf = (entry: unknown): number => Number(String(entry).split(' ')[1]);
