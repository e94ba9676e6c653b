// The spans of a process, by OpenTelemetry's own SDK, and how a test looks at them.
import { context, propagation, SpanKind, trace } from '@opentelemetry/api';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node';

/** All that is told of a span, as it may be sent to another process. */
export interface ToldSpan {
  id: string;
  trace: string;
  parent: string | undefined;
  name: string;
  kind: string;
  attributes: Record<string, unknown>;
  events: unknown[];
  links: string[];
  status: unknown;
}

export class Spans {
  readonly #exporter = new InMemorySpanExporter();
  readonly #provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(this.#exporter)] });

  /** Is the process' own from now on. */
  open(): this {
    this.#provider.register();
    return this;
  }

  async close(): Promise<void> {
    await this.#provider.shutdown();
    for (const api of [trace, context, propagation]) api.disable();
  }

  reset(): void {
    this.#exporter.reset();
  }

  /** Those that have ended. */
  get all(): ToldSpan[] {
    return this.#exporter.getFinishedSpans().map(told);
  }
}

export const told = (span: ReadableSpan): ToldSpan => ({
  id: span.spanContext().spanId,
  trace: span.spanContext().traceId,
  parent: span.parentSpanContext?.spanId,
  name: span.name,
  kind: SpanKind[span.kind] as string,
  attributes: span.attributes,
  events: span.events,
  links: span.links.map(({ context: { spanId } }) => spanId),
  status: span.status,
});

/** Runs something as a caller's own span. */
export const calling = <T>(work: () => Promise<T>, name = 'caller'): Promise<T> =>
  trace.getTracer('test').startActiveSpan(name, async (span) => {
    try {
      return await work();
    } finally {
      span.end();
    }
  });

/** As lines, each further in than its parent: `KIND name outcome`. Brothers are sorted. */
export function treeOf(spans: readonly ToldSpan[]): string[] {
  const known = new Set(spans.map(({ id }) => id));
  const below = (parent: string | undefined, depth: number): string[] =>
    spans
      .filter((span) => (parent === undefined ? !known.has(span.parent ?? '') : span.parent === parent))
      .map((span) => [`${'  '.repeat(depth)}${shown(span)}`, ...below(span.id, depth + 1)])
      .sort((a, b) => (a.join('\n') < b.join('\n') ? -1 : 1))
      .flat();
  return below(undefined, 0);
}

const shown = ({ kind, name, attributes }: ToldSpan): string =>
  [kind, name, attributes['redis_tokens.outcome']].filter((part) => part !== undefined).join(' ');
