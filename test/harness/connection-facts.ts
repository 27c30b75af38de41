import type { ConnectionFacts } from '../../server/gateway/connection.js';
import { TrafficLimits } from '../../server/limits/index.js';

/** What a connection of an editor without any budget is made of, without a gateway. */
export function factsOfEditor(idleTimeoutMs: number): ConnectionFacts {
  const nobody = { user: undefined, document: undefined, tenant: undefined, address: undefined };
  const unlimited = new TrafficLimits({ rules: {}, now: () => performance.now() }).open(nobody);
  if (!unlimited.admitted) throw new Error('there is no limit');
  return {
    id: 'one',
    document: 'room',
    principal: { id: 'ada', isAnonymous: false, grants: [] },
    role: 'editor',
    mayWrite: true,
    scope: {},
    wantsExtras: false,
    address: '127.0.0.1',
    pool: 'default',
    idleTimeoutMs,
    traffic: unlimited.traffic,
    onOverBudget: () => undefined,
  };
}
