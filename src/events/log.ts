/** Reads the log of a shard: every event there was, for whoever did not hear it live. */
import type { Keys } from '../redis/keys.js';
import type { Store } from '../redis/store.js';
import type { TokenEvent } from '../tokens/events.js';
import { START, type StreamId } from './shard-cursor.js';

export interface LogEntry {
  id: StreamId;
  /** Nothing where the entry is none that a script of ours can have written. */
  event: TokenEvent | undefined;
}

/** A part of a log, and where it stands in the whole: read in one step, so that the two fit. */
export interface LogPage {
  /** Entries behind the position. */
  entries: LogEntry[];
  /** Whether there may be more. */
  more: boolean;
  /** Whether the entry at the position is still there. */
  holdsPosition: boolean;
  first: StreamId | undefined;
  last: StreamId;
  /** Whether entries were ever trimmed. */
  trimmed: boolean;
}

type RawEntry = [id: StreamId, fields: string[]];

export class EventLog {
  readonly #store: Store;
  readonly #keys: Keys;

  constructor(store: Store, keys: Keys) {
    this.#store = store;
    this.#keys = keys;
  }

  /** How many shards the deployment has; `undefined` where no process has fixed it yet: then all logs are empty. */
  async shards(): Promise<number | undefined> {
    const shards = await this.#store.read((client) => client.hget(this.#keys.meta, 'shards'));
    return shards === null ? undefined : Number(shards);
  }

  /** @param count of entries, at most. */
  async page(shard: number, after: StreamId, count: number): Promise<LogPage> {
    const reply = await this.#store.readScript('log', [this.#keys.log(shard)], [after, count]);
    const [trimmed, last = START, first, holds, raw = []] = reply as [
      string?,
      StreamId?,
      StreamId?,
      string?,
      RawEntry[]?,
    ];
    const entries = raw.map(([id, fields]) => toEntry(shard, id, fields));
    return {
      entries,
      more: entries.length === count,
      holdsPosition: holds === '1',
      first: first || undefined,
      last,
      trimmed: trimmed === '1',
    };
  }
}

/** The script that writes an entry can not know its id: it stands in the event only once it is read. */
function toEntry(shard: number, id: StreamId, fields: string[]): LogEntry {
  const event = fields[0] === 'event' ? readEvent(fields[1]) : undefined;
  if (!event) return { id, event };
  const { specversion, ...rest } = event;
  return { id, event: { specversion, ...rest, id: `${shard}-${id}` } };
}

/** Names that later versions may tell of are theirs to add; others, such as `error`, would be told to the wrong listeners. */
const EVENT_TYPE = /^token-[a-z-]+$/;

/** An event as it was written, or `undefined` for another text. */
export function readEvent(text: string | undefined): TokenEvent | undefined {
  try {
    const event = JSON.parse(text ?? '') as TokenEvent;
    const texts = [event.subject, event.data.app, event.data.type, event.data.owner];
    return EVENT_TYPE.test(event.type) && texts.every((one) => typeof one === 'string') ? event : undefined;
  } catch {
    return undefined;
  }
}
