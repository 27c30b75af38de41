/**
 * Presence across nodes, over the bus: what a room's own connections show is told to the rooms of other nodes, as
 * states that are stamped already (`presence-message.ts`).
 *
 * Messages may get lost, so everything is repeated every few seconds; a node that is silent for longer is taken for dead
 * and its states leave.
 */
import type { Logger } from 'pino';
import type { Bus } from '../../storage/bus.js';
import type { Subscription } from '../../storage/document-log.js';
import type { Presence } from './presence.js';
import { decodePresence, encodePresence, PRESENCE, type PresenceMessage } from './presence-message.js';

const HEARTBEAT_MS = 5_000;
/** Three heartbeats and a little: a ghost is gone well within the promised 35 s. */
const SILENCE_MS = 16_000;
/** How long other nodes take at most to answer a newcomer, as far as somebody waits for it. */
const ANSWER_MS = 250;

export interface PresenceExchangeOptions {
  readonly document: string;
  /** Id of this node. */
  readonly node: string;
  readonly bus: Bus;
  readonly presence: Presence;
  readonly logger: Logger;
  /** Something that another node showed has changed. */
  onChange(): void;
}

export class PresenceExchange {
  readonly #channel: string;
  readonly #known: Promise<void>;
  #subscription: Subscription | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #answerTimer: NodeJS.Timeout | undefined;
  #stopWaiting: () => void = () => undefined;
  #isClosed = false;
  /** Others hold states of ours, as far as we know. */
  #hasShown = false;

  constructor(private readonly options: PresenceExchangeOptions) {
    this.#channel = `presence/${options.document}`;
    this.#known = this.#start().catch((error: unknown) => {
      options.logger.warn({ err: error, document: options.document }, 'presence of other nodes is not followed');
    });
  }

  /** Resolves when the other nodes have had the time to say who is with them. Never rejects. */
  known(): Promise<void> {
    return this.#known;
  }

  async #start(): Promise<void> {
    const subscription = await this.options.bus.subscribe(this.#channel, (message) => this.#onMessage(message));
    if (this.#isClosed) {
      await subscription.close();
      return;
    }
    this.#subscription = subscription;
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
    this.#heartbeat.unref();
    this.#send(PRESENCE.query, []);
    this.#showAll();
    await new Promise<void>((resolve) => {
      this.#stopWaiting = resolve;
      this.#answerTimer = setTimeout(resolve, ANSWER_MS);
    });
  }

  #beat(): void {
    const now = Date.now();
    if (this.options.presence.removeSilent(now - SILENCE_MS, now)) this.options.onChange();
    this.#showAll();
  }

  /** Tells the other nodes what has changed at this one. */
  tell(): void {
    const entries = this.options.presence.takeUntold();
    if (entries.length === 0) return;
    this.#hasShown = true;
    this.#send(PRESENCE.changes, entries);
  }

  #showAll(): void {
    const own = this.options.presence.own();
    // A node without connections to a document says so once, then is silent.
    if (own.length === 0 && !this.#hasShown) return;
    this.#hasShown = own.length > 0;
    this.#send(PRESENCE.whole, own);
  }

  #send(kind: PresenceMessage['kind'], entries: PresenceMessage['entries']): void {
    if (this.#isClosed) return;
    const { bus, node, logger } = this.options;
    bus.publish(this.#channel, encodePresence({ kind, node, entries })).catch((error: unknown) => {
      // The next heartbeat says it again.
      logger.debug({ err: error, channel: this.#channel }, 'presence could not be told to other nodes');
    });
  }

  #onMessage(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    const { node: self, presence, logger } = this.options;
    try {
      const { kind, node, entries } = decodePresence(bytes);
      if (node === self) return;
      if (kind === PRESENCE.query) this.#showAll();
      else if (presence.applyForeign(node, entries, kind === PRESENCE.whole, Date.now())) this.options.onChange();
    } catch (error) {
      logger.warn({ err: error, channel: this.#channel }, 'a message about presence cannot be read');
    }
  }

  /** This node shows nothing from now on. */
  close(): void {
    if (this.#isClosed) return;
    if (this.#hasShown) this.#send(PRESENCE.whole, []);
    this.#isClosed = true;
    clearInterval(this.#heartbeat);
    clearTimeout(this.#answerTimer);
    this.#stopWaiting();
    void this.#subscription?.close();
  }
}
