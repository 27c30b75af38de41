import { pino } from 'pino';
import t from 'tap';
import { newDataFolder, openFolder } from '../../server/storage/testing/embedded-folder.js';
import { ACTIVITY_SHOWN_MS, ActivityBoard, type PostedActivity } from './activity-board.js';

const posted = (id: string, activity: PostedActivity['activity'] = 'viewing'): PostedActivity => ({
  user: { id },
  role: 'commenter',
  activity,
  threadId: null,
});

void t.test('what somebody does is shown on every node, the last thing alone, for ten seconds', async (t) => {
  const { bus } = await openFolder(t, await newDataFolder(t));
  const logger = pino({ level: 'silent' });
  let now = 1_000_000;
  // Each node has a clock of its own.
  const here = await ActivityBoard.open({ bus, clock: () => now, logger });
  const there = await ActivityBoard.open({ bus, clock: () => now + 3_600_000, logger });
  const turn = (): Promise<void> => bus.publish('after', new Uint8Array());

  here.post('f', posted('ann'));
  t.match(here.activities('f'), [{ user: { id: 'ann' }, activity: 'viewing', since: now, changedAt: now }]);
  await turn();
  t.match(there.activities('f'), [{ user: { id: 'ann' }, activity: 'viewing' }]);
  now += 4_000;
  there.post('f', posted('ben'));
  here.post('f', posted('ann', 'typing'));
  await turn();
  t.same(
    here
      .activities('f')
      .map(({ user }) => user.id)
      .sort(),
    ['ann', 'ben'],
  );
  t.match(
    here.activities('f').find(({ user }) => user.id === 'ann'),
    { activity: 'typing', since: now - 4_000, changedAt: now },
    'shown since the first of an unbroken row',
  );
  t.same(here.activities('g'), []);
  now += ACTIVITY_SHOWN_MS - 1;
  t.equal(there.activities('f').length, 2);
  now += 1;
  t.same([...here.activities('f'), ...there.activities('f')], []);
  here.post('f', posted('ann'));
  t.match(here.activities('f'), [{ since: now }], 'after a break it begins anew');

  await bus.publish('activities', Buffer.from('{"from": "another version"}'));
  await there.close();
  here.post('f', posted('cid'));
  await turn();
  t.notOk(
    there.activities('f').some(({ user }) => user.id === 'cid'),
    'a closed board hears nothing',
  );
  await here.close();
});
