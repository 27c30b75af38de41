/** `/notifications`: a user's own. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerOf } from '../http/caller.js';
import { timeOf } from '../http/pages.js';
import { Problem } from '../http/problem.js';
import type { ListedNotification, Notification, NotificationStore } from './notification-store.js';
import * as schemas from './schemas.js';
import { settingsSchema, type SettingsStore } from './settings.js';
import { maySeeNotification } from './visibility.js';

const tags = ['notifications'];

export interface NotificationRoutesOptions {
  readonly notifications: NotificationStore;
  readonly settings: SettingsStore;
  readonly clock: () => number;
}

export const notificationRoutes: FastifyPluginAsyncZod<NotificationRoutesOptions> = async (
  api,
  { notifications, settings, clock },
) => {
  api.get(
    '/notifications',
    {
      schema: {
        tags,
        summary: 'Your notifications, newest first',
        querystring: schemas.listQuery,
        response: { 200: schemas.notificationListSchema },
      },
    },
    async (request) => {
      const principal = callerOf(request);
      const { limit, cursor, unread, priority, reason, archived, grouped } = request.query;
      const filter = {
        isUnread: unread,
        priority,
        reason,
        isArchived: archived,
        maySee: (notification: Notification) => maySeeNotification(principal, notification),
      };
      const place = { limit, cursor: cursor ?? null };
      const page = await (grouped
        ? notifications.listGroups(principal.id, filter, place)
        : notifications.list(principal.id, filter, place));
      return { data: page.data.map(shown), nextCursor: page.nextCursor };
    },
  );

  api.post(
    '/notifications/read',
    {
      schema: {
        tags,
        summary: 'Mark as read',
        body: schemas.readRequestSchema,
        response: { 200: schemas.readAnswerSchema },
      },
    },
    async (request) => {
      const { body } = request;
      const principal = callerOf(request);
      const ids = 'ids' in body ? body.ids : undefined;
      const read = await notifications.markRead(principal.id, ids, clock(), (notification) =>
        maySeeNotification(principal, notification),
      );
      return { read };
    },
  );

  api.delete(
    '/notifications/:id',
    {
      schema: {
        tags,
        summary: 'Archive a notification',
        params: schemas.notificationParams,
        response: { 204: z.void() },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      if (!(await notifications.archive(callerOf(request).id, id, clock()))) {
        throw new Problem('notification_not_found', `You have no notification "${id}".`);
      }
      return reply.code(204).send();
    },
  );

  api.get(
    '/notifications/settings',
    { schema: { tags, summary: 'What you are told of, where, and when not', response: { 200: settingsSchema } } },
    async (request) => settings.get(callerOf(request).id),
  );

  api.put(
    '/notifications/settings',
    {
      schema: {
        tags,
        summary: 'Choose per reason and channel, and quiet hours; what is left out is on',
        body: settingsSchema,
        response: { 200: settingsSchema },
      },
    },
    async (request) => {
      await settings.put(callerOf(request).id, request.body);
      return request.body;
    },
  );
};

function shown(notification: ListedNotification): z.infer<typeof schemas.notificationSchema> {
  const time = (at: number | null): string | null => (at === null ? null : timeOf(at));
  return {
    ...notification,
    createdAt: timeOf(notification.createdAt),
    readAt: time(notification.readAt),
    archivedAt: time(notification.archivedAt),
  };
}
