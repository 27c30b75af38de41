/**
 * Prometheus metrics of one server. What is counted often is a plain number until somebody asks (`collect`); only
 * latencies go into prom-client as they happen (some 250 ns each, once per append and per echo, never per delivery).
 *
 * Every label has a bounded set of values: see `Tally`. No metric carries a document, a user or an address.
 */
import { Histogram, Registry } from 'prom-client';
import { Collected } from './collected.js';
import { EventLoopMonitor, type EventLoopDelay } from './event-loop-monitor.js';
import { LatencyWindow, type Latency } from './latency-window.js';
import { registerNode, type NodeSources } from './node-metrics.js';
import { CLOSE } from '../protocol/close-codes.js';
import type { UpdateSource } from '../storage/document-log.js';
import type { SecurityFacts } from '../system-events/security-facts.js';
import { Tally } from './tally.js';

/** Present values, read when the metrics are. Each member is attached by whoever owns the value. */
export interface MetricSources extends NodeSources {
  /** Rooms by state. */
  rooms(): Readonly<Record<string, number>>;
  /** Ticks since the start. */
  ticks(): number;
  hydratedBytes(): number;
  /** Bytes that wait for a failing store. */
  storagePendingBytes(): number;
  compactionsInFlight(): number;
  /** By kind of budget: connections found over it, and connections refused for it. */
  slowedTotal(): Readonly<Record<string, number>>;
  limitedTotal(): Readonly<Record<string, number>>;
  /** Connections that are read slower now. */
  slowedConnections(): number;
}

/** Incremented in place by the fan-out. */
export interface FanOutCounts {
  messages: number;
  bytes: number;
  /** Connections that fell behind and were brought up by state vector. */
  resyncs: number;
  /** Presence updates that a lagging connection was spared. */
  presenceSkips: number;
}

export interface HttpObservation {
  readonly method: string;
  /** The pattern (`/forms/:formId`), never the path; undefined when no route matched. */
  readonly route: string | undefined;
  readonly status: number;
  readonly seconds: number;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
const HTTP_SECONDS = [0.005, 0.025, 0.1, 0.25, 1, 5];
const MAX_LABELS = { type: 64, code: 40, pool: 32, source: 16, frame: 16, route: 300 };
/** From here on clients may close with what they like (RFC 6455, 7.4.2): theirs must not crowd ours out. */
const APPLICATION_CODES = 3_000;
const OWN_CODES: ReadonlySet<number> = new Set(Object.values(CLOSE));
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

export interface MetricsOptions {
  /** Over how long the delay of the event loop, and latencies, are taken. */
  readonly eventLoopWindowMs?: number | undefined;
  /** Of appends and echoes: the only figures that cost something each time. */
  readonly areLatenciesMeasured?: boolean;
}

export class Metrics {
  readonly delivery: FanOutCounts = { messages: 0, bytes: 0, resyncs: 0, presenceSkips: 0 };
  readonly #registry = new Registry();
  readonly #collected = new Collected(this.#registry);
  readonly #areLatenciesMeasured: boolean;
  readonly #eventLoop: EventLoopMonitor;
  readonly #sources: Partial<MetricSources> = {};

  readonly #connections = new Tally(MAX_LABELS.pool);
  readonly #closes = new Tally(MAX_LABELS.code);
  readonly #errors = new Tally(MAX_LABELS.type);
  readonly #framesIgnored = new Tally(MAX_LABELS.frame);
  readonly #updates = new Tally(MAX_LABELS.source);
  readonly #joins = new Tally(2);
  readonly #routes = new Set<string>();
  readonly #errorListeners: ((type: string, facts: SecurityFacts) => void)[] = [];
  #compactions = 0;

  readonly #echoWindow: LatencyWindow;
  readonly #appendWindow: LatencyWindow;
  readonly #appendSeconds: Histogram;
  readonly #echoSeconds: Histogram;
  readonly #httpSeconds: Histogram<'route' | 'method' | 'status'>;

