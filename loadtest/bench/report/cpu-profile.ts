/** Reads a V8 CPU profile: self time by function, within the measured phase alone. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

export interface HotFunction {
  readonly name: string;
  /** File and line, or empty for what is no script. */
  readonly location: string;
  /** Of the time that the main thread was not idle, 0 to 1. */
  readonly share: number;
  readonly selfMs: number;
}

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

/** As `--cpu-prof` writes it; times in µs of the monotonic clock. */
interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const LISTED = 30;

export function hottestFunctions(
  file: string,
  phase: { readonly fromUs: number; readonly toUs: number } | undefined,
): HotFunction[] {
  const profile = JSON.parse(readFileSync(file, 'utf8')) as CpuProfile;
  const selfUs = selfTimes(profile, phase?.fromUs ?? 0, phase?.toUs ?? Number.POSITIVE_INFINITY);
  const functions = new Map<string, { name: string; location: string; us: number }>();
  let busyUs = 0;
  for (const { id, callFrame } of profile.nodes) {
    const us = selfUs.get(id);
    if (us === undefined || isIdle(callFrame)) continue;
    busyUs += us;
    const name = callFrame.functionName === '' ? '(anonymous)' : callFrame.functionName;
    const location = locationOf(callFrame);
    const known = functions.get(`${name} ${location}`);
    if (known === undefined) functions.set(`${name} ${location}`, { name, location, us });
    else known.us += us;
  }
  return [...functions.values()]
    .sort((a, b) => b.us - a.us)
    .slice(0, LISTED)
    .map(({ name, location, us }) => ({ name, location, share: us / busyUs, selfMs: us / 1_000 }));
}

/** Waiting for events, or sleeping while they gather (`server/rooms/pace/receive-pacer.ts`). */
function isIdle({ functionName, url }: CallFrame): boolean {
  return functionName === '(idle)' || (functionName === 'sleep' && url.includes('receive-pacer'));
}

/** By node; a sample counts until the next one. */
function selfTimes({ samples, timeDeltas, startTime }: CpuProfile, fromUs: number, toUs: number): Map<number, number> {
  const times = new Map<number, number>();
  let at = startTime;
  for (const [i, node] of samples.entries()) {
    at += timeDeltas[i] ?? 0;
    if (at < fromUs || at > toUs) continue;
    times.set(node, (times.get(node) ?? 0) + Math.max(0, timeDeltas[i + 1] ?? 0));
  }
  return times;
}

/** The last two folders and the file tell packages and our own apart. */
function locationOf({ url, lineNumber }: CallFrame): string {
  if (url === '') return '';
  const file = url.startsWith('file:') ? new URL(url).pathname : url;
  const short = file.startsWith('/') ? file.split(path.sep).slice(-3).join('/') : file;
  return `${short}:${lineNumber + 1}`;
}
