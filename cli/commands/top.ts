/** `formloom top`: a running server, live in the terminal. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import type { ApiTarget } from '../api-client.js';
import { CommandError, EXIT, type Output } from '../output.js';
import { look, scrape, type Look } from '../top/look.js';
import type { Scrape } from '../top/prometheus-text.js';
import { Screen } from '../top/screen.js';
import { view } from '../top/view.js';
import { targetOf, withRemoteOptions, type RemoteOptions } from './remote-options.js';

interface TopOptions extends RemoteOptions {
  readonly once: boolean;
  readonly interval: string;
}

const WIDE = { columns: 120, rows: 60 };
const MAX_DOCUMENTS = 30;
/** A server that hangs is shown as one that does not answer. */
const TIMEOUT_MS = 10_000;
const [MIN_SECONDS, MAX_SECONDS] = [0.5, 3_600];

export function addTopCommand(program: Command, output: () => Output): void {
  withRemoteOptions(
    program.command('top').description('show a running server live: people, edits, latency, queues, alerts, documents'),
  )
    .option('--once', 'one look, then end', false)
    .option('--interval <seconds>', 'time between two looks, over which rates and latencies are taken', '2')
    .addHelpText(
      'after',
      '\nWithout a terminal, or with --json, it writes one look after the other; with --json one JSON object a line.\nWhat an administrator alone may see is left out with any other token.',
    )
    .action(async (options: TopOptions) => {
      const seconds = Number(options.interval);
      if (!(seconds >= MIN_SECONDS && seconds <= MAX_SECONDS)) {
        throw new CommandError(`--interval: a number of seconds from ${MIN_SECONDS} to ${MAX_SECONDS}`, EXIT.usage);
      }
      const top = { target: { ...targetOf(options), timeoutMs: TIMEOUT_MS }, seconds };
      const isLive = process.stdout.isTTY && !options.once && !output().isJson;
      await (isLive ? live(top) : batch(top, options.once, output()));
    });
}

interface Top {
  readonly target: ApiTarget;
  readonly seconds: number;
}

/** Ends at the first look that fails: whoever reads it wants to know. */
async function batch({ target, seconds }: Top, isOnce: boolean, output: Output): Promise<void> {
  let before = await scrape(target);
  do {
    await pause(seconds * 1_000);
    const [seen, after] = await look(target, before, MAX_DOCUMENTS);
    before = after;
    const columns = process.stdout.isTTY ? process.stdout.columns : WIDE.columns;
    const options = { ...WIDE, columns, hasColors: hasColors(), intervalSeconds: seconds };
    output.result(seen, [...view(seen, options).slice(0, -1), '']);
  } while (!isOnce);
}

/** Goes on through restarts of the server. */
async function live({ target, seconds }: Top): Promise<void> {
  // One that is not there at all is a wrong --url, and said as such.
  let before: Scrape = await scrape(target);
  const quit = new AbortController();
  let seen: Look | undefined;
  let fault: string | undefined;
  const draw = (): void => {
    const { columns, rows } = process.stdout;
    const options = { columns, rows, hasColors: hasColors(), intervalSeconds: seconds };
    const lines = seen === undefined ? [`Looking at ${target.url} for ${seconds} s …`] : view(seen, options);
    screen.draw(fault === undefined ? lines : [fault, '', ...lines]);
  };
  const screen = new Screen(process.stdout, process.stdin, () => quit.abort(), draw);
  process.once('SIGTERM', () => quit.abort());
  try {
    draw();
    while (await waited(seconds, quit.signal)) {
      try {
        [seen, before] = await look(target, before, MAX_DOCUMENTS);
        fault = undefined;
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        fault = error.message;
      }
      draw();
    }
  } finally {
    screen.close();
  }
}

/** False when it was cut short. */
async function waited(seconds: number, signal: AbortSignal): Promise<boolean> {
  await pause(seconds * 1_000, undefined, { signal }).catch(() => undefined);
  return !signal.aborted;
}

/** Follows NO_COLOR and FORCE_COLOR. */
const hasColors = (): boolean => process.stdout.isTTY && process.stdout.hasColors();
