import { setTimeout as pause } from 'node:timers/promises';

/** Waits for a condition. The limit only turns a hang into a message; it times nothing. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  options: { readonly what?: string | (() => string); readonly limitMs?: number; readonly everyMs?: number } = {},
): Promise<void> {
  const limit = Date.now() + (options.limitMs ?? 60_000);
  while (!(await condition())) {
    if (Date.now() > limit) {
      const what = typeof options.what === 'function' ? options.what() : (options.what ?? condition.toString());
      throw new Error(`This did not come true: ${what}`);
    }
    await pause(options.everyMs ?? 5);
  }
}
