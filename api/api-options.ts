import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import type { Authenticator } from '../server/auth/index.js';
import type { EventFeed } from '../server/events/index.js';
import type { Connections } from '../server/gateway/connections.js';
import type { HttpSync } from '../server/gateway/http-sync.js';
import type { FormHistory } from '../server/history/index.js';
import type { AdmissionPools, Breakers, ClientAddresses, RateLimits } from '../server/limits/index.js';
import type { Metrics, Tracing } from '../server/observability/index.js';
import type { Rooms } from '../server/rooms/rooms.js';
import type { Snapshots } from '../server/snapshots/index.js';
import type { KeyRing, KeyRotation } from '../server/storage/encrypted/index.js';
import type { Storage } from '../server/storage/index.js';
import type { Knobs } from '../server/tuner/index.js';
import type { Watched } from './alerts/index.js';
import type { AnalyticsSources } from './analytics/index.js';
import type { Readiness } from './health/routes.js';
import type { AnswerSeal } from './http/answer-seal.js';
import type { Cursors } from './http/cursors.js';
import type { KeptAnswers } from './http/kept-answers.js';
import type { WebhooksOptions } from './webhooks/index.js';

/** What the REST interface is given by who composes a server. */
export interface ApiOptions {
  readonly version: string;
  /** False on a node that serves editors alone (ROLE=sync): health and metrics stay. */
  readonly isRestServed: boolean;
  /** False on a node that serves REST alone (ROLE=api). */
  readonly areEditorsServed: boolean;
  readonly corsOrigins: readonly string[];
  readonly maxBodyBytes: number;
  /** Of all files of one submission. */
  readonly submissionFilesBytes: number;
  readonly logger: Logger;
  readonly rooms: Rooms;
  readonly connections: Connections;
  readonly sync: HttpSync;
  readonly storage: Storage;
  /** Archives of this node, encrypted when the store is. */
  readonly backups: { readonly folder: string; readonly ring: KeyRing };
  /** Encrypts answers that are kept. */
  readonly seal: AnswerSeal;
  readonly cursors: Cursors;
  readonly rotation: KeyRotation;
  /** Forget what is erased. */
  readonly answers: KeptAnswers;
  /** As the feed, closed by who made it. */
  readonly snapshots: Snapshots;
  /** Id of this node. */
  readonly node: string;
  /** Started by who made it, and closed by it after the rooms. */
  readonly feed: EventFeed;
  /** Of this node; as the feed, closed by who made it. */
  readonly analytics: AnalyticsSources;
  readonly webhooks: Pick<WebhooksOptions, 'allowPrivateTargets' | 'schedule'>;
  readonly history: FormHistory;
  readonly authenticator: Authenticator;
  readonly metrics: Metrics;
  /** Undefined where nothing is traced. */
  readonly tracing?: Tracing | undefined;
  readonly limits: RateLimits;
  readonly pools: AdmissionPools;
  readonly breakers: Breakers;
  /** What the tuner may turn. */
  readonly knobs: Knobs;
  /** Time spent on edits and their fan-out since the start, in milliseconds. */
  fanOutMs(): number;
  /** Messages that the outbound queue for broadcasts holds. */
  readonly messageQueueSize: number;
  readonly loadTestDefaults: { readonly connections: number; readonly durationMs: number };
  readonly addresses: ClientAddresses;
  /** Where trusted proxies say where a client is; in lower case. */
  readonly locationHeaders: readonly string[];
  readonly watched: Watched;
  /** Between two looks for abandoned submissions (half a minute when absent) and for unfinished work (ten seconds). */
  readonly abandonmentEveryMs?: number | undefined;
  /** Unix time in milliseconds. */
  readonly clock?: () => number;
  readiness(): Readiness;
  drain(): void;
  /** WebSocket upgrades to everything but the feed. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}
