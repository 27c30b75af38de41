import t from 'tap';
import { classOf } from './feed-deliveries.js';

void t.test('a message goes in the queue of its most urgent event', (t) => {
  const classFor = (...types: string[]): string => classOf(types.map((type) => ({ type })));
  t.equal(classFor('form.changed'), 'realtime');
  t.equal(classFor('submission.progress'), 'realtime');
  t.equal(classFor('submission.submitted'), 'broadcast');
  t.equal(classFor('snapshot.created'), 'broadcast');
  t.equal(classFor('of.tomorrow'), 'broadcast');
  t.equal(classFor('notification.created'), 'notification');
  t.equal(classFor('alert.fired'), 'system');
  t.equal(classFor('tuner.step'), 'system');
  t.equal(classFor('tuner.step', 'notification.created', 'form.changed', 'snapshot.created'), 'realtime');
  t.equal(classFor('tuner.step', 'notification.created'), 'notification');
  t.end();
});
