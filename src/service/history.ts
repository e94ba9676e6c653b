/** How the deployment stood in the last hour. */

import type { Sample } from './console/page/wire.js';
import type { WorkerMetrics } from './metrics.js';
import type { Overview, Standing } from './overview.js';

/** Milliseconds between two samples, and samples that are kept: an hour. */
const INTERVAL = 10_000;
const KEPT = 360;

/** Scopes of each sample, the largest. */
const SCOPES = 8;

export class History {
  readonly samples: Sample[] = [];
  readonly #overview: Overview;
  readonly #metrics: WorkerMetrics;
  #timer: NodeJS.Timeout | undefined;

  constructor(overview: Overview, metrics: WorkerMetrics) {
    this.#overview = overview;
    this.#metrics = metrics;
  }

  start(): void {
    const sample = () => this.sample().catch(() => {}); // while Redis is away there is nothing to tell
    this.#timer = setInterval(sample, INTERVAL).unref();
    sample();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** @throws {StoreUnavailableError} */
  async sample(): Promise<void> {
    this.samples.push(toSample(await this.#overview.read(0), this.#metrics.commandsRun));
    if (this.samples.length > KEPT) this.samples.shift();
  }
}

function toSample({ at, queues, tokens }: Standing, commands: number): Sample {
  const { live, events } = tokens;
  const waiting = queues.reduce((sum, lane) => sum + lane.waiting, 0);
  return { at, live, scopes: tokens.scopes.slice(0, SCOPES), waiting, events, commands };
}
