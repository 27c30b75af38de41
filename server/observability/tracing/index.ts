/** Traces for an OpenTelemetry collector; only where one is configured. */
export { OtlpExporter, type OtlpExporterOptions } from './otlp-exporter.js';
export { parseTraceparent, type TraceContext } from './trace-context.js';
export { Span, Tracing, type Attributes } from './tracing.js';
