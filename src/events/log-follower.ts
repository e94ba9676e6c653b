/** Follows the log of every shard: from where a subscriber begins to its end, and on from there. */
import type { TokenEvent } from '../tokens/events.js';
import { MAX_SHARDS } from '../tokens/options.js';
import type { EventLog } from './log.js';
import {
  compareIds,
  isPlaceBefore,
  parseCursor,
  placeBefore,
  ShardCursor,
  START,
  type StreamId,
} from './shard-cursor.js';
import { Turns } from './turns.js';

/** What is done with what is read. */
export interface LogListener {
  deliver(shard: ShardCursor, id: StreamId, event: TokenEvent): void;
  lost(shard: ShardCursor, number: number, from: StreamId, to: StreamId): void;
}

/**
 * Milliseconds between two readings of a shard. What comes alone is read at once; where one event follows another, a
 * crowd of subscribers that read for each would keep Redis from its work.
 */
const PACE = 5;

/**
 * Entries of the first page of a reading, and of the largest: each is four times as long as the one before. While many
 * write at once, a page waits behind all of their scripts, and the log must not be filled faster than it is read.
 */
const FIRST_PAGE = 500;
const LARGEST_PAGE = 8_000;

export class LogFollower {
  readonly #log: EventLog;
  readonly #from: string | number | undefined;
  readonly #listener: LogListener;
  readonly shards: ShardCursor[] = [];
  /** Readings of each shard: one at a time, so that every entry is delivered once and in order. */
  readonly #readings: Turns[] = [];
  readonly #readingAll = new Turns(() => this.#readAll());
  /** Shards that messages have come from. */
  #heardOf = 0;
  #stopped = false;

  /** @param from a cursor, epoch milliseconds, or nothing for what happens from now on. */
  constructor(log: EventLog, from: string | number | undefined, listener: LogListener) {
    this.#log = log;
    this.#from = from;
    this.#listener = listener;
  }

  /** Reads every shard's log to where it ends now, or further. */
  read(): Promise<void> {
    return this.#readingAll.ask();
  }

  /** Reads the log of a shard that has been heard of; nothing where that is to be done anyway. */
  readShard(number: number): Promise<void> | undefined {
    // One that none has said is there is looked for, too.
    this.#heardOf = Math.max(this.#heardOf, Math.min(number + 1, MAX_SHARDS));
    const readings = this.#readings[number] ?? this.#readingAll;
    return readings.isAsked ? undefined : readings.ask();
  }

  stop(): void {
    this.#stopped = true;
  }

  /**
   * Finds the shards, and where the reading of each begins. Their number is fixed by the first process that writes:
   * what lies in a shard that was not there before has happened since.
   */
  async #findShards(): Promise<void> {
    const count = Math.max((await this.#log.shards()) ?? 1, this.#heardOf);
    const before = this.shards.length;
    const added = Array.from({ length: Math.max(0, count - before) }, (_, i) =>
      before === 0 ? this.#firstPlace(i) : new ShardCursor(START),
    );
    for (const cursor of await Promise.all(added)) {
      const number = this.shards.push(cursor) - 1;
      this.#readings.push(new Turns(() => this.#readToEnd(cursor, number), PACE));
    }
  }

  async #firstPlace(shard: number): Promise<ShardCursor> {
    const from = this.#from;
    if (typeof from === 'string') {
      const place = (parseCursor(from) as StreamId[])[shard] ?? START;
      const cursor = new ShardCursor(place);
      cursor.isEntry = !isPlaceBefore(place);
      return cursor;
    }
    const { last } = await this.#log.page(shard, START, 1);
    if (typeof from === 'number') {
      const place = placeBefore(from);
      if (compareIds(place, last) < 0) return new ShardCursor(place);
    }
    const cursor = new ShardCursor(last);
    cursor.isEntry = last !== START;
    return cursor;
  }

  async #readAll(): Promise<void> {
    if (this.#stopped) return;
    await this.#findShards();
    await Promise.all(this.#readings.map((readings) => readings.ask()));
  }

  async #readToEnd(shard: ShardCursor, number: number): Promise<void> {
    let count = FIRST_PAGE;
    for (let more = true; more && !this.#stopped; count = Math.min(4 * count, LARGEST_PAGE)) {
      const page = await this.#log.page(number, shard.position, count);
      const { first, last } = page;
      if (compareIds(last, shard.position) < 0) {
        // Another server, which has not all that the last one had, or none of it.
        this.#listener.lost(shard, number, shard.position, last);
        shard.moveTo(last);
        continue;
      }
      const gone = shard.isEntry && !page.holdsPosition;
      const trimmedPast = page.trimmed && (first === undefined || compareIds(first, shard.position) > 0);
      if (compareIds(last, shard.position) > 0 && (gone || trimmedPast)) {
        this.#listener.lost(shard, number, shard.position, first ?? last);
        shard.isEntry = false;
        if (first === undefined) shard.moveTo(last);
      }
      for (const { id, event } of page.entries) {
        if (event) this.#listener.deliver(shard, id, event);
        // It may have been a revocation: whoever waits for that is told, and waits for no reading that can not succeed.
        else this.#listener.lost(shard, number, shard.position, id);
        shard.moveTo(id);
      }
      more = page.more;
    }
  }
}