  constructor({ eventLoopWindowMs, areLatenciesMeasured = true }: MetricsOptions) {
    this.#areLatenciesMeasured = areLatenciesMeasured;
    this.#eventLoop = new EventLoopMonitor(eventLoopWindowMs);
    this.#echoWindow = new LatencyWindow(eventLoopWindowMs);
    this.#appendWindow = new LatencyWindow(eventLoopWindowMs);
    this.#appendSeconds = this.#histogram('append_seconds', 'From the call to the log until durable.');
    this.#echoSeconds = this.#histogram('echo_seconds', 'From the receipt of an edit until its writer has the echo.');
    this.#httpSeconds = new Histogram({
      name: 'formloom_http_request_duration_seconds',
      help: 'HTTP requests by route pattern, method and class of status.',
      labelNames: ['route', 'method', 'status'],
      buckets: HTTP_SECONDS,
      registers: [this.#registry],
    });
    this.#registerTallies();
    this.#registerFanOut();
    this.#registerSources();
    this.#registerProcess();
    registerNode(this.#collected, this.#sources);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Prometheus' text format. */
  async render(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Adds or replaces sources. */
  attach(sources: Partial<MetricSources>): void {
    Object.assign(this.#sources, sources);
  }

  close(): void {
    this.#eventLoop.close();
    this.#echoWindow.close();
    this.#appendWindow.close();
    this.#registry.clear();
  }

  // ── what happens ────────────────────────────────────────────────────────────────────────────────────────

  opened(pool: string): void {
    this.#connections.add(pool);
  }

  closed(pool: string, code: number): void {
    this.#connections.add(pool, -1);
    this.#closes.add(OWN_CODES.has(code) || code < APPLICATION_CODES ? String(code) : 'other');
  }

  /** @param facts who is behind it, where it has an author */
  errors(type: string, facts?: SecurityFacts): void {
    this.#errors.add(type);
    if (facts !== undefined) for (const listener of this.#errorListeners) listener(type, facts);
  }

  /** Hears of every error that has an author. */
  onError(listener: (type: string, facts: SecurityFacts) => void): void {
    this.#errorListeners.push(listener);
  }

  /** A message of a type that the protocol does not know: ignored and counted. */
  unknownMessage(type: number): void {
    this.#framesIgnored.add(String(type));
  }

  updates(count: number, source: UpdateSource): void {
    this.#updates.add(source, count);
  }

  joins(kind: 'cached' | 'encoded'): void {
    this.#joins.add(kind);
  }

  compacted(): void {
    this.#compactions += 1;
  }

  appended(ms: number): void {
    if (!this.#areLatenciesMeasured) return;
    this.#appendSeconds.observe(ms / 1_000);
    this.#appendWindow.record(ms);
  }

  echoed(ms: number): void {
    if (!this.#areLatenciesMeasured) return;
    this.#echoSeconds.observe(ms / 1_000);
    this.#echoWindow.record(ms);
  }

  request({ method, route = 'unmatched', status, seconds }: HttpObservation): void {
    if (this.#routes.size < MAX_LABELS.route) this.#routes.add(route);
    this.#httpSeconds.observe(
      {
        route: this.#routes.has(route) ? route : 'other',
        method: METHODS.has(method) ? method : 'other',
        status: `${Math.floor(status / 100)}xx`,
      },
      seconds,
    );
  }

  // ── what others read: health, alerts, the tuner ─────────────────────────────────────────────────────────

  eventLoopDelay(): EventLoopDelay {
    return this.#eventLoop.read();
  }

  /** From the receipt of an edit until its writer has the echo, and until the store has it. */
  latencies(): { readonly echo: Latency | null; readonly append: Latency | null } {
    return { echo: this.#echoWindow.read(), append: this.#appendWindow.read() };
  }

  /** Totals since the start, and what is open now. */
  totals(): { connections: number; errors: number; updates: number; drops: number } {
    return {
      connections: this.#connections.total,
      errors: this.#errors.total,
      updates: this.#updates.total,
      drops: this.#dropped().reduce((sum, [, count]) => sum + count, 0),
    };
  }

  errorsOf(type: string): number {
    return this.#errors.get(type);
  }

  // ── registration ────────────────────────────────────────────────────────────────────────────────────────

  #histogram(name: string, help: string): Histogram {
    return new Histogram({ name: `formloom_${name}`, help, buckets: SECONDS, registers: [this.#registry] });
  }

  #registerTallies(): void {
    this.#gauge('connections', 'Open WebSocket connections.', 'pool', () => this.#connections.entries());
    this.#counter('closes_total', 'Closed connections.', 'code', () => this.#closes.entries());
    this.#counter('errors_total', 'Errors by type.', 'type', () => this.#errors.entries());
    this.#counter('frames_ignored_total', 'Messages of unknown types.', 'type', () => this.#framesIgnored.entries());
    this.#counter('updates_total', 'Updates applied.', 'source', () => this.#updates.entries());
    this.#counter('joins_total', 'Initial states sent, by how they came about.', 'state', () => this.#joins.entries());
    this.#counter('drops_total', 'Messages not delivered on purpose.', 'reason', () => this.#dropped());
    this.#counter('compactions_total', 'Logs folded into a snapshot.', undefined, () => [['', this.#compactions]]);
  }

  #registerFanOut(): void {
    const { delivery } = this;
    this.#counter('fanout_messages_total', 'Frames written.', undefined, () => [['', delivery.messages]]);
    this.#counter('fanout_bytes_total', 'Bytes written.', undefined, () => [['', delivery.bytes]]);
    this.#counter('resyncs_total', 'Lagging connections resynced.', undefined, () => [['', delivery.resyncs]]);
    this.#counter('presence_skips_total', 'Presence updates skipped for lag.', undefined, () => [
      ['', delivery.presenceSkips],
    ]);
  }

  #registerSources(): void {
    const sources = this.#sources;
    this.#gauge('rooms', 'Documents in memory.', 'state', () => Object.entries(sources.rooms?.() ?? {}));
    this.#counter('ticks_total', 'Ticks of the room engine.', undefined, () => [['', sources.ticks?.() ?? 0]]);
    this.#gauge('hydrated_bytes', 'Estimated memory of open documents.', undefined, () => [
      ['', sources.hydratedBytes?.() ?? 0],
    ]);
    this.#gauge('storage_pending_bytes', 'Bytes that wait for the store.', undefined, () => [
      ['', sources.storagePendingBytes?.() ?? 0],
    ]);
    this.#gauge('compactions_in_flight', 'Logs being folded now.', undefined, () => [
      ['', sources.compactionsInFlight?.() ?? 0],
    ]);
    this.#counter('slowed_total', 'Pauses in reading for a spent budget.', 'budget', () =>
      Object.entries(sources.slowedTotal?.() ?? {}),
    );
    this.#counter('connections_limited_total', 'Connections refused: too many of their own.', 'budget', () =>
      Object.entries(sources.limitedTotal?.() ?? {}),
    );
    this.#gauge('slowed_connections', 'Connections read slower for a spent budget.', undefined, () => [
      ['', sources.slowedConnections?.() ?? 0],
    ]);
  }

  #registerProcess(): void {
    this.#gauge('event_loop_delay_seconds', 'Delay of the event loop, last 10 s.', 'quantile', () => {
      const { p50Ms, p99Ms, maxMs } = this.#eventLoop.read();
      return [
        ['0.5', p50Ms / 1_000],
        ['0.99', p99Ms / 1_000],
        ['1', maxMs / 1_000],
      ];
    });
    this.#gauge('process_resident_memory_bytes', 'Resident memory.', undefined, () => [
      ['', process.memoryUsage.rss()],
    ]);
    this.#gauge('process_heap_used_bytes', 'JavaScript heap in use.', undefined, () => [
      ['', process.memoryUsage().heapUsed],
    ]);
    this.#counter('process_cpu_seconds_total', 'CPU time, user and system.', undefined, () => {
      const { user, system } = process.cpuUsage();
      return [['', (user + system) / 1e6]];
    });
  }

  /** By what was full: `queue_realtime`. A connection that lags is resynced instead, see `resyncs_total`. */
  #dropped(): [string, number][] {
    return (this.#sources.queues?.() ?? []).map(({ name, dropped }) => [`queue_${name}`, dropped]);
  }

  #counter(...definition: Parameters<Collected['counter']>): void {
    this.#collected.counter(...definition);
  }

  #gauge(...definition: Parameters<Collected['gauge']>): void {
    this.#collected.gauge(...definition);
  }
}

export function createMetrics(options: MetricsOptions = {}): Metrics {
  return new Metrics(options);
}
