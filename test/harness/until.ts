import { setTimeout as pause } from 'node:timers/promises';

/** Between two looks at most, where the caller says nothing. */
const SELDOM_MS = 25;

/**
 * Waits for a condition. The limit only turns a hang into a message; it times nothing. The longer it takes, the less often it is
 * looked: most conditions are requests, which cost the server that is waited for as much as the test.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  options: { readonly what?: string | (() => string); readonly limitMs?: number; readonly everyMs?: number } = {},
): Promise<void> {
  const start = Date.now();
  const limit = start + (options.limitMs ?? 60_000);
  while (!(await condition())) {
    if (Date.now() > limit) {
      const what = typeof options.what === 'function' ? options.what() : (options.what ?? condition.toString());
      throw new Error(`This did not come true: ${what}`);
    }
    await pause(options.everyMs ?? Math.min(5 + (Date.now() - start) / 40, SELDOM_MS));
  }
}
