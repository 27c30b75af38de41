/** Breakers and the tuner as the API shows them. */
import type { z } from 'zod';
import type { BreakerInfo } from '../../server/limits/index.js';
import { COMFORT, TunerClock } from '../../server/tuner/index.js';
import type { Optimization } from './index.js';
import type { breakerSchema, tunerSchema } from './schemas.js';

export function shownBreaker(breaker: BreakerInfo): z.infer<typeof breakerSchema> {
  const { lastError = null, openedAt = null, nextTryAt = null } = breaker;
  return { ...breaker, lastError, openedAt, nextTryAt };
}

export function shownTuner({ tuner, tunerClock, gauge, settings }: Optimization): z.infer<typeof tunerSchema> {
  const reading = tunerClock.last?.reading ?? gauge.peek();
  const { mode, bounds, targets } = settings.tunerSettings;
  return {
    mode,
    intervalSeconds: TunerClock.everyMs / 1_000,
    bounds: { ...bounds },
    targets: { ...COMFORT, ...targets },
    knobs: tuner.state(),
    reading,
    objective: tuner.objective(reading),
    advice: tunerClock.last?.advice ?? null,
    trial: tuner.trial ?? null,
  };
}
