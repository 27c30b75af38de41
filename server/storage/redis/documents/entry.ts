import { crc32 } from 'node:zlib';
import type { Attribution, LoggedUpdate, NewUpdate, Position } from '../../document-log.js';
import { DocumentCorruptedError } from '../../errors.js';

/*
 * Byte layout of a log entry (field `e` of the Stream):
 *
 *   0      1            5             9
 *   ├──────┼────────────┼─────────────┼─────────────┬──────────┐
 *   │ 0x01 │ CRC-32, BE │ length, BE  │ JSON, UTF-8 │ update   │
 *   └──────┴────────────┴─────────────┴─────────────┴──────────┘
 *            of all that   of the JSON   {node, …attribution}
 *            follows
 *
 * and of a snapshot, where the first part is the position that it includes:
 *
 *   │ 0x01 │ CRC-32, BE │ length, BE  │ position    │ state    │
 */
const FORMAT = 1;
const HEAD_BYTES = 9;

export function encodeEntry(node: string, { update, attribution }: NewUpdate): Buffer {
  return encode(JSON.stringify({ node, ...attribution }), update);
}

/** @throws DocumentCorruptedError */
export function decodeEntry(document: string, position: Position, bytes: Buffer): LoggedUpdate {
  const { head, body } = decode(document, `entry ${position}`, bytes);
  // What passed the checksum is what `encodeEntry` wrote.
  const { node, ...attribution } = JSON.parse(head) as Attribution & { node: string };
  return { position, node, attribution, update: body };
}

export function encodeSnapshot(position: Position, state: Uint8Array): Buffer {
  return encode(position, state);
}

/** @throws DocumentCorruptedError */
export function decodeSnapshot(document: string, bytes: Buffer): { position: Position; state: Uint8Array } {
  const { head, body } = decode(document, 'snapshot', bytes);
  return { position: head, state: body };
}

function encode(head: string, body: Uint8Array): Buffer {
  const headBytes = Buffer.byteLength(head);
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + headBytes + body.length);
  bytes[0] = FORMAT;
  bytes.writeUInt32BE(headBytes, 5);
  bytes.write(head, HEAD_BYTES, 'utf8');
  bytes.set(body, HEAD_BYTES + headBytes);
  bytes.writeUInt32BE(crc32(bytes.subarray(5)), 1);
  return bytes;
}

function decode(document: string, what: string, bytes: Buffer): { head: string; body: Uint8Array } {
  if (bytes.length < HEAD_BYTES || bytes[0] !== FORMAT) {
    throw new DocumentCorruptedError(document, `${what} has an unknown format`);
  }
  if (bytes.readUInt32BE(1) !== crc32(bytes.subarray(5))) {
    throw new DocumentCorruptedError(document, `${what} fails its checksum`);
  }
  const end = HEAD_BYTES + bytes.readUInt32BE(5);
  // A plain view: callers see a Uint8Array and none of Buffer's different `slice`.
  const body = new Uint8Array(bytes.buffer, bytes.byteOffset + end, bytes.length - end);
  return { head: bytes.toString('utf8', HEAD_BYTES, end), body };
}
