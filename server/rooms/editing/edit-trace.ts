/** What becomes of a sampled edit, as spans: gateway → tick → delivery to peers and append to the log → echo. */
import type { Span } from '../../observability/tracing/index.js';

export interface EditTimes {
  /** `performance.now()` when the tick took it, and when it was applied. */
  readonly startedAt: number;
  readonly appliedAt: number;
  /** Updates that share the tick. */
  readonly updates: number;
  /** Resolves when it is durable. */
  readonly saved: Promise<unknown>;
}

/** To be called when the frames are on their way to the peers. Ends `span` when the edit is durable. */
export function traceEdit(span: Span, { startedAt, appliedAt, updates, saved }: EditTimes): void {
  const sentAt = performance.now();
  span.record('gateway.receive', span.startedAt, startedAt);
  span.record('room.tick', startedAt, appliedAt, { updates });
  span.record('peers.deliver', appliedAt, sentAt);
  const append = span.child({ name: 'log.append', startedAt: appliedAt });
  saved.then(
    () => {
      append.end();
      span.end();
    },
    (error: unknown) => {
      const text = error instanceof Error ? error.message : String(error);
      append.end({ error: text });
      span.end({ error: text });
    },
  );
}
