/** What is called to trace operations. It names nothing of any particular library: see src/telemetry. */

/** A place in a trace, for something that happens elsewhere to be a part of. Only who made it can read it. */
export type TracePoint = object;

/** What a span tells of: never a token, an owner, or data. */
export interface Traced {
  /** Which one. */
  operation: string;
  /** `producer` asks for work that is done elsewhere, `client` asks the store. */
  kind: 'producer' | 'internal' | 'client';
  /** Default: the operation. */
  name?: string;
  /** The queue that it is a command of. */
  lane?: string | undefined;
  /** The token's id. */
  id?: string | undefined;
  /** What the span is a part of. Default: the span that is current, which it is linked to otherwise. */
  parent?: TracePoint | undefined;
}

/** Makes the spans of operations: `openTelemetry()` of `redis-tokens/telemetry`. */
export interface Telemetry {
  /** Runs something in a span that ends with its outcome: `completed`, or the code of the error that it rejects with. */
  span<T>(traced: Traced, work: () => Promise<T>): Promise<T>;
}

/** The rule for an option that takes one. */
export const isTelemetry = (value: unknown): string | undefined =>
  typeof (value as Telemetry | null)?.span === 'function'
    ? undefined
    : 'what openTelemetry() of redis-tokens/telemetry makes';
