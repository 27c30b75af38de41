/** Bytes that never change, whole or from a place on: for downloads that go on after a cut (RFC 9110, 14). */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { isUnchanged } from './etag.js';
import { Problem } from './problem.js';

/** Both inclusive. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface ConstantBytes {
  readonly bytes: number;
  /** Equal for equal bytes. */
  readonly etag: string;
  /** What it answers is read to its end, or destroyed. */
  readonly open: (range?: ByteRange) => Readable | Promise<Readable>;
}

/** @throws Problem `range_not_satisfiable`, and what `open` throws */
export async function sendBytes(
  request: FastifyRequest,
  reply: FastifyReply,
  { bytes, etag, open }: ConstantBytes,
): Promise<FastifyReply> {
  reply.header('etag', etag).header('accept-ranges', 'bytes');
  if (isUnchanged(request.headers['if-none-match'], etag)) return reply.code(304).send();
  const range = rangeOf(request, etag, bytes);
  if (range === 'beyond') {
    reply.header('content-range', `bytes */${bytes}`).removeHeader('content-disposition');
    throw new Problem('range_not_satisfiable', `There are ${bytes} bytes.`);
  }
  const content = await open(range);
  if (range === undefined) return reply.header('content-length', bytes).send(content);
  return reply
    .code(206)
    .header('content-range', `bytes ${range.start}-${range.end}/${bytes}`)
    .header('content-length', range.end - range.start + 1)
    .send(content);
}

/** Of what can be read from its beginning alone. */
export function sliceOf(content: Readable, { start, end }: ByteRange): Readable {
  return Readable.from(
    (async function* () {
      let at = 0;
      for await (const chunk of content as AsyncIterable<Uint8Array>) {
        const part = chunk.subarray(Math.max(0, start - at), Math.max(0, end + 1 - at));
        if (part.length > 0) yield part;
        at += chunk.length;
        if (at > end) return;
      }
    })(),
    { objectMode: false },
  );
}

/** Undefined: all of it, as for what is no single range of bytes, and for one of other bytes than these (`If-Range`). */
function rangeOf({ method, headers }: FastifyRequest, etag: string, bytes: number): ByteRange | 'beyond' | undefined {
  const ifRange = headers['if-range'];
  if (method !== 'GET' || headers.range === undefined || (ifRange !== undefined && ifRange !== etag)) return undefined;
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(headers.range.trim()) ?? [];
  if (from === '' && to === '') return undefined;
  if (from === '')
    return Number(to) === 0 || bytes === 0 ? 'beyond' : { start: Math.max(0, bytes - Number(to)), end: bytes - 1 };
  const start = Number(from);
  if (to !== '' && Number(to) < start) return undefined;
  return start >= bytes ? 'beyond' : { start, end: to === '' ? bytes - 1 : Math.min(Number(to), bytes - 1) };
}
