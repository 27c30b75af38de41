/** `/feed`: what happens, as server-sent events; over WebSocket see `feed-sockets.ts`. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { callerOf, requireRight } from '../http/caller.js';
import { Problem } from '../http/problem.js';
import { parse } from '../http/validation.js';
import { eventStream } from './event-stream.js';
import type { FeedListeners } from './listeners.js';
import { eventIdSchema, feedQuery } from './schemas.js';

export const feedRoutes: FastifyPluginAsyncZod<{ readonly listeners: FeedListeners }> = async (api, { listeners }) => {
  // Streams never end by themselves: without this, closing the server would wait for their readers.
  api.addHook('preClose', async () => listeners.close());

  api.get(
    '/feed',
    {
      // A HEAD would open a stream that nobody reads.
      exposeHeadRoute: false,
      schema: {
        tags: ['events'],
        summary: 'What happens, as server-sent events, or over a WebSocket at the same address',
        querystring: feedQuery,
      },
    },
    async (request, reply) => {
      const principal = callerOf(request);
      if (!acceptsEventStream(request.headers.accept)) {
        throw new Problem('not_acceptable', 'The feed is text/event-stream, or a WebSocket.');
      }
      const { query } = request;
      if (query.formId !== undefined) requireRight(principal, `form/${query.formId}`, 'read', 'form_not_found');
      const lastEventId = request.headers['last-event-id'];
      const after = lastEventId === undefined ? query.after : parse(eventIdSchema, lastEventId, 'Last-Event-ID');
      listeners.requireRoom();
      const { body, sink } = eventStream();
      body.once('close', listeners.add(principal, { ...query, after }, sink));
      reply.headers({
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store, no-transform',
        // nginx holds answers back by default.
        'x-accel-buffering': 'no',
      });
      return reply.send(body);
    },
  );
};

function acceptsEventStream(accept: string | undefined): boolean {
  if (accept === undefined) return true;
  return accept
    .split(',')
    .map((type) => type.split(';', 1)[0]?.trim().toLowerCase())
    .some((type) => type === 'text/event-stream' || type === 'text/*' || type === '*/*');
}
