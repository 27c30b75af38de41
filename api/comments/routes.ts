/** `/forms/:formId/threads`: threads, their comments and reactions; what people do; whom they follow. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { commentSchema, threadSchema } from '../../crdt/comments/index.js';
import { roleOn } from '../../server/auth/index.js';
import { callerOf } from '../http/caller.js';
import type { Subscriptions } from '../notifications/index.js';
import type { ActivityBoard } from './activity-board.js';
import { commentsDocument, requireThreadRight } from './rights.js';
import * as schemas from './schemas.js';
import type { CommentService } from './service.js';
import { subscriptionRoutes } from './subscription-routes.js';

const tags = ['comments'];
const threads = '/forms/:formId/threads';
const comments = `${threads}/:threadId/comments`;

export interface CommentRoutesOptions {
  readonly comments: CommentService;
  readonly activities: ActivityBoard;
  readonly subscriptions: Subscriptions;
}

export const commentRoutes: FastifyPluginAsyncZod<CommentRoutesOptions> = async (api, options) => {
  const { comments: service, activities, subscriptions } = options;
  await api.register(subscriptionRoutes, { comments: service, subscriptions });

  api.get(
    threads,
    {
      schema: {
        tags,
        summary: 'Threads of a form, oldest first',
        params: schemas.formParams,
        querystring: schemas.listQuery,
        response: { 200: schemas.threadListSchema },
      },
    },
    async (request) => {
      const { formId } = request.params;
      requireThreadRight(callerOf(request), formId, 'read');
      const { limit, cursor, ...filter } = request.query;
      return service.list(formId, filter, { limit, cursor: cursor ?? null });
    },
  );

  api.post(
    threads,
    {
      schema: {
        tags,
        summary: 'Start a thread on the form, a field, an option or a range of text',
        params: schemas.formParams,
        body: schemas.newThreadSchema,
        response: { 201: threadSchema },
      },
    },
    async (request, reply) => {
      const { formId } = request.params;
      const principal = callerOf(request);
      requireThreadRight(principal, formId, 'comment');
      const { thread, etag } = await service.start(principal, formId, request.body.anchor, request.body.body);
      const location = `/api/v1/forms/${formId}/threads/${thread.id}`;
      return reply.code(201).header('location', location).header('etag', etag).send(thread);
    },
  );

  api.get(
    `${threads}/:threadId`,
    { schema: { tags, summary: 'A thread', params: schemas.threadParams, response: { 200: threadSchema } } },
    async (request, reply) => {
      const { formId, threadId } = request.params;
      requireThreadRight(callerOf(request), formId, 'read');
      const { thread, etag } = await service.get(formId, threadId);
      reply.header('etag', etag);
      return thread;
    },
  );

  api.patch(
    `${threads}/:threadId`,
    {
      schema: {
        tags,
        summary: 'Resolve, reopen or assign a thread',
        params: schemas.threadParams,
        body: schemas.threadPatchSchema,
        response: { 200: threadSchema },
      },
    },
    async (request, reply) => {
      const { formId, threadId } = request.params;
      const principal = callerOf(request);
      requireThreadRight(principal, formId, 'comment');
      const { thread, etag } = await service.patch(
        principal,
        formId,
        threadId,
        request.body,
        request.headers['if-match'],
      );
      reply.header('etag', etag);
      return thread;
    },
  );

  api.delete(
    `${threads}/:threadId`,
    {
      schema: { tags, summary: 'Delete a thread for good', params: schemas.threadParams, response: { 204: z.void() } },
    },
    async (request, reply) => {
      const { formId, threadId } = request.params;
      const principal = callerOf(request);
      requireThreadRight(principal, formId, 'own');
      await service.delete(principal, formId, threadId, request.headers['if-match']);
      return reply.code(204).send();
    },
  );

  api.post(
    comments,
    {
      schema: {
        tags,
        summary: 'Reply in a thread',
        params: schemas.threadParams,
        body: schemas.commentRequestSchema,
        response: { 201: commentSchema },
      },
    },
    async (request, reply) => {
      const { formId, threadId } = request.params;
      const principal = callerOf(request);
      requireThreadRight(principal, formId, 'comment');
      const { comment, etag } = await service.reply(
        principal,
        formId,
        threadId,
        request.body.body,
        request.headers['if-match'],
      );
      const location = `/api/v1/forms/${formId}/threads/${threadId}/comments/${comment.id}`;
      return reply.code(201).header('location', location).header('etag', etag).send(comment);
    },
  );

  api.get(
    `${comments}/:commentId`,
    {
      schema: {
        tags,
        summary: 'A comment with what it said before',
        params: schemas.commentParams,
        response: { 200: schemas.commentWithHistorySchema },
      },
    },
    async (request, reply) => {
      requireThreadRight(callerOf(request), request.params.formId, 'read');
      const { comment, history, etag } = await service.comment(request.params);
      reply.header('etag', etag);
      return { ...comment, history };
    },
  );

  api.patch(
    `${comments}/:commentId`,
    {
      schema: {
        tags,
        summary: 'Edit your comment; what it said before is kept',
        params: schemas.commentParams,
        body: schemas.commentRequestSchema,
        response: { 200: commentSchema },
      },
    },
    async (request, reply) => {
      const principal = callerOf(request);
      requireThreadRight(principal, request.params.formId, 'comment');
      const { comment, etag } = await service.edit(
        principal,
        request.params,
        request.body.body,
        request.headers['if-match'],
      );
      reply.header('etag', etag);
      return comment;
    },
  );

  api.delete(
    `${comments}/:commentId`,
    {
      schema: {
        tags,
        summary: 'Delete a comment: its words go, a mark stays',
        params: schemas.commentParams,
        response: { 204: z.void() },
      },
    },
    async (request, reply) => {
      const principal = callerOf(request);
      requireThreadRight(principal, request.params.formId, 'comment');
      const { etag } = await service.deleteComment(principal, request.params, request.headers['if-match']);
      return reply.code(204).header('etag', etag).send();
    },
  );

  api.put(
    `${comments}/:commentId/reactions/:reaction`,
    {
      schema: { tags, summary: 'React to a comment', params: schemas.reactionParams, response: { 200: commentSchema } },
    },
    async (request, reply) => {
      const principal = callerOf(request);
      const { formId, reaction } = request.params;
      requireThreadRight(principal, formId, 'comment');
      const { comment, etag } = await service.react(
        principal,
        request.params,
        reaction,
        true,
        request.headers['if-match'],
      );
      reply.header('etag', etag);
      return comment;
    },
  );

  api.delete(
    `${comments}/:commentId/reactions/:reaction`,
    { schema: { tags, summary: 'Take a reaction back', params: schemas.reactionParams, response: { 204: z.void() } } },
    async (request, reply) => {
      const principal = callerOf(request);
      const { formId, reaction } = request.params;
      requireThreadRight(principal, formId, 'comment');
      const { etag } = await service.react(principal, request.params, reaction, false, request.headers['if-match']);
      return reply.code(204).header('etag', etag).send();
    },
  );

  api.post(
    '/forms/:formId/activity',
    {
      schema: {
        tags,
        summary: 'Say what you are doing, without a socket; shown in presence for 10 seconds',
        params: schemas.formParams,
        body: schemas.activityRequestSchema,
        response: { 204: z.void() },
      },
    },
    async (request, reply) => {
      const { formId } = request.params;
      const principal = callerOf(request);
      requireThreadRight(principal, formId, 'comment');
      const { activity, threadId } = request.body;
      await service.requirePlace(formId, threadId);
      const { id, name } = principal;
      activities.post(formId, {
        user: name === undefined ? { id } : { id, name },
        role: roleOn(principal, commentsDocument(formId)) ?? 'commenter',
        activity,
        threadId: threadId ?? null,
      });
      return reply.code(204).send();
    },
  );
};
