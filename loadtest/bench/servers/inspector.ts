/** Asks a server that was started with `--inspect` for its live heap, through the Chrome DevTools Protocol. */
import WebSocket from 'ws';

const TIMEOUT_MS = 30_000;

export class Inspector {
  #lastId = 0;

  private constructor(private readonly socket: WebSocket) {}

  /** @throws Error when nothing inspectable listens on the port. */
  static async connect(port: number): Promise<Inspector> {
    const answer = await fetch(`http://127.0.0.1:${port}/json/list`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const targets = (await answer.json()) as readonly { readonly webSocketDebuggerUrl?: string }[];
    const url = targets[0]?.webSocketDebuggerUrl;
    if (url === undefined) throw new Error(`nothing to inspect on port ${port}`);
    const socket = new WebSocket(url);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', () => resolve());
      socket.once('error', reject);
    });
    return new Inspector(socket);
  }

  /** Bytes of the JavaScript heap that are in use, after a full collection. */
  async liveHeapBytes(): Promise<number> {
    // What the first collection finalizes is garbage for the second one.
    await this.#call('HeapProfiler.collectGarbage');
    await this.#call('HeapProfiler.collectGarbage');
    const { usedSize } = (await this.#call('Runtime.getHeapUsage')) as { readonly usedSize: number };
    return usedSize;
  }

  /** The value of an expression, as JSON has it. */
  async evaluate(expression: string): Promise<unknown> {
    const answer = await this.#call('Runtime.evaluate', { expression, returnByValue: true });
    return (answer as { readonly result: { readonly value?: unknown } }).result.value;
  }

  close(): void {
    this.socket.terminate();
  }

  #call(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => settle(() => reject(new Error(`${method} was not answered`))), TIMEOUT_MS);
      const settle = (how: () => void): void => {
        clearTimeout(timer);
        this.socket.off('message', onMessage);
        how();
      };
      const onMessage = (data: Buffer): void => {
        const message = JSON.parse(data.toString()) as { readonly id?: number; readonly result?: unknown };
        if (message.id === id) settle(() => resolve(message.result));
      };
      this.socket.on('message', onMessage);
      this.socket.send(JSON.stringify({ id, method, params }));
    });
  }
}
