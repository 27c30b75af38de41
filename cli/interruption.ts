/** Commands that leave something half done behind when they are stopped clean up first. */
import { constants } from 'node:os';
import { CommandError, type Output } from './output.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Work that ends early, and tidily, when its signal is aborted. A second signal ends the process at once.
 * @throws CommandError with the exit code that a shell tells of the signal (130 for SIGINT, 143 for SIGTERM), once the
 * work has ended
 */
export async function interruptible<T>(output: Output, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interruption = new AbortController();
  const stop = (name: NodeJS.Signals): void => {
    unlisten();
    output.note(`${name}: cleaning up`);
    interruption.abort(new CommandError(`stopped by ${name}`, 128 + constants.signals[name]));
  };
  const unlisten = (): void => SIGNALS.forEach((name) => process.off(name, stop));
  for (const name of SIGNALS) process.on(name, stop);
  try {
    return await work(interruption.signal);
  } catch (error) {
    throw interruption.signal.aborted ? interruption.signal.reason : error;
  } finally {
    unlisten();
  }
}
