/**
 * For networks that let no WebSocket pass: server-sent events down, POSTs up (docs/protocol.md, "Without WebSockets").
 * It reads the stream with `fetch`, which can send the token as a header and see a refusal, unlike an EventSource.
 */
import * as buffer from 'lib0/buffer';
import { CLOSE } from './close-codes.js';
import { documentPath, type OpenTransport, type TransportEvents, type TransportTarget } from './transport.js';

const ABNORMAL = 1006;
/** Times that one post is sent before the stream is given up. Its `sequence` makes repeating it harmless. */
const POST_TRIES = 4;
const POST_PAUSE_MS = 500;
/** Frames that wait are posted together up to this size; it is well below what a server takes. */
const POST_BYTES = 1024 * 1024;
/** What was sent before it was closed may take this long to get through, as a WebSocket gives its last messages time. */
const FLUSH_MS = 5_000;

type Fetch = typeof globalThis.fetch;

/** @param fetch absent: the global one */
export function httpTransport(fetch: Fetch = (input, init) => globalThis.fetch(input, init)): OpenTransport {
  return (target, events) => {
    const stream = new HttpStream(target, events, fetch);
    void stream.run();
    return { send: (frame) => stream.send(frame), close: () => stream.close() };
  };
}

class HttpStream {
  readonly #abort = new AbortController();
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  #opened: { readonly connection: string; readonly secret: string } | undefined;
  #waiting: Uint8Array[] = [];
  #isPosting = false;
  /** Nothing is told any more; what was sent still goes out. */
  #isClosed = false;
  /** A ping was answered by nothing yet. */
  #owesSign = false;
  #sequence = 0;

  constructor(
    private readonly target: TransportTarget,
    private readonly events: TransportEvents,
    private readonly fetch: Fetch,
  ) {
    this.#url = `${target.url.replace(/^ws/, 'http')}/api/v1/sync/${documentPath(target.document)}`;
    this.#headers = target.token === undefined ? {} : { authorization: `Bearer ${target.token}` };
  }

  async run(): Promise<void> {
    const { signal } = this.#abort;
    try {
      const query = new URLSearchParams(this.target.params).toString();
      const answer = await this.fetch(`${this.#url}?${query}`, {
        headers: { ...this.#headers, accept: 'text/event-stream' },
        signal,
      });
      if (!answer.ok || answer.body === null) {
        this.#end(codeOf(answer.status), `HTTP ${answer.status}`);
        return;
      }
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        text += value;
        const events = text.split('\n\n');
        text = events.pop() ?? '';
        for (const event of events) this.#onEvent(event);
      }
      this.#end(ABNORMAL, 'the stream ended');
    } catch (error) {
      this.#end(ABNORMAL, String(error));
    }
  }

  send(frame: Uint8Array): void {
    this.#waiting.push(frame);
    void this.#post();
  }

  close(): void {
    this.#isClosed = true;
    if (!this.#isPosting) {
      this.#abort.abort();
      return;
    }
    const timer = setTimeout(() => this.#abort.abort(), FLUSH_MS);
    this.#abort.signal.addEventListener('abort', () => clearTimeout(timer));
  }

  #onEvent(block: string): void {
    if (this.#isClosed) return;
    const member = (name: string): string | undefined =>
      block
        .split('\n')
        .find((line) => line.startsWith(`${name}: `))
        ?.slice(name.length + 2);
    const data = member('data');
    if (data === undefined) return;
    switch (member('event')) {
      case undefined:
        this.events.onFrame(buffer.fromBase64(data));
        break;
      case 'open':
        this.#opened = JSON.parse(data) as { connection: string; secret: string };
        this.events.onOpen();
        break;
      case 'ping':
        this.#owesSign = true;
        void this.#post();
        break;
      case 'close': {
        const { code, reason } = JSON.parse(data) as { code: number; reason: string };
        this.#end(code, reason);
      }
    }
  }

  /** One post at a time: what is sent meanwhile goes together with the next. */
  async #post(): Promise<void> {
    if (this.#isPosting || this.#opened === undefined) return;
    this.#isPosting = true;
    try {
      while ((this.#waiting.length > 0 || this.#owesSign) && !this.#abort.signal.aborted) {
        this.#owesSign = false;
        this.#sequence += 1;
        await this.#deliver(this.#takeWaiting(), this.#opened);
      }
    } catch (error) {
      this.#end(ABNORMAL, String(error));
    } finally {
      this.#isPosting = false;
      if (this.#isClosed) this.#abort.abort();
    }
  }

  #takeWaiting(): Uint8Array<ArrayBuffer> {
    let bytes = 0;
    let count = 0;
    for (const frame of this.#waiting) {
      if (count > 0 && bytes + frame.length > POST_BYTES) break;
      bytes += frame.length;
      count += 1;
    }
    const body = new Uint8Array(bytes);
    let at = 0;
    for (const frame of this.#waiting.splice(0, count)) {
      body.set(frame, at);
      at += frame.length;
    }
    return body;
  }

  async #deliver(body: Uint8Array<ArrayBuffer>, opened: { connection: string; secret: string }): Promise<void> {
    const query = new URLSearchParams({ ...this.target.params, connection: opened.connection });
    query.set('sequence', String(this.#sequence));
    for (let attempt = 1; ; attempt++) {
      const answer = await this.fetch(`${this.#url}?${query.toString()}`, {
        method: 'POST',
        headers: {
          ...this.#headers,
          'x-connection-secret': opened.secret,
          ...(body.length === 0 ? {} : { 'content-type': 'application/octet-stream' }),
        },
        ...(body.length === 0 ? {} : { body }),
        signal: this.#abort.signal,
      }).catch((error: unknown) => {
        if (attempt >= POST_TRIES || this.#isClosed || this.#abort.signal.aborted) throw error;
        return undefined;
      });
      if (answer?.ok === true) return;
      if (answer !== undefined && (answer.status !== 503 || attempt >= POST_TRIES)) {
        this.#end(codeOf(answer.status), `HTTP ${answer.status}`);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, POST_PAUSE_MS * attempt));
    }
  }

  #end(code: number, reason: string): void {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    if (!this.#isClosed) this.events.onClose(code, reason);
  }
}

/** As a WebSocket would have been closed. */
function codeOf(status: number): number {
  switch (status) {
    case 400:
      return CLOSE.malformed;
    case 401:
      return CLOSE.unauthenticated;
    case 413:
      return CLOSE.tooLarge;
    case 429:
      return CLOSE.rateExceeded;
    case 503:
      return CLOSE.overloaded;
    default:
      return ABNORMAL;
  }
}
