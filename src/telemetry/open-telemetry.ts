/** Traces by OpenTelemetry. */
import {
  type Context,
  context,
  createContextKey,
  type Link,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { QueueTelemetry } from '../queue/telemetry.js';
import { TokenError } from '../tokens/errors.js';
import type { Traced } from '../tokens/telemetry.js';
import { extracted, injected, jobTelemetry, parsed } from './bullmq.js';

const KINDS = { producer: SpanKind.PRODUCER, internal: SpanKind.INTERNAL, client: SpanKind.CLIENT } as const;

/** Where the contexts of a batch's commands are while it is added. */
const COMMANDS = createContextKey('redis-tokens commands');

/**
 * For the option `telemetry` of `RedisTokens`, `TokenProducer` and `TokenWorker`. Spans go to the provider that is
 * registered globally, now or later; as long as there is none, nothing is recorded.
 *
 * @example
 * const tokens = new RedisTokens('redis://localhost:6379', { telemetry: openTelemetry() });
 */
export function openTelemetry(): QueueTelemetry {
  const tracer = trace.getTracer('redis-tokens');
  return {
    async span(traced, work) {
      const current = context.active();
      const parent = (traced.parent as Context | undefined) ?? current;
      const links = parent === current ? [] : linkTo(current);
      const { name = traced.operation, kind } = traced;
      const span = tracer.startSpan(
        name,
        { kind: KINDS[kind], attributes: attributesOf(traced), links },
        parent,
      );
      let outcome = 'completed';
      try {
        return await context.with(trace.setSpan(parent, span), work);
      } catch (error) {
        outcome = error instanceof TokenError ? error.code : 'error';
        span.setStatus({ code: SpanStatusCode.ERROR, message: outcome }); // messages may name what a caller gave
        throw error;
      } finally {
        span.setAttribute('redis_tokens.outcome', outcome);
        span.end();
      }
    },
    bullmq: jobTelemetry((own) => {
      const commands = own.getValue(COMMANDS) as Context[] | undefined;
      return { ...injected(own), ...(commands && { commands: commands.map(injected) }) };
    }),
    here: () => context.active(),
    carrying: (points, work) => context.with(context.active().setValue(COMMANDS, points), work),
    carried(metadata) {
      if (metadata === undefined) return [];
      const { commands } = parsed(metadata);
      return Array.isArray(commands) ? commands.map((carrier) => extracted(carrier) ?? context.active()) : [];
    },
  };
}

function attributesOf({ operation, lane, id }: Traced): Record<string, string> {
  return {
    'redis_tokens.operation': operation,
    ...(lane !== undefined && { 'redis_tokens.lane': lane }),
    ...(id !== undefined && { 'redis_tokens.token_id': id }),
  };
}

function linkTo(current: Context): Link[] {
  const span = trace.getSpanContext(current);
  return span ? [{ context: span }] : [];
}
