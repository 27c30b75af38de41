import t from 'tap';
import { fuzzClients } from './client-fuzz.js';
import { targetInProcess } from './fuzz-target.js';
import { fuzzSeconds, fuzzSource } from './settings.js';

void t.test('clients that come, edit, stall, vanish and return agree with the server in the end', async (t) => {
  const random = fuzzSource();
  t.comment(`FORMLOOM_FUZZ_SEED=${random.seed}`);
  const target = await targetInProcess();
  t.teardown(() => target.cleanup());
  const end = Date.now() + fuzzSeconds * 1_000;
  const { steps, failures } = await fuzzClients({ target, random, isOver: () => Date.now() > end });
  t.strictSame(failures, [], `repeat it with: npm run fuzz -- --only clients --seed ${random.seed}`);
  t.ok(steps > 0, `${steps} steps`);
});
