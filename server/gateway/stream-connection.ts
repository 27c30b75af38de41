/**
 * A connection for where WebSockets do not pass: server-sent events down, POSTs up.
 *
 *   event: open    {"connection": <id>, "secret": <secret>}     first
 *   data: <base64>                                              one message of the protocol
 *   event: ping    {}                                           to be answered by any POST, an empty one as well
 *   event: close   {"code": <close code>, "reason": <text>}     last
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Connection, type ConnectionFacts } from './connection.js';
import { eventsFrom, namedEvent } from './event-messages.js';

/** What came with one POST. */
export interface Post {
  readonly secret: string;
  readonly document: string;
  /** Id of the principal. */
  readonly principal: string;
  /** Counts the posts of a connection from 1; one that was taken before is not handled again. */
  readonly sequence: number | undefined;
  /** Messages, one behind the other; nothing just shows that the client lives. */
  readonly messages: Uint8Array;
}

export type PostVerdict = 'taken' | 'unknown connection' | 'out of order' | 'too many at once';

/** Posts that wait while the document loads. Clients that count their posts send one at a time. */
const MAX_WAITING_POSTS = 8;
const SECRET_BYTES = 24;

export class StreamConnection extends Connection {
  /** Ids are shown to operators; only who reads the stream knows this. */
  readonly #secret = randomBytes(SECRET_BYTES).toString('base64url');
  #isPaused = false;
  #waiting: (() => void)[] = [];
  #sequence = 0;
  #receive: ((messages: Uint8Array) => void) | undefined;

  constructor(
    private readonly response: ServerResponse,
    socket: Socket,
    facts: ConnectionFacts,
  ) {
    super(socket, facts);
    this.#send(namedEvent('open', { connection: this.id, secret: this.#secret }));
  }

  /** @param receive handles what one POST brought, as if it were one WebSocket message */
  onMessages(receive: (messages: Uint8Array) => void): void {
    this.#receive = receive;
  }

  /** Resolves when its messages were handed to the document. What is wrong with them is told by a close. */
  async post({ secret, document, principal, sequence, messages }: Post): Promise<PostVerdict> {
    const isTheirs = this.#isSecret(secret) && document === this.document && principal === this.principal.id;
    if (!isTheirs || !this.isOpen) return 'unknown connection';
    if (sequence !== undefined) {
      if (sequence <= this.#sequence) return 'taken';
      if (sequence !== this.#sequence + 1) return 'out of order';
    }
    this.answered();
    if (this.#isPaused) {
      if (this.#waiting.length >= MAX_WAITING_POSTS) return 'too many at once';
      // Before the wait, so that what is sent again meanwhile is known.
      this.#sequence = sequence ?? this.#sequence;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
      // Read again: it may have been closed meanwhile.
      if (!(this.isOpen as boolean)) return 'unknown connection';
    } else {
      this.#sequence = sequence ?? this.#sequence;
    }
    this.heard(messages.length);
    if (messages.length > 0) this.#receive?.(messages);
    return 'taken';
  }

  #isSecret(given: string): boolean {
    const [a, b] = [Buffer.from(given), Buffer.from(this.#secret)];
    return a.length === b.length && timingSafeEqual(a, b);
  }

  override lagBytes(): number {
    return this.response.writableLength;
  }

  write(frames: Buffer): void {
    if (this.isOpen) this.#send(eventsFrom(frames));
  }

  #send(events: string): void {
    if (!this.response.writableEnded && !this.response.destroyed) this.response.write(events, 'latin1');
  }

  onDrained(callback: () => void): void {
    const whenOpen = (): void => {
      if (this.isOpen) callback();
    };
    if (this.response.writableNeedDrain) this.response.once('drain', whenOpen);
    else setImmediate(whenOpen);
  }

  protected stopReading(): void {
    this.#isPaused = true;
  }

  protected startReading(): void {
    this.#isPaused = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const goOn of waiting) goOn();
  }

  terminate(): void {
    this.isOpen = false;
    this.response.destroy();
  }

  /** As often as when it is silent: whoever reads a stream cannot tell otherwise that it has not been cut. */
  protected override get pingsHeardEveryMs(): number {
    return 0;
  }

  protected ping(): void {
    this.#send(namedEvent('ping', {}));
  }

  protected bid(code: number, reason: string): void {
    this.startReading();
    if (this.response.writableEnded || this.response.destroyed) return;
    this.response.end(namedEvent('close', { code, reason }));
  }

  override release(): void {
    super.release();
    this.startReading();
  }
}
