/** Where a subscriber stands in the log of one shard, and which of its listeners are still at work. */

/** A stream entry's id, `<milliseconds>-<sequence>`. */
export type StreamId = string;

export const START: StreamId = '0-0';

const LARGEST_SEQUENCE = '18446744073709551615';

/** The place before all that happened at a time or later. @param time epoch milliseconds. */
export const placeBefore = (time: number): StreamId =>
  time === 0 ? START : `${time - 1}-${LARGEST_SEQUENCE}`;

/** Whether it is such a place, and so no entry's id. */
export const isPlaceBefore = (place: StreamId): boolean =>
  place === START || place.endsWith(`-${LARGEST_SEQUENCE}`);

/** Milliseconds for which a listener that does not settle holds the cursor back. */
const PIN = 30_000;

interface Delivery {
  id: StreamId;
  begun: number;
  settled: boolean;
}

export class ShardCursor {
  /** The log has been read up to here. */
  position: StreamId;
  /** Whether `position` was the id of an entry, which should still be there. */
  isEntry = false;
  readonly #deliveries: Delivery[] = [];
  /** How many of the deliveries hold the cursor no longer. */
  #passed = 0;
  #settled: StreamId;

  constructor(position: StreamId) {
    this.position = position;
    this.#settled = position;
  }

  /** Every event up to here was delivered, and its listeners have settled. */
  get cursor(): StreamId {
    this.#letGo();
    return this.#settled;
  }

  moveTo(position: StreamId): void {
    this.position = position;
    this.isEntry = position !== START;
  }

  /** Holds the cursor before an event until its listeners have settled. */
  hold(id: StreamId, listeners: Promise<unknown>): void {
    this.#letGo(); // also where no listener ever settles, or all that was read was for others
    const delivery: Delivery = { id, begun: Date.now(), settled: false };
    this.#deliveries.push(delivery);
    listeners.finally(() => {
      delivery.settled = true;
      this.#letGo(); // also where nobody asks for the cursor
    });
  }

  /** Passes the events that no longer hold the cursor. */
  #letGo(): void {
    const now = Date.now();
    const deliveries = this.#deliveries;
    for (let next = deliveries[this.#passed]; next; next = deliveries[++this.#passed]) {
      if (!next.settled && now - next.begun <= PIN) break;
      this.#settled = next.id;
    }
    // Not one by one, which takes as long as there are others: they may be as many as the entries of a log.
    if (this.#passed * 2 > deliveries.length) {
      deliveries.splice(0, this.#passed);
      this.#passed = 0;
    }
    if (deliveries.length === 0) this.#settled = this.position;
  }
}

export function compareIds(a: StreamId, b: StreamId): number {
  const [aMs, aSequence] = parts(a);
  const [bMs, bSequence] = parts(b);
  return aMs - bMs || (aSequence < bSequence ? -1 : aSequence > bSequence ? 1 : 0);
}

function parts(id: StreamId): [ms: number, sequence: bigint] {
  const [ms, sequence] = id.split('-');
  return [Number(ms), BigInt(sequence ?? 0)];
}

/** `<shard>:<id>,…`: what the subscriber's `cursor` and `from` are made of. */
export const formatCursor = (ids: readonly StreamId[]): string =>
  ids.map((id, shard) => `${shard}:${id}`).join(',');

/** The ids of a cursor, by shard; `undefined` where it is none. */
export function parseCursor(text: string): StreamId[] | undefined {
  const ids: StreamId[] = [];
  for (const [shard, part] of text.split(',').entries()) {
    const id = new RegExp(`^${shard}:(\\d{1,16}-\\d{1,20})$`).exec(part)?.[1];
    if (id === undefined) return undefined;
    ids.push(id);
  }
  return ids;
}
