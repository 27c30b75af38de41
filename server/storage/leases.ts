/**
 * One actor per duty (compaction of a document, automatic snapshots, outbox), with a fencing token
 * that grows with every grant, so that a holder that was paused can be told from its successor.
 *
 * Contract suite: `leases.contract.ts`.
 */

export interface Lease {
  readonly duty: string;
  /** Grows with every grant of this duty, across restarts. */
  readonly fencingToken: number;
  /** False once it expired or was lost. */
  renew(ttlMs: number): Promise<boolean>;
  release(): Promise<void>;
}

export interface Leases {
  /** Undefined while somebody else holds it. */
  acquire(duty: string, holder: string, ttlMs: number): Promise<Lease | undefined>;
}
