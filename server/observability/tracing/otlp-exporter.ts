/**
 * Sends ended spans to a collector by OTLP over HTTP with JSON, in batches.
 * https://opentelemetry.io/docs/specs/otlp/#otlphttp
 *
 * A collector that is away costs nothing but spans: they are bounded, dropped and counted.
 */
import type { Logger } from 'pino';
import type { Attributes, EndedSpan, SpanKind } from './tracing.js';

export interface OtlpExporterOptions {
  /** Base URL of the collector: traces go to `/v1/traces` below it. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  readonly version: string;
  readonly node: string;
  readonly logger: Logger;
  readonly everyMs?: number;
}

const EVERY_MS = 2_000;
const BATCH = 512;
const MAX_WAITING = 4_096;
const TIMEOUT_MS = 10_000;
/** At the end of the process, for all that waits. */
const CLOSE_MS = 2_000;
const KINDS: Readonly<Record<SpanKind, number>> = { internal: 1, server: 2, producer: 4 };
const STATUS_ERROR = 2;

export class OtlpExporter {
  #waiting: EndedSpan[] = [];
  #dropped = 0;
  #isFailing = false;
  #sending: Promise<void> | undefined;
  #attempt: AbortController | undefined;
  #isCutOff = false;
  readonly #timer: NodeJS.Timeout;
  readonly #url: string;

  constructor(private readonly options: OtlpExporterOptions) {
    this.#url = `${options.endpoint.replace(/\/+$/, '')}/v1/traces`;
    this.#timer = setInterval(() => void this.flush(), options.everyMs ?? EVERY_MS);
    this.#timer.unref();
  }

  add(span: EndedSpan): void {
    if (this.#waiting.length >= MAX_WAITING) this.#dropped += 1;
    else this.#waiting.push(span);
  }

  /** Never rejects. */
  flush(): Promise<void> {
    this.#sending ??= this.#flush().finally(() => (this.#sending = undefined));
    return this.#sending;
  }

  /** A collector that takes the connection and says nothing does not hold up the end of the process. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    const cutOff = setTimeout(() => {
      this.#isCutOff = true;
      this.#attempt?.abort(new Error('the process ends'));
    }, CLOSE_MS);
    await this.#sending;
    await this.flush();
    clearTimeout(cutOff);
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#isCutOff) {
      const batch = this.#waiting.splice(0, BATCH);
      try {
        await this.#send(batch);
        if (this.#isFailing) this.options.logger.info({ dropped: this.#dropped }, 'traces reach their collector again');
        this.#isFailing = false;
        this.#dropped = 0;
      } catch (error) {
        this.#dropped += batch.length;
        // Said once: a collector may be away for days.
        if (!this.#isFailing) {
          this.options.logger.warn(
            { err: error, url: this.#url },
            'traces do not reach their collector; they are dropped',
          );
        }
        this.#isFailing = true;
        return;
      }
    }
  }

  async #send(spans: readonly EndedSpan[]): Promise<void> {
    const { serviceName, version, node, headers } = this.options;
    const resource = { 'service.name': serviceName, 'service.version': version, 'service.instance.id': node };
    const body = {
      resourceSpans: [
        {
          resource: { attributes: pairs(resource) },
          scopeSpans: [{ scope: { name: 'formloom', version }, spans: spans.map(encoded) }],
        },
      ],
    };
    const attempt = new AbortController();
    this.#attempt = attempt;
    const timer = setTimeout(() => attempt.abort(new Error('the collector did not answer in time')), TIMEOUT_MS);
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: attempt.signal,
      });
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`the collector answered ${response.status}`);
    } finally {
      clearTimeout(timer);
    }
  }
}

function encoded({ traceId, spanId, parentSpanId, name, kind, startMs, endMs, attributes, error }: EndedSpan): object {
  return {
    ...{ traceId, spanId, name, kind: KINDS[kind], attributes: pairs(attributes) },
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    startTimeUnixNano: nanoseconds(startMs),
    endTimeUnixNano: nanoseconds(Math.max(startMs, endMs)),
    ...(error === undefined ? {} : { status: { code: STATUS_ERROR, message: error } }),
  };
}

/** 64-bit integers are decimal strings in the JSON of protobuf. */
function nanoseconds(ms: number): string {
  const whole = Math.floor(ms);
  return String(BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1e6)));
}

function pairs(attributes: Attributes): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: encodedValue(value) }));
}

function encodedValue(value: string | number | boolean): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}
