/** Follows the log of every shard: from where a subscriber begins to its end, and on from there. */
import type { TokenEvent } from '../tokens/events.js';
import { MAX_SHARDS } from '../tokens/options.js';
import type { EventLog } from './log.js';
import { compareIds, parseCursor, ShardCursor, START, type StreamId } from './shard-cursor.js';

/** What is done with what is read. */
export interface LogListener {
  deliver(shard: ShardCursor, id: StreamId, event: TokenEvent): void;
  lost(shard: ShardCursor, number: number, from: StreamId, to: StreamId): void;
}

const LARGEST_SEQUENCE = '18446744073709551615';

export class LogFollower {
  readonly #log: EventLog;
  readonly #from: string | number | undefined;
  readonly #listener: LogListener;
  readonly shards: ShardCursor[] = [];
  #reading: Promise<void> | undefined;
  #readAgain = false;
  /** Shards that events have come from. */
  #heardOf = 0;
  #stopped = false;

  /** @param from a cursor, epoch milliseconds, or nothing for what happens from now on. */
  constructor(log: EventLog, from: string | number | undefined, listener: LogListener) {
    this.#log = log;
    this.#from = from;
    this.#listener = listener;
  }

  /** Whether there is something to be read first: what is heard live meanwhile would come out of turn. */
  get isBehind(): boolean {
    return this.#reading !== undefined || this.#readAgain;
  }

  /** Makes a reading go on, or the next one necessary: with the shard that was heard of, though none has said that it is there. */
  fallBehind(shard: number): void {
    this.#heardOf = Math.max(this.#heardOf, Math.min(shard + 1, MAX_SHARDS));
    this.#readAgain = true;
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
    this.shards.push(...(await Promise.all(added)));
  }

  async #firstPlace(shard: number): Promise<ShardCursor> {
    const from = this.#from;
    if (typeof from === 'string') {
      const place = (parseCursor(from) as StreamId[])[shard] ?? START;
      const cursor = new ShardCursor(place);
      cursor.isEntry = place !== START && !place.endsWith(`-${LARGEST_SEQUENCE}`);
      return cursor;
    }
    const { last } = await this.#log.page(shard, START);
    if (typeof from === 'number') {
      const place = from === 0 ? START : `${from - 1}-${LARGEST_SEQUENCE}`;
      if (compareIds(place, last) < 0) return new ShardCursor(place);
    }
    const cursor = new ShardCursor(last);
    cursor.isEntry = last !== START;
    return cursor;
  }

  /** Reads every shard's log to its end. One reading at a time; what is asked for meanwhile makes it go on. */
  read(): Promise<void> {
    this.#readAgain = true;
    this.#reading ??= this.#readOn().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readOn(): Promise<void> {
    while (this.#readAgain && !this.#stopped) {
      this.#readAgain = false;
      try {
        await this.#findShards();
        await Promise.all(this.shards.map((shard, number) => this.#readShard(shard, number)));
      } catch (error) {
        this.#readAgain = true; // what was heard meanwhile is still to be read
        throw error;
      }
    }
  }

  async #readShard(shard: ShardCursor, number: number): Promise<void> {
    for (let more = true; more; ) {
      const page = await this.#log.page(number, shard.position);
      const { first, last } = page;
      if (compareIds(last, shard.position) < 0) {
        // Another server, which has not all that the last one had, or none of it.
        this.#listener.lost(shard, number, shard.position, last);
        shard.fallBackTo(last);
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
        this.#listener.deliver(shard, id, event);
        shard.moveTo(id);
      }
      more = page.more;
    }
  }
}
