/**
 * A line to the server, held by one attempt after the other: which transport, with which token, when again, and whether it
 * still lives. It knows nothing of documents.
 *
 *   attempt ── opens ──► greeted ── established ──► watched
 *      ▲                                               │
 *      └── after a wait ◄── ended for now ◄────────────┴──► ended for good (44xx)
 */
import { waitMs } from './backoff.js';
import { CLOSE, isPermanent } from './close-codes.js';
import type { Clock } from './state.js';
import { readToken, type Token } from './token.js';
import type { OpenTransport, Transport } from './transport.js';

/** A dead line is noticed after this time without a message, plus the time for an answer. */
const SILENCE_MS = 20_000;
const ANSWER_MS = 10_000;
/** An attempt that is not open and greeted by then has failed. */
const OPENING_MS = 15_000;
/** Attempts that never opened before the next transport is tried. */
const TRIES_PER_TRANSPORT = 2;
/** The same for one that has passed before: it is rather the server that is away. */
const TRIES_WHERE_IT_PASSED = 6;
const ABNORMAL = 1006;

export interface LineTarget {
  readonly url: string;
  readonly document: string;
  readonly token?: Token | undefined;
  readonly params?: Readonly<Record<string, string>> | undefined;
  /** In the order in which they are tried. At least one. */
  readonly transports: readonly OpenTransport[];
}

export interface LineEvents {
  /** `attempt` counts failures since the last success. */
  onConnecting(attempt: number): void;
  onOpen(): void;
  onFrame(frame: Uint8Array): void;
  /** Nothing was heard for long: ask something that is always answered. */
  onSilence(): void;
  /** What belonged to the attempt is over. */
  onDrop(): void;
  /** There will be another attempt at `retryAt`, in milliseconds since 1970. */
  onOffline(retryAt: number, code: number, reason: string): void;
  /** There will be no other attempt unless somebody asks for it. */
  onClosed(code: number, reason: string): void;
}

export class Line {
  #transport: Transport | undefined;
  #isOpen = false;
  #isEstablished = false;
  /** Counts attempts, so that what belongs to an earlier one is ignored. */
  #generation = 0;
  #failures = 0;
  #transportIndex = 0;
  #neverOpened = 0;
  /** Indices of transports that have opened. */
  readonly #passed = new Set<number>();
  #hasRefreshedToken = false;
  #stopTimer: (() => void) | undefined;

  constructor(
    private readonly target: LineTarget,
    private readonly events: LineEvents,
    private readonly clock: Clock,
  ) {}

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** A fresh start: earlier failures are forgotten. */
  connect(): void {
    this.#forgive();
    this.retry();
  }

  /** The next attempt, now. */
  retry(): void {
    this.drop();
    const generation = this.#generation;
    this.events.onConnecting(this.#failures);
    this.#wait(OPENING_MS, () => this.#onClose(ABNORMAL, 'no answer'));
    readToken(this.target.token).then(
      (token) => {
        if (generation === this.#generation) this.#open(token);
      },
      (error: unknown) => {
        if (generation === this.#generation) this.#onClose(ABNORMAL, `no token: ${String(error)}`);
      },
    );
  }

  /** To be called when the first sync is done: the attempt was a success. */
  establish(): void {
    this.#forgive();
    this.#isEstablished = true;
    this.#watch();
  }

  /** Ignored when the line is not open. */
  send(frame: Uint8Array): void {
    if (this.#isOpen) this.#transport?.send(frame);
  }

  /** Ends the attempt, whatever its state; no other follows by itself. */
  drop(): void {
    this.#generation += 1;
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#transport?.close();
    this.#transport = undefined;
    this.#isOpen = false;
    this.#isEstablished = false;
    this.events.onDrop();
  }

  #open(token: string | undefined): void {
    const { url, document, params, transports } = this.target;
    const open = transports[this.#transportIndex];
    const generation = this.#generation;
    const isCurrent = (): boolean => generation === this.#generation;
    try {
      if (open === undefined) throw new TypeError('A connection needs a transport.');
      this.#transport = open(
        { url: url.replace(/^http/, 'ws').replace(/\/+$/, ''), document, token, params: { ...params, sdk: '1' } },
        {
          onOpen: () => isCurrent() && this.#onOpen(),
          onFrame: (frame) => isCurrent() && this.#onFrame(frame),
          onClose: (code, reason) => isCurrent() && this.#onClose(code, reason),
        },
      );
    } catch (error) {
      // No WebSocket here, an address that it does not take, or a policy of the page against it.
      this.#onClose(ABNORMAL, String(error));
    }
  }

  #onOpen(): void {
    this.#isOpen = true;
    this.#neverOpened = 0;
    this.#passed.add(this.#transportIndex);
    this.events.onOpen();
  }

  #onFrame(frame: Uint8Array): void {
    if (this.#isEstablished) this.#watch();
    else this.#wait(OPENING_MS, () => this.#onClose(ABNORMAL, 'the first sync stands still'));
    this.events.onFrame(frame);
  }

  #onClose(code: number, reason: string): void {
    if (this.#isOpen) {
      // What comes later in the list is a makeshift.
      if (this.#passed.has(0)) this.#transportIndex = 0;
    } else if (code === ABNORMAL) {
      this.#tryAnother();
    }
    this.drop();
    if (code === CLOSE.unauthenticated && typeof this.target.token === 'function' && !this.#hasRefreshedToken) {
      this.#hasRefreshedToken = true;
      this.retry();
    } else if (isPermanent(code)) {
      this.events.onClosed(code, reason);
    } else {
      const wait = waitMs(this.#failures, code, () => this.clock.random());
      this.#failures += 1;
      this.#wait(wait, () => this.retry());
      this.events.onOffline(this.clock.now() + wait, code, reason);
    }
  }

  #tryAnother(): void {
    this.#neverOpened += 1;
    const tries = this.#passed.has(this.#transportIndex) ? TRIES_WHERE_IT_PASSED : TRIES_PER_TRANSPORT;
    if (this.#neverOpened < tries) return;
    this.#neverOpened = 0;
    this.#transportIndex = (this.#transportIndex + 1) % this.target.transports.length;
  }

  #forgive(): void {
    this.#failures = 0;
    this.#hasRefreshedToken = false;
  }

  /** Browsers hide pings: silence is broken by a question. */
  #watch(): void {
    this.#wait(SILENCE_MS, () => {
      this.events.onSilence();
      this.#wait(ANSWER_MS, () => this.#onClose(ABNORMAL, 'the line is dead'));
    });
  }

  #wait(ms: number, then: () => void): void {
    this.#stopTimer?.();
    this.#stopTimer = this.clock.after(ms, then);
  }
}
