/** What has happened, from the logs of all shards as one: once, in order of time, to where they end now. */
import type { Connection } from '../redis/connection.js';
import { checkDatabase } from '../redis/deployment.js';
import { Keys } from '../redis/keys.js';
import { Store } from '../redis/store.js';
import { ConfigError } from '../tokens/errors.js';
import type { TokenEvent } from '../tokens/events.js';
import { type EventFilter, isFor } from './filter.js';
import { EventLog, type LogEntry } from './log.js';
import { compareIds, placeBefore, START, type StreamId } from './shard-cursor.js';
import type { LostEvents } from './subscriber.js';

export interface HistoryOptions extends EventFilter {
  /** Epoch milliseconds. Default: from where the logs begin. */
  from?: number | undefined;
  /** Hears where a log does not reach back to `from`, or was trimmed while it was read. */
  onLost?: ((lost: LostEvents) => void) | undefined;
}

/** Entries that are read in one step: of all shards together, and of one. */
const READ_AT_ONCE = 16_000;
const PAGE = 2_000;

/** One that can be read. */
type ReadEntry = LogEntry & { event: TokenEvent };

/** The next entry of a shard that is still to be told, and when it happened. */
interface Head {
  entry: ReadEntry;
  time: number;
  rest: AsyncGenerator<ReadEntry>;
}

export class EventHistory {
  readonly #store: Store;
  readonly #keys: Keys;
  readonly #log: EventLog;

  /**
   * @param timeout milliseconds after which a step is given up.
   * @throws {ConfigError}
   */
  constructor(connection: Connection | undefined, prefix: string, timeout: number) {
    this.#store = new Store(connection, timeout);
    this.#keys = new Keys(prefix);
    this.#log = new EventLog(this.#store, this.#keys);
  }

  /** @throws {StoreUnavailableError} {ConfigError} also where there is no deployment. */
  async *read({ from, onLost, ...filter }: HistoryOptions = {}): AsyncGenerator<TokenEvent> {
    await checkDatabase(this.#store);
    const shards = await this.#log.shards();
    if (shards === undefined)
      throw new ConfigError(`${this.#keys.meta}: there is no deployment with this prefix here`);
    const count = Math.min(PAGE, Math.ceil(READ_AT_ONCE / shards));
    const logs = Array.from({ length: shards }, (_, shard) => this.#shard(shard, from, count, onLost));
    const heads = (await Promise.all(logs.map(headOf))).filter((head) => head !== undefined);
    while (heads.length > 0) {
      const first = heads.reduce((earliest, head) => (head.time < earliest.time ? head : earliest));
      if (isFor(filter, first.entry.event)) yield first.entry.event;
      const next = await headOf(first.rest);
      heads.splice(heads.indexOf(first), 1, ...(next ? [next] : []));
    }
  }

  async close(): Promise<void> {
    await this.#store.close();
  }

  async *#shard(
    shard: number,
    from: number | undefined,
    count: number,
    onLost: HistoryOptions['onLost'],
  ): AsyncGenerator<ReadEntry> {
    let place = placeBefore(from ?? 0);
    let end: StreamId | undefined; // where it ended at first: a log that is written faster than it is read would have none
    do {
      const { entries, trimmed, first, last } = await this.#log.page(shard, place, count);
      end ??= last;
      const isCut = trimmed && (first === undefined || compareIds(first, place) > 0);
      if (isCut && place !== START)
        // else it is asked for all that there is
        onLost?.({ shard, from: place, to: first ?? last });
      for (const { id, event } of entries) {
        if (compareIds(id, end) > 0) return;
        if (event) yield { id, event };
        else onLost?.({ shard, from: place, to: id }); // it can not be read
        place = id;
      }
      if (entries.length < count) return;
    } while (compareIds(place, end) < 0);
  }
}

async function headOf(log: AsyncGenerator<ReadEntry>): Promise<Head | undefined> {
  const { value: entry, done } = await log.next();
  return done ? undefined : { entry, time: Number.parseInt(entry.id, 10), rest: log };
}
