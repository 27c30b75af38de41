/** Fewer replicas than asked for have confirmed a write: it may be lost with the master, so it isn't durable. */
export class NotReplicatedError extends Error {
  constructor(
    readonly replicas: number,
    readonly wanted: number,
  ) {
    super(`${replicas} of ${wanted} replicas have confirmed the write`);
    this.name = 'NotReplicatedError';
  }
}

/** The link isn't connected, so the command was never sent. */
export class NotConnectedError extends Error {
  constructor(detail: string | undefined) {
    super(detail === undefined ? 'not connected' : detail);
    this.name = 'NotConnectedError';
  }
}

export type Failure =
  /** Trying again can't help. */
  | { readonly kind: 'permanent'; readonly reason: string }
  /** The command went to the wrong node or the slot is on the move: nobody is to be alarmed by the first ones. */
  | { readonly kind: 'routing'; readonly reason: string }
  | { readonly kind: 'transient'; readonly reason: string };

/** https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors and the error prefixes of Redis 7. */
const REASONS: Readonly<Record<string, string>> = {
  OOM: 'Redis is full (maxmemory)',
  READONLY: 'Redis is a read-only replica',
  LOADING: 'Redis is loading its data',
  BUSY: 'Redis is busy with a script',
  MISCONF: 'Redis refuses writes because it fails to save to its disk',
  NOREPLICAS: 'Redis refuses writes because too few replicas are in step (min-replicas-to-write)',
  MASTERDOWN: 'Redis is a replica without its master',
  CLUSTERDOWN: 'The Redis Cluster is down',
  NOAUTH: 'Redis asks for a password',
  WRONGPASS: 'Redis refuses the user name or the password',
  NOPERM: 'Redis refuses a command to this user (ACL)',
};
const ROUTING = new Set(['MOVED', 'ASK', 'TRYAGAIN', 'CROSSSLOT', 'NOSCRIPT']);

export function classify(error: unknown): Failure {
  const message = textOf(error);
  if (error instanceof NotReplicatedError) return { kind: 'transient', reason: `Redis: ${message}` };
  const prefix = /^-?([A-Z]+)\b/.exec(message)?.[1] ?? '';
  if (prefix === 'WRONGTYPE') return { kind: 'permanent', reason: message };
  if (ROUTING.has(prefix) || message.startsWith('All keys in the pipeline')) {
    return { kind: 'routing', reason: `Redis: ${message}` };
  }
  const known = REASONS[prefix];
  if (known !== undefined) return { kind: 'transient', reason: known };
  const isReply = error instanceof Error && error.name === 'ReplyError';
  return { kind: 'transient', reason: `${isReply ? 'Redis answers' : 'Redis is unreachable'}: ${message}` };
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // What ioredis says to a command on its way when the connection breaks: no attempt was made to send it again.
  return error.name === 'MaxRetriesPerRequestError' ? 'the connection was lost' : error.message;
}
