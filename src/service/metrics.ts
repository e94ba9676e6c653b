/** What a worker tells Prometheus: of itself, and of the deployment that it serves. */
import { setTimeout as wait } from 'node:timers/promises';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { LANES, type Lane } from '../queue/lanes.js';
import type { CommandObserver } from './measured-executor.js';
import type { Overview, Standing } from './overview.js';
import { packageVersion } from './package-version.js';

/** Scopes that have a series of their own, the largest: whoever names scopes by users would make one for each. */
const SCOPES_SHOWN = 50;

/** Milliseconds that a scrape waits for Redis: what it can not tell then is left out, the rest is told. */
const PATIENCE = 2_000;

/** Seconds: from a command that waits for nothing to one that is about to be refused for its age. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900];

type Sample = [labels: Record<string, string>, value: number];

/** A figure that is read from Redis when it is asked for. */
interface Reading {
  name: string;
  help: string;
  labels: string[];
  of(standing: Standing): Sample[];
}

const READINGS: readonly Reading[] = [
  {
    name: 'redis_tokens_queue_jobs',
    help: 'Jobs of a queue by state; failed ones are dead letters.',
    labels: ['lane', 'state'],
    of: ({ queues }) =>
      queues.flatMap(({ lane, waiting, active, delayed, failed }) =>
        Object.entries({ waiting, active, delayed, failed }).map(
          ([state, count]): Sample => [{ lane, state }, count],
        ),
      ),
  },
  {
    name: 'redis_tokens_queue_oldest_seconds',
    help: 'For how long the job that has waited longest has waited; 0 where none waits.',
    labels: ['lane'],
    of: ({ queues }) => queues.map(({ lane, oldest = 0 }) => [{ lane }, oldest / 1_000]),
  },
  {
    name: 'redis_tokens_queue_paused',
    help: '1 where workers take no jobs of the queue.',
    labels: ['lane'],
    of: ({ queues }) => queues.map(({ lane, paused }) => [{ lane }, paused ? 1 : 0]),
  },
  {
    name: 'redis_tokens_queue_workers',
    help: 'Workers that are connected to the queue.',
    labels: ['lane'],
    of: ({ queues }) => queues.map(({ lane, workers }) => [{ lane }, workers]),
  },
  {
    name: 'redis_tokens_live_tokens',
    help: `Live tokens by scope, of the ${SCOPES_SHOWN} scopes that have most.`,
    labels: ['app', 'type'],
    of: ({ tokens }) =>
      tokens.scopes.slice(0, SCOPES_SHOWN).map(({ app, type, live }) => [{ app, type }, live]),
  },
  {
    name: 'redis_tokens_live_tokens_elsewhere',
    help: 'Live tokens of all other scopes.',
    labels: [],
    of: ({ tokens }) => [[{}, tokens.scopes.slice(SCOPES_SHOWN).reduce((sum, { live }) => sum + live, 0)]],
  },
  {
    name: 'redis_tokens_sweep_lag_seconds',
    help: 'Since when the longest overdue token that was not swept yet has expired.',
    labels: [],
    of: ({ tokens }) => [[{}, tokens.sweepLag / 1_000]],
  },
];

export class WorkerMetrics implements CommandObserver {
  readonly #registry = new Registry();
  readonly #overview: Overview;
  readonly #ran: Histogram<'lane'>;
  readonly #age: Histogram<'lane' | 'operation'>;
  /** Counted here, and handed to Prometheus' client when it is asked: a busy worker counts some ten thousand a second. */
  readonly #commands = new Map<string, { lane: Lane; operation: string; outcome: string; count: number }>();
  readonly #again = new Map<Lane, number>(LANES.map((lane) => [lane, 0]));
  readonly #dead = new Map<Lane, number>(LANES.map((lane) => [lane, 0]));

