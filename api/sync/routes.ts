/** `/sync`: the WebSocket protocol for those whom no WebSocket reaches. Events down, POSTs up, the same rooms. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { HttpSync } from '../../server/gateway/http-sync.js';
import { documentNameFromPath } from '../../server/protocol/document-name.js';
import { callerOf } from '../http/caller.js';
import { isProblemCode, Problem } from '../http/problem.js';
import { postHeaders, postQuery, streamQuery } from './schemas.js';

const tags = ['sync'];
const PREFIX = '/api/v1';

export interface SyncRoutesOptions {
  readonly sync: HttpSync;
  /** As large as a WebSocket message may be. */
  readonly maxFrameBytes: number;
}

export const syncRoutes: FastifyPluginAsyncZod<SyncRoutesOptions> = async (api, { sync, maxFrameBytes }) => {
  api.addContentTypeParser(
    'application/octet-stream',
    { parseAs: 'buffer', bodyLimit: maxFrameBytes },
    (_request, body, done) => done(null, body),
  );

  api.get(
    '/sync/*',
    {
      // A HEAD would open a stream that nobody reads.
      exposeHeadRoute: false,
      // The gateway asks for the token: its answers are close codes, as browsers cannot see the status of a stream.
      config: { isPublic: true },
      schema: {
        tags,
        summary: 'Join a document without a WebSocket: its messages as server-sent events, in base64',
        querystring: streamQuery,
      },
    },
    async (request, reply) => {
      const refusal = await sync.openStream(request.raw, pathOf(request.raw.url), () => {
        reply.hijack();
        for (const [name, value] of Object.entries(reply.getHeaders())) {
          if (value !== undefined) reply.raw.setHeader(name, value);
        }
        return reply.raw.writeHead(200, {
          'content-type': 'text/event-stream; charset=utf-8',
          'cache-control': 'no-store, no-transform',
          // nginx holds answers back by default.
          'x-accel-buffering': 'no',
        });
      });
      if (refusal === undefined) return reply;
      const { code, detail, retryAfterSeconds } = refusal;
      if (!isProblemCode(code)) throw new Error(`"${code}" is no code of a problem`);
      throw new Problem(code, detail, retryAfterSeconds === undefined ? {} : { retryAfterSeconds });
    },
  );

  api.post(
    '/sync/*',
    {
      schema: {
        tags,
        summary: 'Send messages on a stream; without a body: a sign of life',
        description: 'What is wrong with the messages is told on the stream, by its `close` event.',
        querystring: postQuery,
        headers: postHeaders,
        consumes: ['application/octet-stream'],
        response: { 204: z.void() },
      },
    },
    async (request, reply) => {
      const { connection, sequence } = request.query;
      const messages = request.body ?? new Uint8Array();
      if (!(messages instanceof Uint8Array)) {
        throw new Problem('unsupported_media_type', 'Messages are sent as application/octet-stream.');
      }
      const verdict = await sync.post(connection, {
        secret: request.headers['x-connection-secret'],
        document: documentNameFromPath(pathOf(request.raw.url)),
        principal: callerOf(request).id,
        sequence,
        messages,
      });
      switch (verdict) {
        case 'taken':
          return reply.code(204).send();
        case 'unknown connection':
          // Also for a wrong secret or somebody else: who may not post learns nothing.
          throw new Problem('connection_not_found', 'There is no such stream here for this token.');
        case 'out of order':
          throw new Problem('conflict', 'Posts before this one are missing.');
        case 'too many at once':
          throw new Problem('overloaded', 'Too many posts wait for the document.', { retryAfterSeconds: 1 });
      }
    },
  );
};

/** `/sync/<document>` as it was sent: the router would have decoded it. */
function pathOf(url: string | undefined): string {
  return (url ?? '').split('?', 1)[0]?.slice(PREFIX.length) ?? '';
}
