/** What a client may send by mistake or malice: valid messages, messages with damage, and garbage in valid envelopes. */
import * as encoding from 'lib0/encoding';
import * as Y from 'yjs';
import { awarenessMessage, message, syncStep1, updateMessage } from '../harness/raw-client.js';
import { editAtRandom } from './random-edits.js';
import type { RandomSource } from './random-source.js';

const HUGE = Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255, 127);
/** The kinds of struct and content that Yjs knows are 0 to 10; flags are in the upper bits. */
const INFO_BYTES = 256;

export class FrameSource {
  #doc = new Y.Doc();

  constructor(private readonly random: RandomSource) {
    this.#doc.clientID = random.next();
  }

  next(): Uint8Array {
    const { random } = this;
    switch (random.below(10)) {
      case 0:
        return random.bytes(random.below(200));
      case 1:
        return this.#valid();
      case 2:
        return Buffer.concat([this.#valid(), this.#valid(), this.#damaged()]);
      case 3:
        return message(0, random.below(4), this.#structs());
      case 4:
        return message(0, random.below(3), random.bytes(random.below(64)));
      case 5:
        return message(1, this.#awareness());
      default:
        return this.#damaged();
    }
  }

  #valid(): Uint8Array {
    const { random } = this;
    switch (random.below(8)) {
      case 0:
        return syncStep1(random.chance(50) ? this.#doc : new Y.Doc());
      case 1:
        return message(0, 1, Y.encodeStateAsUpdate(this.#doc));
      case 2:
        return awarenessMessage(this.#doc.clientID, random.below(1_000), {
          cursor: random.below(100),
          user: { id: 'x' },
        });
      case 3:
        return message(3);
      case 4:
        return message(2, 0, 'no');
      case 5:
        return message(random.pick([4, 99, 100, 127, 128, 2 ** 31, 2 ** 53 - 1]), random.bytes(10));
      default:
        return updateMessage(this.#update());
    }
  }

  #update(): Uint8Array {
    // Small documents are damaged in more places that matter.
    if (this.random.chance(5)) {
      this.#doc = new Y.Doc();
      this.#doc.clientID = this.random.next();
    }
    const before = Y.encodeStateVector(this.#doc);
    editAtRandom(this.#doc, this.random);
    return Y.encodeStateAsUpdate(this.#doc, this.random.chance(80) ? before : undefined);
  }

  #damaged(): Uint8Array {
    const { random } = this;
    let bytes = this.#valid();
    // The envelope stays whole in half of the cases, so that the damage gets deeper.
    const update = random.chance(50) ? this.#update() : undefined;
    if (update !== undefined) bytes = update;
    for (let count = 1 + random.below(4); count > 0; count -= 1) bytes = this.#damage(bytes);
    return update === undefined ? bytes : message(0, 1 + random.below(2), bytes);
  }

  #damage(bytes: Uint8Array): Uint8Array {
    const { random } = this;
    if (bytes.length === 0) return random.bytes(1);
    const at = random.below(bytes.length);
    switch (random.below(8)) {
      case 0:
        return bytes.slice(0, at);
      case 1:
        return Buffer.concat([bytes.subarray(0, at), HUGE.subarray(random.below(HUGE.length)), bytes.subarray(at)]);
      case 2:
        return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(4))]);
      case 3:
        return Buffer.concat([bytes, bytes.subarray(at)]);
      case 4:
        return Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.below(8)), bytes.subarray(at)]);
      default: {
        const copy = bytes.slice();
        copy[at] = random.chance(50) ? (copy[at] ?? 0) ^ (1 << random.below(8)) : random.pick([0, 1, 127, 128, 255]);
        return copy;
      }
    }
  }

  /** An update in the shape of one, with random members: clients, clocks, infos, origins, contents, deletions. */
  #structs(): Uint8Array {
    const { random } = this;
    const encoder = encoding.createEncoder();
    const number = (): void =>
      encoding.writeVarUint(encoder, random.pick([0, 1, 2, 5, 127, 128, 70_000, 2 ** 32, 2 ** 53 - 1]));
    const id = (): void => {
      encoding.writeVarUint(encoder, random.chance(70) ? this.#doc.clientID : random.next());
      number();
    };
    const clients = random.below(3);
    encoding.writeVarUint(encoder, clients);
    for (let client = 0; client < clients; client += 1) {
      const structs = random.below(5);
      encoding.writeVarUint(encoder, random.chance(90) ? structs : structs + random.next());
      id();
      for (let struct = 0; struct < structs; struct += 1) {
        const info = random.below(INFO_BYTES);
        encoding.writeUint8(encoder, info);
        if ((info & 128) !== 0) id();
        if ((info & 64) !== 0) id();
        if ((info & 192) === 0 && (info & 31) !== 10 && (info & 31) !== 0) {
          encoding.writeVarUint(encoder, random.below(2));
          if (random.chance(50)) encoding.writeVarString(encoder, random.pick(['text', 'map', '__proto__', '']));
          else id();
        }
        this.#content(encoder);
      }
    }
    encoding.writeVarUint(encoder, random.below(2));
    if (random.chance(70)) {
      encoding.writeVarUint(encoder, this.#doc.clientID);
      encoding.writeVarUint(encoder, 1);
      number();
      number();
    }
    return encoding.toUint8Array(encoder);
  }

  #content(encoder: encoding.Encoder): void {
    const { random } = this;
    switch (random.below(6)) {
      case 0:
        encoding.writeVarUint(encoder, random.below(1_000));
        break;
      case 1:
        encoding.writeVarString(encoder, random.pick(['', 'text', '"json"', '{', '\ud800', 'x'.repeat(100)]));
        break;
      case 2:
        encoding.writeVarUint(encoder, 1);
        encoding.writeAny(encoder, { a: [1, null, 'x'] });
        break;
      case 3:
        encoding.writeVarUint8Array(encoder, random.bytes(random.below(20)));
        break;
      case 4:
        encoding.writeVarString(encoder, 'key');
        encoding.writeVarString(encoder, '['.repeat(random.below(3_000)));
        break;
      default:
        encoding.writeUint8Array(encoder, random.bytes(random.below(6)));
    }
  }

  #awareness(): Uint8Array {
    const { random } = this;
    const encoder = encoding.createEncoder();
    const count = random.below(4);
    encoding.writeVarUint(encoder, random.chance(80) ? count : random.next());
    for (let i = 0; i < count; i += 1) {
      encoding.writeVarUint(encoder, random.chance(50) ? this.#doc.clientID : random.next());
      encoding.writeVarUint(encoder, random.pick([0, 1, 2, 1_000, 2 ** 32, 2 ** 53 - 1]));
      encoding.writeVarString(
        encoder,
        random.pick([
          'null',
          '{}',
          '{"user":{"id":7}}',
          '{"user":null}',
          '[]',
          '1',
          '"x"',
          '{"__proto__":{"x":1}}',
          '{',
          '[['.repeat(2_000),
        ]),
      );
    }
    return encoding.toUint8Array(encoder);
  }
}