  constructor(overview: Overview) {
    this.#overview = overview;
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#ran = new Histogram({
      name: 'redis_tokens_job_run_seconds',
      help: 'How long an attempt at a job ran.',
      labelNames: ['lane'],
      buckets: BUCKETS,
      registers,
    });
    this.#age = new Histogram({
      name: 'redis_tokens_command_age_seconds',
      help: 'From when a command was issued, by the clock of whoever issued it, to when its result stood.',
      labelNames: ['lane', 'operation'],
      buckets: BUCKETS,
      registers,
    });
    this.#count(
      'redis_tokens_commands_total',
      'Commands by what came of them: completed, or the code of an error.',
      ['lane', 'operation', 'outcome'],
      () => [...this.#commands.values()].map(({ count, ...labels }) => [labels, count]),
    );
    this.#count(
      'redis_tokens_job_attempts_failed_total',
      'Attempts after which the job is to run again.',
      ['lane'],
      () => [...this.#again].map(([lane, count]) => [{ lane }, count]),
    );
    this.#count('redis_tokens_jobs_failed_total', 'Jobs that became dead letters here.', ['lane'], () =>
      [...this.#dead].map(([lane, count]) => [{ lane }, count]),
    );
    this.#count(
      'redis_tokens_events_total',
      'Events that were told in the whole deployment, by whatever process.',
      [],
      async () => {
        const standing = await this.#standing();
        return standing ? [[{}, standing.tokens.events]] : [];
      },
    );
    for (const reading of READINGS) this.#show(reading);
    this.#show(
      { name: 'redis_tokens_redis_up', help: '1 where Redis answers.', labels: [], of: () => [[{}, 1]] },
      [[{}, 0]],
    );
    new Gauge({
      name: 'redis_tokens_info',
      help: 'Always 1; its label tells the version.',
      labelNames: ['version'],
      registers,
    }).set({ version: packageVersion() }, 1);
  }

  command(lane: Lane, operation: string, outcome: string, age: number | undefined): void {
    const key = `${lane} ${operation} ${outcome}`;
    const counted = this.#commands.get(key);
    if (counted) counted.count++;
    else this.#commands.set(key, { lane, operation, outcome, count: 1 });
    if (age !== undefined) this.#age.observe({ lane, operation }, age);
  }

  attempt(lane: Lane, seconds: number, again: boolean): void {
    this.#ran.observe({ lane }, seconds);
    if (again) this.#again.set(lane, (this.#again.get(lane) ?? 0) + 1);
  }

  deadLetter(lane: Lane): void {
    this.#dead.set(lane, (this.#dead.get(lane) ?? 0) + 1);
  }

  /** Commands that were run here since the start. */
  get commandsRun(): number {
    return [...this.#commands.values()].reduce((sum, { count }) => sum + count, 0);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** In Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #count(
    name: string,
    help: string,
    labelNames: string[],
    samples: () => Sample[] | Promise<Sample[]>,
  ): void {
    new Counter({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      async collect() {
        const counted = await samples();
        clear(this, labelNames);
        for (const [labels, value] of counted) this.inc(labels, value);
      },
    });
  }

  /** @param otherwise where Redis does not answer. */
  #show({ name, help, labels: labelNames, of }: Reading, otherwise: Sample[] = []): void {
    const standing = () => this.#standing();
    new Gauge({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      async collect() {
        const now = await standing();
        clear(this, labelNames);
        for (const [labels, value] of now ? of(now) : otherwise) this.set(labels, value);
      },
    });
  }

  /** Nothing where Redis does not answer in time. */
  async #standing(): Promise<Standing | undefined> {
    const waiting = new AbortController();
    const late = wait(PATIENCE, undefined, { signal: waiting.signal }).catch(() => undefined);
    try {
      return await Promise.race([this.#overview.read(), late]);
    } catch {
      return undefined;
    } finally {
      waiting.abort();
    }
  }
}

/** Leaves no sample: what has no labels would be told as 0, which for a counter means that it began anew. */
function clear(metric: Counter | Gauge, labelNames: readonly string[]): void {
  metric.reset();
  if (labelNames.length === 0) metric.remove();
}
