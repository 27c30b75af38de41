/**
 * Traces of single edits and requests, sampled, for an OpenTelemetry collector. Where no collector is named there is no
 * `Tracing` at all, and what would be traced asks no more than whether it is there.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { OtlpExporter } from './otlp-exporter.js';
import { newSpanId, newTraceId, type TraceContext } from './trace-context.js';

export type Attributes = Readonly<Record<string, string | number | boolean>>;
export type SpanKind = 'internal' | 'server' | 'producer';

/** A span that has ended. Times are Unix milliseconds with fractions. */
export interface EndedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: SpanKind;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
  readonly error: string | undefined;
}

interface SpanFacts {
  readonly name: string;
  readonly kind?: SpanKind;
  /** `performance.now()`; now when absent. */
  readonly startedAt?: number;
  readonly attributes?: Attributes;
}

export class Span implements TraceContext {
  readonly spanId = newSpanId();
  readonly isSampled = true;
  /** `performance.now()`. */
  readonly startedAt: number;
  #hasEnded = false;

  constructor(
    readonly traceId: string,
    private readonly parentSpanId: string | undefined,
    private readonly facts: SpanFacts,
    private readonly exporter: Pick<OtlpExporter, 'add'>,
  ) {
    this.startedAt = facts.startedAt ?? performance.now();
  }

  child(facts: SpanFacts): Span {
    return new Span(this.traceId, this.spanId, facts, this.exporter);
  }

  /** A child that is over. @param startedAt `performance.now()` */
  record(name: string, startedAt: number, endedAt: number, attributes: Attributes = {}): void {
    this.child({ name, startedAt, attributes }).end({ endedAt });
  }

  end({
    endedAt = performance.now(),
    attributes = {},
    error,
  }: { readonly endedAt?: number; readonly attributes?: Attributes; readonly error?: string | undefined } = {}): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const { name, kind = 'internal', attributes: known = {} } = this.facts;
    this.exporter.add({
      ...{ traceId: this.traceId, spanId: this.spanId, parentSpanId: this.parentSpanId, name, kind, error },
      startMs: performance.timeOrigin + this.startedAt,
      endMs: performance.timeOrigin + endedAt,
      attributes: { ...known, ...attributes },
    });
  }
}

export class Tracing {
  readonly #current = new AsyncLocalStorage<Span>();

  constructor(
    private readonly exporter: OtlpExporter,
    /** Of traces that begin here, 0 to 1. Who comes with a trace has decided. */
    private readonly share: number,
    private readonly random: () => number = Math.random,
  ) {}

  /** Undefined when this one is not sampled. */
  start(facts: SpanFacts, parent?: TraceContext): Span | undefined {
    if (parent !== undefined && !parent.isSampled) return undefined;
    if (parent === undefined && this.random() >= this.share) return undefined;
    return new Span(parent?.traceId ?? newTraceId(), parent?.spanId, facts, this.exporter);
  }

  /** The span in whose `within` this runs. */
  get current(): Span | undefined {
    return this.#current.getStore();
  }

  within<T>(span: Span, work: () => T): T {
    return this.#current.run(span, work);
  }

  /** Sends what waits. */
  close(): Promise<void> {
    return this.exporter.close();
  }
}
