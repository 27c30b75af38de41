/**
 * A logged update at rest:
 *
 *   f64 time in ms | u8 source | u8 flags (1: has a name) | u8+bytes node | u16+bytes principal | [u16+bytes name] | update
 */
import type { Attribution, NewUpdate, UpdateSource } from '../../document-log.js';
import { BODY_OFFSET, seal, sealable, unseal } from '../checksum.js';

const SOURCES: readonly UpdateSource[] = ['sync', 'rest', 'import', 'restore', 'undo', 'system'];
const HAS_NAME = 1;

/** HOT PATH. */
export function encodeEntry({ update, attribution }: NewUpdate, node: string): Buffer {
  const { principal, name, at, source } = attribution;
  const nodeBytes = Buffer.byteLength(node);
  const principalBytes = Buffer.byteLength(principal);
  const nameBytes = name === undefined ? 0 : Buffer.byteLength(name);
  const size = 8 + 2 + 1 + nodeBytes + 2 + principalBytes + (name === undefined ? 0 : 2 + nameBytes) + update.length;
  const buffer = sealable(size);
  let offset = buffer.writeDoubleBE(at, BODY_OFFSET);
  offset = buffer.writeUInt8(SOURCES.indexOf(source), offset);
  offset = buffer.writeUInt8(name === undefined ? 0 : HAS_NAME, offset);
  offset = buffer.writeUInt8(nodeBytes, offset);
  offset += buffer.write(node, offset);
  offset = buffer.writeUInt16BE(principalBytes, offset);
  offset += buffer.write(principal, offset);
  if (name !== undefined) {
    offset = buffer.writeUInt16BE(nameBytes, offset);
    offset += buffer.write(name, offset);
  }
  buffer.set(update, offset);
  return seal(buffer);
}

/** @throws ChecksumError */
export function decodeEntry(value: Uint8Array): { update: Uint8Array; attribution: Attribution; node: string } {
  const body = unseal(value);
  const at = body.readDoubleBE(0);
  const source = SOURCES[body.readUInt8(8)] ?? 'system';
  const hasName = (body.readUInt8(9) & HAS_NAME) !== 0;
  let offset = 10;
  const text = (length: number): string => {
    const value = body.toString('utf8', offset, offset + length);
    offset += length;
    return value;
  };
  const nodeBytes = body.readUInt8(offset++);
  const node = text(nodeBytes);
  const principalBytes = body.readUInt16BE(offset);
  offset += 2;
  const principal = text(principalBytes);
  let name: string | undefined;
  if (hasName) {
    const nameBytes = body.readUInt16BE(offset);
    offset += 2;
    name = text(nameBytes);
  }
  const attribution: Attribution = name === undefined ? { principal, at, source } : { principal, name, at, source };
  // A copy: a view would keep the whole stored value alive, and belongs to the database's buffer.
  return { update: Uint8Array.prototype.slice.call(body, offset), attribution, node };
}
