export type { EventLoopDelay } from './event-loop-monitor.js';
export type { Latency } from './latency-window.js';
export { createLogger } from './logger.js';
export type { LoggerOptions } from './logger.js';
export { createMetrics, Metrics } from './metrics.js';
export type { NodeSources } from './node-metrics.js';
export { OtlpExporter, parseTraceparent, Tracing } from './tracing/index.js';
export type { Attributes, Span, TraceContext } from './tracing/index.js';
export type { FanOutCounts, HttpObservation, MetricSources } from './metrics.js';
