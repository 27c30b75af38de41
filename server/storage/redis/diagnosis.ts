/** Looks at a Redis as an operator should, before documents are trusted to it. */
import { StorageUnavailableError } from '../errors.js';
import type { RedisAddress } from './connection/address.js';
import { ClusterLink } from './connection/cluster-link.js';
import { CommandPipeline } from './connection/command-pipeline.js';
import { inspect, parseInfo, probe } from './connection/inspection.js';
import { untilReady, type RedisLink } from './connection/link.js';
import { SingleLink } from './connection/single-link.js';
import { Keys } from './keys.js';

/** `problem`: the server would refuse it, or every edit would wait. `warning`: something can be lost, or runs out. */
export interface RedisFinding {
  readonly level: 'ok' | 'warning' | 'problem';
  readonly about: 'connection' | 'rights' | 'persistence' | 'memory' | 'files' | 'replicas';
  /** What it is, and what to change. */
  readonly detail: string;
}

export interface DiagnosisOptions extends RedisAddress {
  readonly waitReplicas: number;
  /** Of the files of one submission, which lie in the memory of Redis. */
  readonly submissionFilesBytes?: number;
  readonly deadlineMs?: number;
}

type Info = ReadonlyMap<string, string>;

const DEADLINE_MS = 5_000;
/** Of maxmemory. */
const FULL_SHARE = 0.8;
/** That many greedy respondents should not be able to stop the edits of all. */
const FEW_SUBMISSIONS = 10;

/** Never throws for what is wrong with this Redis. @throws TypeError for an address that is none */
export async function diagnoseRedis(options: DiagnosisOptions): Promise<RedisFinding[]> {
  const isCluster = options.cluster !== undefined && options.cluster.length > 0;
  const link: RedisLink = isCluster
    ? new ClusterLink(options, 'formloom-doctor')
    : new SingleLink(options, 'formloom-doctor');
  try {
    await untilReady(link, options.deadlineMs ?? DEADLINE_MS);
    const masters = link.masters();
    const findings: RedisFinding[] = [await rightsOf(link)];
    for (const master of masters) {
      const where = masters.length > 1 ? `${master.options.host ?? ''}:${master.options.port ?? ''}: ` : '';
      const info = parseInfo(await master.info());
      if (findings.every(({ about }) => about !== 'connection')) {
        const detail = `Redis ${info.get('redis_version') ?? '?'}, ${masters.length === 1 ? 'one master' : `${masters.length} masters`}`;
        findings.unshift({ level: 'ok', about: 'connection', detail });
      }
      const judged = [
        ...(await persistenceOf(master, info)),
        memoryOf(info),
        ...(options.submissionFilesBytes === undefined ? [] : [filesOf(info, options.submissionFilesBytes)]),
        replicasOf(info, options.waitReplicas),
      ];
      findings.push(...judged.map((finding) => ({ ...finding, detail: where + finding.detail })));
    }
    return findings;
  } catch (error) {
    if (!(error instanceof StorageUnavailableError)) throw error;
    return [{ level: 'problem', about: 'connection', detail: error.message }];
  } finally {
    link.close();
  }
}

async function rightsOf(link: RedisLink): Promise<RedisFinding> {
  try {
    await probe(new CommandPipeline(link, 0), new Keys().probe);
    return { level: 'ok', about: 'rights', detail: 'scripts and their keys are allowed' };
  } catch (error) {
    if (!(error instanceof StorageUnavailableError)) throw error;
    return { level: 'problem', about: 'rights', detail: error.message };
  }
}

async function persistenceOf(master: Parameters<typeof inspect>[0], info: Info): Promise<RedisFinding[]> {
  const about = 'persistence';
  const findings: RedisFinding[] = [];
  try {
    for (const detail of await inspect(master)) findings.push({ level: 'warning', about, detail });
  } catch (error) {
    if (!(error instanceof StorageUnavailableError)) throw error;
    findings.push({ level: 'problem', about, detail: error.message });
  }
  if (info.get('aof_enabled') === '1' && info.get('aof_last_write_status') === 'err') {
    findings.push({ level: 'problem', about, detail: 'the append-only file cannot be written: look at its disk' });
  }
  if (info.get('rdb_last_bgsave_status') === 'err') {
    findings.push({
      level: 'warning',
      about,
      detail: 'the last save failed: look at its disk and at vm.overcommit_memory',
    });
  }
  if (findings.length === 0)
    findings.push({ level: 'ok', about, detail: 'every write is on the disk before it is confirmed' });
  return findings;
}

function memoryOf(info: Info): RedisFinding {
  const about = 'memory';
  const used = Number(info.get('used_memory') ?? 0);
  const limit = Number(info.get('maxmemory') ?? 0);
  const policy = info.get('maxmemory_policy') ?? 'noeviction';
  if (limit === 0) {
    return { level: 'ok', about, detail: `${mb(used)} used, no limit: the machine's memory is the limit` };
  }
  if (policy !== 'noeviction') {
    const detail = `maxmemory-policy ${policy} throws away what expires when it is full: set it to noeviction`;
    return { level: 'warning', about, detail };
  }
  const isNearlyFull = used > limit * FULL_SHARE;
  const detail = `${mb(used)} of ${mb(limit)} used${isNearlyFull ? ': at the limit every edit waits. Raise maxmemory.' : ''}`;
  return { level: isNearlyFull ? 'warning' : 'ok', about, detail };
}

const mb = (bytes: number): string => `${Math.round(bytes / 1024 ** 2)} MB`;

/** Uploads are the one thing by which a respondent can fill it quickly. */
function filesOf(info: Info, perSubmission: number): RedisFinding {
  const about = 'files';
  const limit = Number(info.get('maxmemory') ?? 0);
  if (limit === 0) {
    const detail = `uploaded files lie in its memory, up to ${mb(perSubmission)} a submission, and it has no maxmemory: set one, so that uploads do not take the machine down`;
    return { level: 'warning', about, detail };
  }
  const fits = Math.floor(Math.max(0, limit - Number(info.get('used_memory') ?? 0)) / perSubmission);
  const isTight = fits < FEW_SUBMISSIONS;
  const detail = `uploaded files lie in its memory: ${fits} submissions of ${mb(perSubmission)} fill the rest${isTight ? '. Lower SUBMISSION_FILES_BYTES, or raise maxmemory.' : ''}`;
  return { level: isTight ? 'warning' : 'ok', about, detail };
}

function replicasOf(info: Info, waitReplicas: number): RedisFinding {
  const about = 'replicas';
  const replicas = Number(info.get('connected_slaves') ?? 0);
  if (replicas < waitReplicas) {
    const detail = `REDIS_WAIT_REPLICAS=${waitReplicas}, but ${replicas} are connected: no edit is saved until there are as many`;
    return { level: 'problem', about, detail };
  }
  if (replicas > 0 && waitReplicas === 0) {
    const detail = `${replicas} connected, and REDIS_WAIT_REPLICAS is 0: a fail-over can lose what was echoed in its last moments. Set it to 1.`;
    return { level: 'warning', about, detail };
  }
  if (waitReplicas > 0 && replicas === waitReplicas) {
    const detail = `REDIS_WAIT_REPLICAS=${waitReplicas} and as many connected: when one of them is away, every edit waits. Add one.`;
    return { level: 'warning', about, detail };
  }
  const detail =
    replicas === 0
      ? 'none: when this server is away, edits wait for it'
      : `${replicas} connected, ${waitReplicas} confirm each edit`;
  return { level: 'ok', about, detail };
}
