/** Reads the log of a shard: every event there was, for whoever did not hear it live. */
import type { Keys } from '../redis/keys.js';
import type { Store } from '../redis/store.js';
import type { TokenEvent } from '../tokens/events.js';
import { START, type StreamId } from './shard-cursor.js';

const PAGE = 500;

export interface LogEntry {
  id: StreamId;
  event: TokenEvent;
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

  async page(shard: number, after: StreamId): Promise<LogPage> {
    const key = this.#keys.log(shard);
    const replies = await this.#store.read(async (client) => {
      const transaction = client.multi();
      transaction.xinfo('STREAM', key).xrange(key, after, after).xrange(key, `(${after}`, '+', 'COUNT', PAGE);
      return (await transaction.exec()) ?? [];
    });
    const [info, at, behind] = replies;
    if (!info || info[0])
      return {
        entries: [],
        more: false,
        holdsPosition: false,
        first: undefined,
        last: START,
        trimmed: false,
      };
    const facts = flatToMap(info[1] as unknown[]);
    const entries = ((behind?.[1] ?? []) as RawEntry[]).map(([id, fields]) => toEntry(shard, id, fields));
    return {
      entries,
      more: entries.length === PAGE,
      holdsPosition: ((at?.[1] ?? []) as unknown[]).length > 0,
      first: (facts.get('first-entry') as RawEntry | null)?.[0],
      last: facts.get('last-generated-id') as StreamId,
      trimmed: Number(facts.get('entries-added')) > Number(facts.get('length')),
    };
  }
}

/** The script that writes an entry can not know its id: it stands in the event only once it is read. */
function toEntry(shard: number, id: StreamId, fields: string[]): LogEntry {
  const { specversion, ...rest } = JSON.parse(fields[1] as string) as TokenEvent;
  return { id, event: { specversion, ...rest, id: `${shard}-${id}` } };
}

function flatToMap(flat: unknown[]): Map<unknown, unknown> {
  const map = new Map<unknown, unknown>();
  for (let i = 0; i < flat.length; i += 2) map.set(flat[i], flat[i + 1]);
  return map;
}
