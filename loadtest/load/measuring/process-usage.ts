/** What a process takes, from Linux' /proc: the figure of the benchmark is the CPU time of the server process. */
import { existsSync, readFileSync } from 'node:fs';

/** Length of a clock tick in /proc, the same on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const KIB = 1024;

export class ProcessUsage {
  constructor(readonly pid: number) {}

  /** User and system time of all its threads in seconds, to 0.01 s. */
  cpuSeconds(): number {
    return cpuSecondsOf(`/proc/${this.pid}/stat`);
  }

  /** Of that, the thread that runs JavaScript: the others write to disk and collect garbage. */
  mainThreadCpuSeconds(): number {
    return cpuSecondsOf(`/proc/${this.pid}/task/${this.pid}/stat`);
  }

  /** Resident memory in bytes. */
  rssBytes(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'latin1');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) * KIB;
  }

  get isAlive(): boolean {
    return existsSync(`/proc/${this.pid}/stat`);
  }
}

function cpuSecondsOf(file: string): number {
  const stat = readFileSync(file, 'latin1');
  // The name in brackets may hold spaces; utime and stime are the 12th and 13th field after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** CPU time that the whole machine spent working, in seconds: tells how much others disturbed a run. */
export function machineBusySeconds(): number {
  const line = readFileSync('/proc/stat', 'latin1').split('\n', 1)[0] ?? '';
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND;
}
