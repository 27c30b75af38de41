/** Messages of the wire, read and written: docs/protocol.md. */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';

const MESSAGE = { sync: 0, awareness: 1, auth: 2, queryAwareness: 3, extra: 100 } as const;
const STEP = { stateVector: 0, reply: 1, update: 2 } as const;

/** Something that the server undid, and why. */
export interface Refusal {
  /** `form`, `pages/<id>`, `fields/<id>` or `fields/<id>/options/<id>`. */
  readonly target: string;
  /** A dotted name; absent when it is the whole target. */
  readonly property?: string;
  /** `invalid_shape` or `forbidden`; more may come. */
  readonly code: string;
  /** For people. */
  readonly message: string;
}

export type Incoming =
  | { readonly type: 'state vector'; readonly stateVector: Uint8Array }
  | { readonly type: 'reply'; readonly update: Uint8Array }
  | { readonly type: 'update'; readonly update: Uint8Array }
  | { readonly type: 'awareness'; readonly update: Uint8Array }
  | { readonly type: 'awareness query' }
  | { readonly type: 'denied'; readonly reason: string }
  | { readonly type: 'hello'; readonly epoch: string | null; readonly role: string }
  | { readonly type: 'undone'; readonly refusals: readonly Refusal[] };

/** What is unknown ends the frame: its length cannot be known. @throws when the bytes are cut short */
export function* readFrame(frame: Uint8Array): Generator<Incoming> {
  const decoder = decoding.createDecoder(frame);
  while (decoding.hasContent(decoder)) {
    switch (decoding.readVarUint(decoder)) {
      case MESSAGE.sync: {
        const step = decoding.readVarUint(decoder);
        const body = decoding.readVarUint8Array(decoder);
        if (step === STEP.stateVector) yield { type: 'state vector', stateVector: body };
        else if (step === STEP.reply) yield { type: 'reply', update: body };
        else if (step === STEP.update) yield { type: 'update', update: body };
        break;
      }
      case MESSAGE.awareness:
        yield { type: 'awareness', update: decoding.readVarUint8Array(decoder) };
        break;
      case MESSAGE.auth:
        decoding.readVarUint(decoder);
        yield { type: 'denied', reason: decoding.readVarString(decoder) };
        break;
      case MESSAGE.queryAwareness:
        yield { type: 'awareness query' };
        break;
      case MESSAGE.extra: {
        const extra = readExtra(decoding.readVarString(decoder));
        if (extra !== undefined) yield extra;
        break;
      }
      default:
        return;
    }
  }
}

export const stateVectorFrame = (stateVector: Uint8Array): Uint8Array => syncFrame(STEP.stateVector, stateVector);
export const replyFrame = (update: Uint8Array): Uint8Array => syncFrame(STEP.reply, update);
export const updateFrame = (update: Uint8Array): Uint8Array => syncFrame(STEP.update, update);

export function awarenessFrame(update: Uint8Array): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, MESSAGE.awareness);
  encoding.writeVarUint8Array(encoder, update);
  return encoding.toUint8Array(encoder);
}

function syncFrame(step: number, body: Uint8Array): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, MESSAGE.sync);
  encoding.writeVarUint(encoder, step);
  encoding.writeVarUint8Array(encoder, body);
  return encoding.toUint8Array(encoder);
}

/** Undefined for types that are not known here: the protocol promises more. */
function readExtra(text: string): Incoming | undefined {
  const extra: unknown = JSON.parse(text);
  if (!isRecord(extra)) return undefined;
  const { type, epoch, role, refusals } = extra;
  if (type === 'hello' && typeof role === 'string') {
    return { type, epoch: typeof epoch === 'string' ? epoch : null, role };
  }
  if (type === 'undone' && Array.isArray(refusals)) return { type, refusals: refusals.filter(isRefusal) };
  return undefined;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function isRefusal(value: unknown): value is Refusal {
  if (!isRecord(value)) return false;
  const { target, code, message } = value;
  return typeof target === 'string' && typeof code === 'string' && typeof message === 'string';
}
