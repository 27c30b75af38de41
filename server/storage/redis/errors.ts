import { StorageError } from '../errors.js';

/**
 * Redis no longer has what it had acknowledged for this document: it came back empty, or a failover without
 * `waitReplicas` promoted a replica that was behind. Nothing of the refused append was written. Whoever holds the live
 * document appends its whole state as one update: Yjs makes that idempotent, and the log is complete again.
 */
export class LogLostError extends StorageError {
  constructor(readonly document: string) {
    super(
      'log_lost',
      `Redis lost acknowledged updates of the document "${document}"; its state must be appended again.`,
    );
  }
}
