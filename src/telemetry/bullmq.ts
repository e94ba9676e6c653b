/** What BullMQ is given to trace jobs with: bullmq-otel, without what would tell of tokens or drown the rest. */
import { type Context, propagation, ROOT_CONTEXT } from '@opentelemetry/api';
import { type Span, SpanKind, type Telemetry } from 'bullmq';
import { BullMQOtel } from 'bullmq-otel';

/** Spans that are wanted by nobody: one for each time that a job is looked for, locked, or put among the completed. */
const NO_SPAN: Span<Context> = {
  setSpanOnContext: (context) => context,
  setAttribute: () => {},
  setAttributes: () => {},
  addEvent: () => {},
  recordException: () => {},
  end: () => {},
};

/** @param metadataOf what a job that is added in a context is to carry. */
export function jobTelemetry(metadataOf: (context: Context) => object): Telemetry<Context> {
  const { tracer, contextManager } = new BullMQOtel({ tracerName: 'redis-tokens' });
  return {
    tracer: {
      startSpan(name, options, context) {
        if (options?.kind === SpanKind.INTERNAL) return NO_SPAN;
        // A job that carries no trace begins one, and is no part of that in which the worker was started.
        const parent = options?.kind === SpanKind.CONSUMER ? (context ?? ROOT_CONTEXT) : context;
        const span = tracer.startSpan(name, options, parent);
        span.addEvent = () => {}; // BullMQ would write what the job returns, with owners and data, into an event
        return span;
      },
    },
    contextManager: {
      with: (context, work) => contextManager.with(context, work),
      active: () => contextManager.active(),
      root: () => ROOT_CONTEXT,
      getMetadata: (context) => JSON.stringify(metadataOf(context)),
      fromMetadata: (_, metadata) => extracted(parsed(metadata)) ?? ROOT_CONTEXT,
    },
  };
}

/** What another process needs to go on with a trace. Baggage is the application's, may be secret, and stays out of Redis. */
export function injected(context: Context): object {
  const carrier = {};
  propagation.inject(propagation.deleteBaggage(context), carrier);
  return carrier;
}

/** Nothing where that can not be. */
export function extracted(carrier: unknown): Context | undefined {
  try {
    return propagation.extract(ROOT_CONTEXT, carrier);
  } catch {
    return undefined; // anybody may have written it
  }
}

/** What a job carries, as an object of unknown content. */
export function parsed(metadata: unknown): Record<string, unknown> {
  try {
    return Object(JSON.parse(metadata as string));
  } catch {
    return {};
  }
}
