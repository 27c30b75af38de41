/** A line to a port of this machine that lets so many bytes a second through towards the client. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { pipeline, Transform } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';

const BUFFER_BYTES = 64 * 1024;

export class SlowLine {
  /** Towards clients, so far. */
  passedBytes = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  private constructor(
    private readonly target: number,
    private readonly bytesPerSecond: number,
  ) {
    this.#server = createServer((client) => this.#accept(client));
  }

  static async open(target: number, bytesPerSecond: number): Promise<SlowLine> {
    const line = new SlowLine(target, bytesPerSecond);
    await new Promise<void>((resolve) => line.#server.listen(0, '127.0.0.1', resolve));
    return line;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #accept(client: Socket): void {
    const upstream = connect(this.target, '127.0.0.1');
    this.#sockets.add(client).add(upstream);
    // Measured against the clock: pauses that last too long are made up for.
    const startedAt = performance.now();
    let passed = 0;
    const throttle = new Transform({
      highWaterMark: BUFFER_BYTES,
      transform: (chunk: Buffer, _encoding, done) => {
        passed += chunk.length;
        this.passedBytes += chunk.length;
        const dueMs = (passed / this.bytesPerSecond) * 1_000 - (performance.now() - startedAt);
        if (dueMs < 1) done(null, chunk);
        else void pause(dueMs).then(() => done(null, chunk));
      },
    });
    pipeline(upstream, throttle, client, () => upstream.destroy());
    pipeline(client, upstream, () => client.destroy());
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
