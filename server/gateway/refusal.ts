import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

export interface Refusal {
  readonly status: number;
  /** Stable identifier of the problem. */
  readonly code: string;
  readonly detail: string;
  readonly retryAfterSeconds?: number;
}

/** Answers an upgrade request with an RFC 9457 problem and closes the socket. */
export function refuseUpgrade(socket: Duplex, refusal: Refusal): void {
  if (socket.destroyed || !socket.writable) return;
  const title = STATUS_CODES[refusal.status] ?? 'Error';
  const body = JSON.stringify({
    type: 'about:blank',
    title,
    status: refusal.status,
    detail: refusal.detail,
    code: refusal.code,
  });
  const headers = [
    `HTTP/1.1 ${refusal.status} ${title}`,
    'Connection: close',
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  if (refusal.retryAfterSeconds !== undefined) {
    headers.push(`Retry-After: ${Math.max(1, Math.ceil(refusal.retryAfterSeconds))}`);
  }
  socket.once('finish', () => socket.destroy());
  socket.end(`${headers.join('\r\n')}\r\n\r\n${body}`);
}
