import { setTimeout } from 'node:timers/promises';
import type { RedisLink } from './link.js';
import { NotConnectedError, NotReplicatedError } from './failure.js';
import type { Script } from './script.js';

export type Argument = string | number | Buffer;

interface Pending {
  readonly key: string;
  readonly script: Script | undefined;
  readonly name: string;
  readonly args: readonly Argument[];
  /** Send the text of the script: Redis said that it doesn't know its hash. */
  sendsText: boolean;
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** How long WAIT waits for replicas before the write is reported as not replicated. */
const WAIT_TIMEOUT_MS = 1_000;
/** From one WAIT to the next while writes come in company: at 1,000 edits/s 0.25 WAITs per edit instead of 0.46. */
const GROUP_WINDOW_MS = 4;

/**
 * Sends all commands of one event-loop turn in one write per node. When replicas are asked for, one WAIT follows them,
 * which counts for every earlier write of its connection; as it blocks the connection, commands that come meanwhile are
 * held back and share the next one: group commit, with the replicas' answer as its window.
 *
 * Hot path: one command per append.
 */
export class CommandPipeline {
  readonly #link: RedisLink;
  readonly #waitReplicas: number;
  readonly #inFlight = new Map<symbol, number>();
  /** Commands per owner whose connection is in a WAIT. */
  readonly #heldBack = new Map<string, Pending[]>();
  #queue: Pending[] = [];

  /** `waitReplicas`: how many replicas must confirm what this pipeline writes. */
  constructor(link: RedisLink, waitReplicas: number) {
    this.#link = link;
    this.#waitReplicas = waitReplicas;
  }

  /** `key` decides the node. Replies hold buffers for texts. @throws what Redis or the connection answers. */
  command(key: string, name: string, ...args: Argument[]): Promise<unknown> {
    return this.#enqueue(key, undefined, name, args);
  }

  /** The first key decides the node. */
  script(script: Script, keys: readonly [string, ...string[]], ...args: Argument[]): Promise<unknown> {
    return this.#enqueue(keys[0], script, script.name, [script.keyCount, ...keys, ...args]);
  }

  /** Since when, in Unix milliseconds, the oldest unanswered command has been on its way. */
  get oldestSentAt(): number | undefined {
    const [first] = this.#inFlight.values();
    return first;
  }

  #enqueue(key: string, script: Script | undefined, name: string, args: readonly Argument[]): Promise<unknown> {
    if (!this.#link.isReady) return Promise.reject(new NotConnectedError(this.#link.lastError));
    return new Promise((resolve, reject) => {
      this.#push({ key, script, name, args, sendsText: false, resolve, reject });
    });
  }

  #push(pending: Pending): void {
    // `setImmediate` runs after all input of this turn was read: everything it led to is in the queue by then.
    if (this.#queue.push(pending) === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    const queue = this.#queue;
    this.#queue = [];
    const byOwner = new Map<string, Pending[]>();
    for (const pending of queue) {
      const owner = this.#link.ownerOf(pending.key);
      const group = byOwner.get(owner);
      if (group === undefined) byOwner.set(owner, [pending]);
      else group.push(pending);
    }
    for (const [owner, group] of byOwner) {
      const heldBack = this.#heldBack.get(owner);
      if (heldBack !== undefined) heldBack.push(...group);
      else if (this.#waitReplicas > 0) void this.#runHoldingBack(owner, group);
      else void this.#run(group);
    }
  }

  async #runHoldingBack(owner: string, group: readonly Pending[]): Promise<void> {
    const heldBack: Pending[] = [];
    this.#heldBack.set(owner, heldBack);
    const company = group.length > 1 ? setTimeout(GROUP_WINDOW_MS) : undefined;
    await this.#run(group);
    await company;
    this.#heldBack.delete(owner);
    for (const pending of heldBack) this.#push(pending);
  }

  async #run(group: readonly Pending[]): Promise<void> {
    const flight = Symbol();
    this.#inFlight.set(flight, Date.now());
    try {
      const pipeline = this.#link.pipeline();
      for (const { script, name, args, sendsText } of group) {
        if (script === undefined) pipeline.callBuffer(name, ...args);
        else if (sendsText) pipeline.callBuffer('eval', script.lua, ...args);
        else pipeline.callBuffer('evalsha', script.sha, ...args);
      }
      if (this.#waitReplicas > 0) pipeline.wait(this.#waitReplicas, WAIT_TIMEOUT_MS);
      this.#settle(group, (await pipeline.exec()) ?? []);
    } catch (error) {
      for (const { reject } of group) reject(error);
    } finally {
      this.#inFlight.delete(flight);
    }
  }

  #settle(group: readonly Pending[], results: readonly (readonly [error: Error | null, reply: unknown])[]): void {
    const [waitError, replicas] = this.#waitReplicas > 0 ? (results[group.length] ?? [null, 0]) : [null, 0];
    const replicationError =
      waitError ??
      (Number(replicas) < this.#waitReplicas ? new NotReplicatedError(Number(replicas), this.#waitReplicas) : null);
    for (const [i, pending] of group.entries()) {
      const [error, reply] = results[i] ?? [new NotConnectedError(this.#link.lastError), undefined];
      if (error !== null && pending.script !== undefined && isUnknownScript(error) && !pending.sendsText) {
        pending.sendsText = true;
        this.#push(pending);
      } else if (error !== null) {
        pending.reject(error);
      } else if (replicationError !== null) {
        pending.reject(replicationError);
      } else {
        pending.resolve(reply);
      }
    }
  }
}

function isUnknownScript(error: Error): boolean {
  return error.message.startsWith('NOSCRIPT');
}
