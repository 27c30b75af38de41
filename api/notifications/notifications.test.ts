import { pino } from 'pino';
import t from 'tap';
import { newDataFolder, openFolder } from '../../server/storage/testing/embedded-folder.js';
import type { RecordStore } from '../../server/storage/record-store.js';
import type { Principal } from '../../server/auth/index.js';
import { Audience } from '../comments/audience.js';
import { createNotifications, maySeeNotification, type Delivery, type Notification } from './index.js';
import { channelsFor, isQuiet, settingsSchema, type QuietHours } from './settings.js';

const at = (time: string): number => Date.parse(time);

const SILENT = { live: async () => undefined, webhook: async () => undefined };

void t.test('quiet hours go over midnight, follow their time zone and its summer time', (t) => {
  const night: QuietHours = { from: '22:00', to: '07:00', timeZone: 'Europe/Paris' };
  const cases: [QuietHours, string, boolean][] = [
    // Winter: UTC+1
    [night, '2030-01-15T20:59:59Z', false],
    [night, '2030-01-15T21:00:00Z', true],
    [night, '2030-01-16T05:59:59Z', true],
    [night, '2030-01-16T06:00:00Z', false],
    // Summer: UTC+2
    [night, '2030-07-15T20:00:00Z', true],
    [night, '2030-07-16T05:00:00Z', false],
    [{ from: '12:00', to: '13:30', timeZone: 'UTC' }, '2030-01-15T11:59:00Z', false],
    [{ from: '12:00', to: '13:30', timeZone: 'UTC' }, '2030-01-15T13:29:59Z', true],
    [{ from: '12:00', to: '13:30', timeZone: 'UTC' }, '2030-01-15T13:30:00Z', false],
    [{ from: '09:00', to: '09:00', timeZone: 'UTC' }, '2030-01-15T08:00:00Z', true],
  ];
  for (const [hours, time, isHushed] of cases) t.equal(isQuiet(hours, at(time)), isHushed, `${hours.from} ${time}`);
  t.end();
});

void t.test('in quiet hours only what is urgent leaves the inbox; a channel that is off stays off', (t) => {
  const settings = settingsSchema.parse({
    reasons: { reply: { webhook: false }, alert: { inbox: false } },
    quietHours: { from: '22:00', to: '07:00' },
  });
  const [day, night] = [at('2030-01-15T12:00:00Z'), at('2030-01-15T23:00:00Z')];
  t.same(channelsFor(settings, 'mention', 'high', day), ['inbox', 'live', 'webhook']);
  t.same(channelsFor(settings, 'mention', 'high', night), ['inbox']);
  t.same(channelsFor(settings, 'mention', 'urgent', night), ['inbox', 'live', 'webhook']);
  t.same(channelsFor(settings, 'reply', 'normal', day), ['inbox', 'live']);
  t.same(channelsFor(settings, 'alert', 'normal', night), []);
  t.end();
});

void t.test('a notification is heard live and by webhook, with what is in the inbox', async (t) => {
  const storage = await openFolder(t, await newDataFolder(t));
  const hooked: [string, Notification][] = [];
  const live: [string, Notification][] = [];
  const now = at('2030-01-15T12:00:00Z');
  const parts = createNotifications(
    storage.records,
    {
      live: async (userId, notification) => void live.push([userId, notification]),
      webhook: async (userId, notification) => void hooked.push([userId, notification]),
    },
    () => now,
  );
  const notice = { userId: 'ben', reason: 'mention', formId: 'f', threadId: 't', commentId: 'c' } as const;
  const told = await parts.notifier.notify({ ...notice, actor: { id: 'ann' }, text: `Hi ${'x'.repeat(400)}` });
  t.match(told, { createdAt: now, channels: ['inbox', 'live', 'webhook'], group: 'form/f/thread/t' });
  t.equal(told?.text.length, 280, 'an excerpt');
  t.same(live, [['ben', told]]);
  t.same(hooked, [['ben', told]]);
  const filter = { isArchived: false, maySee: () => true };
  const listed = await parts.notifications.list('ben', filter, { limit: 10, cursor: null });
  t.match(listed, { data: [told], nextCursor: null });

  const viewer = (document: string): Principal => ({
    id: 'ben',
    isAnonymous: false,
    grants: [{ document, role: 'viewer' }],
  });
  t.ok(maySeeNotification(viewer('form/f'), told!));
  t.notOk(maySeeNotification(viewer('form/g'), told!));
  t.ok(maySeeNotification(viewer('form/g'), { formId: null, threadId: null }), 'an alert is about no form');
});

void t.test('an inbox of hundreds is listed, read and erased', async (t) => {
  const storage = await openFolder(t, await newDataFolder(t));
  const { notifications, notifier } = createNotifications(storage.records, SILENT, () => Date.now());
  const tell = (formId: string, n: number): Promise<unknown> =>
    notifier.notify({ userId: 'ben', reason: 'reply', formId, threadId: 't', actor: { id: 'ann' }, text: `${n}` });
  for (let n = 0; n < 250; n += 25) {
    await Promise.all(Array.from({ length: 25 }, (_, i) => tell(i % 2 === 0 ? 'even' : 'odd', n + i)));
  }
  const everything = { isArchived: false, maySee: () => true };
  const whole = await notifications.list('ben', everything, { limit: 1_000, cursor: null });
  t.equal(whole.data.length, 250);
  t.same(
    whole.data.map(({ id }) => id),
    whole.data.map(({ id }) => id).sort((a, b) => (a < b ? 1 : -1)),
    'newest first',
  );
  t.equal(await notifications.markRead('ben', undefined, 1, ({ formId }) => formId === 'odd'), 120);
  t.equal(await notifications.markRead('ben', undefined, 2, () => true), 130);
  t.equal(await notifier.forget({ formId: 'even' }), 130);
  const left = await notifications.list('ben', everything, { limit: 1_000, cursor: null });
  t.equal(left.data.length, 120);
  t.ok(left.data.every(({ formId, readAt }) => formId === 'odd' && readAt === 1));
  t.equal((await collected(storage.records, 'ben')).length, 120, 'no place is left that leads nowhere');
});

void t.test('one who cannot be told keeps nobody else from being told', async (t) => {
  const storage = await openFolder(t, await newDataFolder(t));
  const webhook: Delivery = async (userId) => {
    if (userId === 'bad') throw new Error('the receiver is gone');
  };
  const { notifier, notifications, subscriptions } = createNotifications(storage.records, { ...SILENT, webhook }, () =>
    Date.now(),
  );
  const lines: string[] = [];
  const logger = pino({ level: 'error' }, { write: (line: string) => void lines.push(line) });
  const audience = new Audience(notifier, subscriptions, logger);
  for (const userId of ['ann', 'bad', 'cid']) await subscriptions.set(userId, 'f', undefined, 'follow');
  await audience.published({ id: 'olga', isAnonymous: false, grants: [] }, 'f', 3);
  for (const userId of ['ann', 'bad', 'cid']) {
    const { data } = await notifications.list(
      userId,
      { isArchived: false, maySee: () => true },
      { limit: 9, cursor: null },
    );
    t.match(data, [{ reason: 'published', text: 'Version 3 was published.' }], userId);
  }
  t.equal(lines.length, 1);
  t.match(JSON.parse(lines[0]!), { user: 'bad', reason: 'published', formId: 'f' });
});

async function collected(records: RecordStore, userId: string): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const record of records.scan(['notification', userId])) found.push(record.key);
  return found;
}
