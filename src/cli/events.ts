/** `redis-tokens events`: prints what has happened, from the log, and ends. */
import type { EventFilter } from '../events/filter.js';
import { EventHistory } from '../events/history.js';
import type { LostEvents } from '../events/subscriber.js';
import type { Settings } from '../service/settings.js';
import { stopSignal } from '../service/stop-signal.js';
import type { TokenEvent, TokenEventType } from '../tokens/events.js';
import { readerGone } from './broken-pipe.js';
import { eventLine } from './event-line.js';
import { DONE, FAILED } from './exit-status.js';
import { readLimit, readSince } from './fields.js';
import { type Output, time } from './output.js';

export interface EventsOptions extends EventFilter {
  /** The types of event to print. Default: all. */
  event?: TokenEventType[] | undefined;
  /** How far back. Default: as far as the log reaches. */
  since?: string | undefined;
  /** The newest so many. Default: all. */
  limit?: string | undefined;
}

/** @returns the exit status. */
export async function runEvents(
  { event: types, since, limit, ...filter }: EventsOptions,
  settings: Settings,
  output: Output,
): Promise<number> {
  const newest = new Newest(readLimit(limit) ?? Number.POSITIVE_INFINITY);
  const from = since === undefined ? undefined : readSince(since);
  const stop = AbortSignal.any([stopSignal(), readerGone]);
  const print = async (event: TokenEvent) => {
    output.result(event, () => eventLine(event));
    await output.taken(stop);
  };
  const history = new EventHistory(settings.connection, settings.prefix, settings.timeout);
  try {
    for await (const event of history.read({ ...filter, from, onLost: (lost) => tellLost(lost, output) })) {
      if (stop.aborted) break;
      if (types !== undefined && !types.includes(event.type)) continue;
      if (limit === undefined) await print(event);
      else newest.add(event);
    }
    if (!stop.aborted) for (const event of newest.events()) await print(event);
  } finally {
    await history.close();
  }
  if (newest.left > 0 && !stop.aborted)
    output.note(`the newest ${limit} of ${newest.left + Number(limit)}; --limit shows more`);
  return stop.aborted && !readerGone.aborted ? FAILED : DONE;
}

/** The last so many of what is added. */
class Newest {
  readonly #limit: number;
  readonly #ring: TokenEvent[] = [];
  #added = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(event: TokenEvent): void {
    this.#ring[this.#added++ % this.#limit] = event;
  }

  /** How many were left out. */
  get left(): number {
    return this.#added - this.#ring.length;
  }

  /** In the order in which they were added. */
  events(): TokenEvent[] {
    const oldest = this.left > 0 ? this.#added % this.#limit : 0;
    return [...this.#ring.slice(oldest), ...this.#ring.slice(0, oldest)];
  }
}

function tellLost({ shard, to }: LostEvents, output: Output): void {
  const begins = time(Number.parseInt(to, 10));
  output.note(`events of shard ${shard} before ${begins} were lost: its log reaches back no further`);
}
