/**
 * Cursors of lists, as callers see them. Each list has positions of its own: an id, a name, a place in a stream. Outside
 * they are opaque and belong to their list, so that garbage and the cursor of another list are refused alike, instead
 * of starting somewhere.
 *
 *   cursor := base64url( mark 9 bytes | position UTF-8 )
 *   mark   := HMAC-SHA-256( secrets, list | 0 | position ), cut
 */
import { createHash, createHmac } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Problem } from './problem.js';

const MARK_BYTES = 9;

export class Cursors {
  readonly #key: Buffer;

  /** @param secrets of the configuration, the same on every node: nobody else makes positions */
  constructor(secrets: readonly string[]) {
    this.#key = createHash('sha256')
      .update(`formloom cursor ${JSON.stringify(secrets)}`)
      .digest();
  }

  /** @param list which one it is: the path that it is asked at */
  cursorOf(list: string, position: string): string {
    return Buffer.concat([this.#mark(list, position), Buffer.from(position)]).toString('base64url');
  }

  /** Undefined when it is none of this list. */
  positionOf(list: string, cursor: string): string | undefined {
    const position = Buffer.from(cursor, 'base64url').subarray(MARK_BYTES).toString();
    return this.cursorOf(list, position) === cursor ? position : undefined;
  }

  #mark(list: string, position: string): Buffer {
    return createHmac('sha256', this.#key).update(`${list}\0${position}`).digest().subarray(0, MARK_BYTES);
  }
}

/** Features take and answer positions. */
export function addCursors(api: FastifyInstance, cursors: Cursors): void {
  api.addHook('preValidation', async (request) => {
    const query = request.query as Record<string, unknown>;
    // Said twice it is none: its schema says so.
    if (typeof query['cursor'] !== 'string' || !isList(request)) return;
    const position = isPaged(request) ? cursors.positionOf(listOf(request), query['cursor']) : undefined;
    if (position === undefined) {
      const message = 'is not the nextCursor of a page of this list';
      throw new Problem('validation_failed', `The cursor ${message}.`, {
        errors: [{ path: 'querystring.cursor', message }],
      });
    }
    query['cursor'] = position;
  });

  api.addHook('preSerialization', async (request, _reply, payload: unknown) => {
    if (!isPaged(request) || typeof payload !== 'object' || payload === null) return payload;
    if (!('nextCursor' in payload) || typeof payload.nextCursor !== 'string') return payload;
    return { ...payload, nextCursor: cursors.cursorOf(listOf(request), payload.nextCursor) };
  });
}

const isPaged = ({ routeOptions: { schema } }: FastifyRequest): boolean => has(schema?.querystring, 'cursor');

/** Short ones come in one page, whose `nextCursor` is null: no cursor is theirs. */
const isList = (request: FastifyRequest): boolean =>
  isPaged(request) ||
  has((request.routeOptions.schema?.response as { 200?: unknown } | undefined)?.[200], 'nextCursor');

const has = (schema: unknown, member: string): boolean => schema instanceof z.ZodObject && member in schema.shape;

/** The right to read a list is not its cursor's, and neither are filters: a position stands in all of it. */
const listOf = ({ url }: FastifyRequest): string => decodeURIComponent(url.split('?', 1)[0] ?? '');
