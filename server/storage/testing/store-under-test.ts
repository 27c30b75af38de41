import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import type { LoggedUpdate, NewUpdate } from '../document-log.js';
import type { Storage } from '../storage.js';

/**
 * A process' view of the one store that a suite runs on, closed with the test. A store that only one process can open
 * answers the view that is open already; after its `close`, what a process started anew would see.
 */
export type OpenStore<Port extends keyof Storage> = (t: Test, node?: string) => Promise<Pick<Storage, Port | 'close'>>;

/** Everything that lies on the medium: what a thief of the disk would read. */
export interface ReadMedium {
  (): Promise<Buffer>;
  /** True when content is never found there: the store encrypts it. */
  readonly hidesContent?: boolean;
}

export const bytes = (text: string): Buffer => Buffer.from(text);
export const textOf = (stored: Uint8Array | undefined): string => Buffer.from(stored ?? []).toString();

/** An update that says `text`; a log does not look into updates. */
export function saying(text: string): NewUpdate {
  return { update: Buffer.from(text), attribution: { principal: 'ada', at: Date.now(), source: 'sync' } };
}

export function textsOf(updates: readonly LoggedUpdate[]): string[] {
  return updates.map(({ update }) => Buffer.from(update).toString());
}

/** Ordered as UTF-8 bytes are, which is not how JavaScript orders text. */
export function byBytes(a: string, b: string): number {
  return Buffer.from(a).compare(Buffer.from(b));
}

/** Asks until it is so. @throws with `what` when that takes 20 s. */
export async function eventually(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`Waited in vain until ${what}`);
    await sleep(20);
  }
}
