/** What is called to trace commands through jobs. */
import type { Telemetry as BullMQTelemetry } from 'bullmq';
import type { Telemetry, TracePoint } from '../tokens/telemetry.js';

/** Makes the spans of operations and of jobs: `openTelemetry()` of `redis-tokens/telemetry`. */
export interface QueueTelemetry extends Telemetry {
  /** Makes the spans of adding and of processing a job, and has the job carry the one to the other. */
  readonly bullmq: BullMQTelemetry;
  /** Where the caller is. */
  here(): TracePoint;
  /** Runs what adds one job for several commands, of which each is part of a trace of its own. */
  carrying<T>(points: readonly TracePoint[], work: () => T): T;
  /**
   * What `carrying` has given a job for its commands, in their order: nothing for a job of a single command.
   * @param metadata of a job that anybody may have written.
   */
  carried(metadata: unknown): readonly TracePoint[];
}
