/** `redis-tokens/telemetry`: operations as traces. Its packages are the user's to install: `@opentelemetry/api`, `bullmq-otel`. */
export type { QueueTelemetry } from '../queue/telemetry.js';
export type { Telemetry, Traced, TracePoint } from '../tokens/telemetry.js';
export { openTelemetry } from './open-telemetry.js';
