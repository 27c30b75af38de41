import t from 'tap';
import { fuzzFrames } from './frame-fuzz.js';
import { targetInProcess } from './fuzz-target.js';
import { fuzzSeconds, fuzzSource } from './settings.js';

const HEAP_GROWTH_BYTES = 96 * 1024 * 1024;

void t.test('row 21: frames of any kind end nothing but the connection that sent them', async (t) => {
  const random = fuzzSource();
  t.comment(`FORMLOOM_FUZZ_SEED=${random.seed}`);
  const target = await targetInProcess();
  t.teardown(() => target.cleanup());
  const end = Date.now() + fuzzSeconds * 1_000;
  const report = await fuzzFrames({
    target,
    random,
    framesPerRound: 1_000,
    memoryGrowthBytes: HEAP_GROWTH_BYTES,
    isOver: () => Date.now() > end,
  });
  t.comment(JSON.stringify({ ...report, failures: report.failures.length }));
  t.strictSame(report.failures, [], `repeat it with: npm run fuzz -- --only frames --seed ${random.seed}`);
  t.ok(report.frames > 0 && report.thrownOut > 0, 'there were frames, and some went too far');
});
