/** Entity tags of JSON resources: strong, and equal for equal content, on every node and after a restart. */
import { createHash } from 'node:crypto';
import { Problem } from './problem.js';

export function etagOf(content: unknown): string {
  return `"${createHash('sha256').update(JSON.stringify(content)).digest('base64url').slice(0, 27)}"`;
}

/** `If-Match` of RFC 9110, 13.1.1: weak tags never match. */
function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return true;
  return header.trim() === '*' || tags(header).includes(etag);
}

/** @throws Problem `stale` */
export function requireMatch(header: string | undefined, etag: string): void {
  if (matches(header, etag)) return;
  throw new Problem('stale', `It is ${etag} now; read it again, then repeat the change.`);
}

/** `If-None-Match` of RFC 9110, 13.1.2, by weak comparison. */
export function isUnchanged(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.trim() === '*' || tags(header).some((tag) => tag.replace(/^W\//, '') === etag);
}

const tags = (header: string): string[] => header.split(',').map((tag) => tag.trim());
