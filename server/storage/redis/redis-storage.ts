import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { Logger } from 'pino';
import { RecordFileStore } from '../files/record-file-store.js';
import type { Storage } from '../storage.js';
import { RedisBus } from './bus.js';
import type { RedisAddress } from './connection/address.js';
import { ChannelSubscriber } from './connection/channel-subscriber.js';
import { ClusterLink } from './connection/cluster-link.js';
import { CommandPipeline } from './connection/command-pipeline.js';
import { FilePurge } from './connection/file-purge.js';
import { logHealth } from './connection/health-log.js';
import { Health } from './connection/health.js';
import { Heartbeat } from './connection/heartbeat.js';
import { inspect, probe } from './connection/inspection.js';
import { untilReady, type RedisLink } from './connection/link.js';
import { SingleLink } from './connection/single-link.js';
import { RedisDocumentLog } from './documents/document-log.js';
import { KnownLogs } from './documents/known-logs.js';
import { RedisEventLog } from './event-log.js';
import { Keys } from './keys.js';
import { RedisLeases } from './leases.js';
import { RedisRecordStore } from './record-store.js';

export interface RedisStorageOptions extends RedisAddress {
  /** Id of this node, for attribution and for the names of its connections. */
  readonly node: string;
  readonly logger: Logger;
  /** A write is durable when so many replicas have confirmed it. Default 0: the master's word is enough. */
  readonly waitReplicas?: number;
  /** First part of every key, so that deployments can share a server. Default `formloom`. */
  readonly namespace?: string;
  /** How long the start waits for Redis, and how long everything but appends is tried, in milliseconds. */
  readonly deadlineMs?: number;
  /** Pause between comparisons of live documents with their logs, in milliseconds. Default 30,000. */
  readonly antiEntropyMs?: number;
  /** How long erasures gather before the files of Redis are rewritten without them, in milliseconds. Default 30,000. */
  readonly purgeGatherMs?: number;
}

export interface RedisStorage extends Storage {
  readonly kind: 'redis';
  /** What an operator should change about this Redis, one sentence each. */
  readonly advice: readonly string[];
}

const DEFAULT_DEADLINE_MS = 10_000;
const DEFAULT_ANTI_ENTROPY_MS = 30_000;
/** How long `close` waits for appends that can't be written. */
const CLOSE_DEADLINE_MS = 5_000;

/**
 * Opens the store and checks that this Redis is fit for it.
 *
 * @throws StorageUnavailableError when Redis can't be reached in time or would lose documents by design; TypeError for
 * an address that is none.
 */
export async function openRedisStorage(options: RedisStorageOptions): Promise<RedisStorage> {
  const { node, logger, waitReplicas = 0, deadlineMs = DEFAULT_DEADLINE_MS } = options;
  const keys = new Keys(options.namespace);
  const isCluster = options.cluster !== undefined && options.cluster.length > 0;
  const connect = (use: string): RedisLink => {
    const name = `formloom-${use}-${node.replace(/[^A-Za-z0-9._-]/g, '_')}`;
    return isCluster ? new ClusterLink(options, name) : new SingleLink(options, name);
  };

  const link = connect('main');
  // WAIT blocks its connection until the replicas have answered: reads and messages mustn't stand behind it.
  const writeLink = waitReplicas > 0 ? connect('write') : link;
  const links = [...new Set([link, writeLink])];
  const reads = new CommandPipeline(link, 0);
  const writes = waitReplicas > 0 ? new CommandPipeline(writeLink, waitReplicas) : reads;
  let advice: string[];
  try {
    await Promise.all(links.map((each) => untilReady(each, deadlineMs)));
    await probe(reads, keys.probe);
    advice = [...new Set((await Promise.all(link.masters().map(inspect))).flat())];
  } catch (error) {
    for (const each of links) each.close();
    throw error;
  }
  for (const sentence of advice) logger.warn(sentence);

  const closing = new AbortController();
  // One listener per operation that waits: as many as there are callers.
  setMaxListeners(0, closing.signal);
  const health: Health = new Health(() => documents.pendingBytes + events.pendingBytes);
  logHealth(health, logger);
  const channels = new ChannelSubscriber(link, health, logger);
  const known = new KnownLogs(health);
  const purge = new FilePurge(link, logger, options.purgeGatherMs);
  const heartbeat = new Heartbeat(health, links, [...new Set([reads, writes])]);

  const common = {
    ...{ reads, writes, keys, channels, deadlineMs, node, logger, known },
    retry: { link: writeLink, health, closing: closing.signal },
    writer: randomBytes(9).toString('base64url'),
    antiEntropyMs: options.antiEntropyMs ?? DEFAULT_ANTI_ENTROPY_MS,
    onErased: () => purge.request(),
  };
  const documents = new RedisDocumentLog(common);
  const events = new RedisEventLog(common);
  const records = new RedisRecordStore(common);

  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await settledWithin(Promise.all([documents.idle(), events.idle()]), CLOSE_DEADLINE_MS);
    closing.abort();
    await settledWithin(Promise.all([documents.close(), purge.close()]), CLOSE_DEADLINE_MS);
    heartbeat.close();
    channels.close();
    for (const each of links) each.close();
    health.close();
  };

  return {
    kind: 'redis',
    documents,
    records,
    events,
    files: new RecordFileStore(records),
    bus: new RedisBus(common),
    leases: new RedisLeases(common),
    advice,
    health: () => health.current,
    onHealthChange: (listener) => health.onChange(listener),
    reclaim: async () => purge.request(),
    close: () => (closed ??= close()),
  };
}

async function settledWithin(work: Promise<unknown>, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, limitMs)));
  await Promise.race([work, limit]);
  clearTimeout(timer);
}
