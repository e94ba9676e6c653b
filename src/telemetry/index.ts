/**
 * Operations as traces. Its packages are the user's to install: `@opentelemetry/api` and `bullmq-otel`.
 * @module redis-tokens/telemetry
 */
export type { QueueTelemetry } from '../queue/telemetry.js';
export type { Telemetry, Traced, TracePoint } from '../tokens/telemetry.js';
export { openTelemetry } from './open-telemetry.js';
