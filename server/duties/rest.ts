import { setTimeout as pause } from 'node:timers/promises';

/** Until the time is over, or the duty: then it resolves at once, and the loop around it looks at the signal. Keeps no process alive. */
export async function rest(ms: number, signal: AbortSignal): Promise<void> {
  await pause(ms, undefined, { signal, ref: false }).catch(() => undefined);
}
