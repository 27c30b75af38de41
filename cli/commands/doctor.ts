/** `formloom doctor`: looks at configuration, folder, disk, clock and the running server, and says what to change. */
import { mkdtemp, open, rm, statfs } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { weakSecrets, type Config } from '../../server/config/index.js';
import { callApi, SilentServerError } from '../api-client.js';
import { CommandError, EXIT, type Output } from '../output.js';
import { checkStore } from './doctor-store.js';
import { configFrom, withConfigOptions } from './serve.js';

type Level = 'ok' | 'warning' | 'problem';

interface Finding {
  readonly check: string;
  readonly level: Level;
  readonly detail: string;
}

const LOW_DISK_BYTES = 1024 ** 3;
const SLOW_FSYNC_MS = 30;
const FSYNCS = 20;
/** One that hangs is just why somebody looks. */
const ANSWER_MS = 5_000;
const MARK: Record<Level, string> = { ok: '✓', warning: '!', problem: '✗' };

export function addDoctorCommand(
  program: Command,
  output: () => Output,
  environment: Readonly<Record<string, string | undefined>>,
): void {
  withConfigOptions(
    program.command('doctor').description('check configuration, store, disk and clock, and say what to change'),
  ).action(async (flags: Readonly<Record<string, string>>) => {
    const config = configFrom(flags, environment);
    const findings = [
      ...checkConfiguration(config),
      ...(await checkFolder(config.dataDir)),
      ...(await checkStore(config)),
      checkClock(),
      await checkServer(config),
    ];
    output().result(
      findings,
      findings.map(({ check, level, detail }) => `${MARK[level]} ${check}: ${detail}`),
    );
    const problems = findings.filter(({ level }) => level === 'problem').length;
    if (problems > 0)
      throw new CommandError(`${problems} ${problems === 1 ? 'problem' : 'problems'} found`, EXIT.failed);
  });
}

function checkConfiguration(config: Config): Finding[] {
  const findings: Finding[] = [
    { check: 'node', level: 'ok', detail: `${process.version} on ${process.platform} ${process.arch}` },
    { check: 'configuration', level: 'ok', detail: `AUTH=${config.auth}, ${config.host}:${config.port}` },
  ];
  if (config.auth === 'off') {
    findings.push({
      check: 'authentication',
      level: 'warning',
      detail: 'off: everybody on this machine may do everything. Set AUTH=jwt and JWT_SECRET before others reach it.',
    });
  }
  for (const weakness of weakSecrets(config)) findings.push({ check: 'secrets', level: 'warning', detail: weakness });
  if (config.encryptionKeys.length === 0) {
    findings.push({
      check: 'encryption at rest',
      level: 'warning',
      detail: 'none: whoever reads the disk reads the forms',
    });
  }
  return findings;
}

async function checkFolder(dataDir: string): Promise<Finding[]> {
  const folder = path.resolve(dataDir);
  const parent = await nearestFolder(folder);
  try {
    const probe = await mkdtemp(path.join(parent, '.formloom-doctor-'));
    const fsyncMs = await medianFsyncMs(path.join(probe, 'probe')).finally(() => rm(probe, { recursive: true }));
    const { bavail, bsize } = await statfs(parent);
    const freeBytes = bavail * bsize;
    return [
      { check: 'data folder', level: 'ok', detail: `${folder} can be written` },
      {
        check: 'disk',
        level: freeBytes < LOW_DISK_BYTES ? 'warning' : 'ok',
        detail: `${(freeBytes / 1024 ** 3).toFixed(1)} GiB free`,
      },
      {
        check: 'fsync',
        level: fsyncMs > SLOW_FSYNC_MS ? 'warning' : 'ok',
        detail: `${fsyncMs.toFixed(1)} ms, which an edit waits for before it counts as saved`,
      },
    ];
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [
      { check: 'data folder', level: 'problem', detail: `${folder} cannot be written: ${reason}. Set DATA_DIR.` },
    ];
  }
}

/** The folder itself, or the one that it would be created in. */
async function nearestFolder(folder: string): Promise<string> {
  const exists = await statfs(folder).then(
    () => true,
    () => false,
  );
  const parent = path.dirname(folder);
  return exists || parent === folder ? folder : nearestFolder(parent);
}

async function medianFsyncMs(file: string): Promise<number> {
  const handle = await open(file, 'w');
  const times: number[] = [];
  try {
    for (let i = 0; i < FSYNCS; i++) {
      const startedAt = performance.now();
      await handle.write(Buffer.alloc(4096));
      await handle.datasync();
      times.push(performance.now() - startedAt);
    }
  } finally {
    await handle.close();
  }
  return times.sort((a, b) => a - b)[FSYNCS / 2] ?? 0;
}

/** Tokens are judged by this clock: far off, none is valid. */
function checkClock(): Finding {
  const year = new Date().getUTCFullYear();
  return year < 2024
    ? { check: 'clock', level: 'problem', detail: `it says ${new Date().toISOString()}; run a time service` }
    : { check: 'clock', level: 'ok', detail: new Date().toISOString() };
}

async function checkServer(config: Config): Promise<Finding> {
  const host = config.host === '0.0.0.0' || config.host === '::' ? '127.0.0.1' : config.host;
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${config.port}`;
  try {
    await callApi({ url, token: config.adminToken, timeoutMs: ANSWER_MS }, { method: 'GET', path: '/health/ready' });
    return { check: 'server', level: 'ok', detail: `${url} is ready` };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (error instanceof SilentServerError) return { check: 'server', level: 'problem', detail: error.message };
    return error.exitCode === EXIT.unreachable
      ? { check: 'server', level: 'ok', detail: `none runs at ${url}` }
      : { check: 'server', level: 'problem', detail: `${url} is not ready: ${error.message}` };
  }
}
