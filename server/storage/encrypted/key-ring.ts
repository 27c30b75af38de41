/**
 * The keys that encrypt at rest. The first encrypts, all decrypt: a new key is put in front, and the old ones stay until
 * nothing is left that they encrypted.
 *
 * No key encrypts by itself. Each process derives keys of its own (HKDF-SHA-256 with a random salt that every value
 * carries along), because AES-GCM with random nonces wears a key out after some 2³² values: a busy server gets there
 * within weeks, and a nonce used twice gives both values away.
 */
import { createSecretKey, hkdfSync, randomBytes, type KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';

export interface EncryptionKey {
  /** 1 to 64 of A-Z a-z 0-9 _ -. */
  readonly id: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

export interface DerivedKey {
  readonly id: string;
  readonly salt: Buffer;
  readonly key: KeyObject;
}

export const SALT_BYTES = 16;
const KEY_BYTES = 32;
/** Two nonces of 12 random bytes are the same among so many with a chance of 2⁻⁴⁹. */
const VALUES_PER_SALT = 2 ** 24;
/** One per run of a process that wrote what is read. */
const CACHED_KEYS = 4_096;
const PURPOSE = 'formloom at rest, version 1';

export class KeyRing {
  readonly #keys = new Map<string, KeyObject>();
  readonly #current: string | undefined;
  readonly #derived = new LRUCache<string, KeyObject>({ max: CACHED_KEYS });
  #sealing: DerivedKey | undefined;
  #sealed = 0;

  /** @throws RangeError for a key that is not 32 bytes or an id that stands there twice. */
  constructor(keys: readonly EncryptionKey[]) {
    for (const { id, key } of keys) {
      if (key.length !== KEY_BYTES)
        throw new RangeError(`The key "${id}" has ${key.length} bytes instead of ${KEY_BYTES}`);
      if (this.#keys.has(id)) throw new RangeError(`The key id "${id}" stands there twice`);
      this.#keys.set(id, createSecretKey(key));
    }
    this.#current = keys[0]?.id;
  }

  /** Id of the key that encrypts; undefined when there is none, so that nothing is encrypted. */
  get currentId(): string | undefined {
    return this.#current;
  }

  /** The current one first. */
  get ids(): readonly string[] {
    return [...this.#keys.keys()];
  }

  has(id: string): boolean {
    return this.#keys.has(id);
  }

  /** HOT PATH. What the next value is encrypted with; undefined without keys. */
  forSealing(): DerivedKey | undefined {
    const id = this.#current;
    if (id === undefined) return undefined;
    if (this.#sealing === undefined || this.#sealed >= VALUES_PER_SALT) {
      const salt = randomBytes(SALT_BYTES);
      const key = this.forOpening(id, salt);
      if (key === undefined) return undefined;
      this.#sealing = { id, salt, key };
      this.#sealed = 0;
    }
    this.#sealed += 1;
    return this.#sealing;
  }

  /** Undefined for a key that is not in the ring. */
  forOpening(id: string, salt: Uint8Array): KeyObject | undefined {
    const key = this.#keys.get(id);
    if (key === undefined) return undefined;
    const name = `${id} ${Buffer.from(salt).toString('base64')}`;
    let derived = this.#derived.get(name);
    if (derived === undefined) {
      derived = createSecretKey(Buffer.from(hkdfSync('sha256', key, salt, PURPOSE, KEY_BYTES)));
      this.#derived.set(name, derived);
    }
    return derived;
  }
}
