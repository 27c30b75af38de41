/** `…/subscription`: follow or mute a form, or a thread of it. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerOf } from '../http/caller.js';
import type { Subscriptions } from '../notifications/index.js';
import { requireThreadRight } from './rights.js';
import * as schemas from './schemas.js';
import type { CommentService } from './service.js';

const tags = ['comments'];

export interface SubscriptionRoutesOptions {
  readonly comments: CommentService;
  readonly subscriptions: Subscriptions;
}

export const subscriptionRoutes: FastifyPluginAsyncZod<SubscriptionRoutesOptions> = async (
  api,
  { comments, subscriptions },
) => {
  const places = [
    { path: '/forms/:formId/subscription', what: 'a form', params: schemas.formParams },
    { path: '/forms/:formId/threads/:threadId/subscription', what: 'a thread', params: schemas.threadParams },
  ] as const;
  for (const { path, what, params } of places) {
    api.get(
      path,
      {
        schema: {
          tags,
          summary: `Whether you follow ${what} or muted it`,
          params,
          response: { 200: schemas.subscriptionSchema },
        },
      },
      async (request) => {
        const { formId, threadId } = placeOf(request.params);
        const principal = callerOf(request);
        requireThreadRight(principal, formId, 'comment');
        await comments.requirePlace(formId, threadId);
        const mode = await subscriptions.get(principal.id, formId, threadId);
        return { formId, threadId: threadId ?? null, mode: mode ?? null };
      },
    );

    api.put(
      path,
      {
        schema: {
          tags,
          summary: `Follow or mute ${what}`,
          params,
          body: schemas.subscriptionRequestSchema,
          response: { 200: schemas.subscriptionSchema },
        },
      },
      async (request) => {
        const { formId, threadId } = placeOf(request.params);
        const principal = callerOf(request);
        requireThreadRight(principal, formId, 'comment');
        await comments.requirePlace(formId, threadId);
        const { mode } = request.body;
        await subscriptions.set(principal.id, formId, threadId, mode);
        return { formId, threadId: threadId ?? null, mode };
      },
    );

    api.delete(
      path,
      { schema: { tags, summary: `Neither follow nor mute ${what}`, params, response: { 204: z.void() } } },
      async (request, reply) => {
        const { formId, threadId } = placeOf(request.params);
        const principal = callerOf(request);
        requireThreadRight(principal, formId, 'comment');
        await comments.requirePlace(formId, threadId);
        await subscriptions.remove(principal.id, formId, threadId);
        return reply.code(204).send();
      },
    );
  }
};

function placeOf(params: { formId: string } | { formId: string; threadId: string }): {
  formId: string;
  threadId: string | undefined;
} {
  return { formId: params.formId, threadId: 'threadId' in params ? params.threadId : undefined };
}
