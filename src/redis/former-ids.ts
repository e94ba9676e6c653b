/** Reads of tokens that lie under another id than the newest: they are found, and moved to it. */
import type { Commands } from '../tokens/commands.js';
import type { Scope, TokenRecord } from '../tokens/types.js';
import { FOR_EVER } from './bulk-ender.js';
import type { ChangeScripts } from './change-scripts.js';
import { getAll } from './cluster.js';
import { decodeRecord, isMarker, movedTo } from './codec.js';
import { isCluster } from './connection.js';
import { idsOf, type Keys } from './keys.js';
import type { Rotations } from './rotations.js';
import type { Store } from './store.js';

/** Ids that one is led on to: as many as scripts follow. */
const HOPS = 8;

/** What stands at an id: a record, or the marker of a token that was rotated. */
interface Found {
  id: string;
  text: string;
}

export class FormerIds {
  readonly #store: Store;
  readonly #keys: Keys;
  readonly #changes: ChangeScripts;
  readonly #rotations: Rotations;

  constructor(store: Store, keys: Keys, changes: ChangeScripts, rotations: Rotations) {
    this.#store = store;
    this.#keys = keys;
    this.#changes = changes;
    this.#rotations = rotations;
  }

  /**
   * For a read that has found no record under the newest id.
   * @param text what stands there.
   */
  async get(
    shard: number,
    command: Commands['get'],
    text: string | null,
    commandId?: string,
  ): Promise<TokenRecord | undefined> {
    const found =
      (await this.#follow(shard, command, command.id, text)) ?? (await this.#findFormer(shard, command));
    if (!found) return undefined;
    if (isMarker(found.text))
      return this.#rotations.read(shard, { ...command, id: found.id }, found.text, commandId);
    // Who only looks, moves nothing.
    const isUse = command.touch !== false && command.formerIds?.includes(found.id);
    const moved = isUse ? await this.#reseal(shard, command, found, commandId) : found;
    return moved && decodeRecord(moved.id, moved.text, command);
  }

  /** Under whichever id it lies by now, for a read by a former one. Nothing is moved. */
  async getById(shard: number, command: Commands['getById'], text: string): Promise<TokenRecord | undefined> {
    const found = await this.#follow(shard, command, command.id, text);
    // Nobody has presented the token: where it was rotated, this is no use of it.
    return found && !isMarker(found.text) ? decodeRecord(found.id, found.text, command) : undefined;
  }

  async #findFormer(shard: number, command: Commands['get']): Promise<Found | undefined> {
    const { formerIds = [] } = command;
    if (formerIds.length === 0) return undefined;
    const texts = await this.#read(shard, formerIds);
    for (const [i, id] of formerIds.entries()) {
      const found = await this.#follow(shard, command, id, texts[i] ?? null);
      if (found) return found;
    }
    return undefined;
  }

  /** What stands at an id, or where that has moved to. */
  async #follow(shard: number, scope: Scope, id: string, text: string | null): Promise<Found | undefined> {
    let found = { id, text };
    for (let hop = 0; hop < HOPS && found.text !== null; hop++) {
      const to = isMarker(found.text) ? movedTo(found.text, scope) : undefined;
      if (to === undefined) return found as Found;
      const [next = null] = await this.#read(shard, [to]);
      found = { id: to, text: next };
    }
    return undefined;
  }

  /** It is no less alive where it can not be moved, as for a reader who may not write: the next use may move it. */
  async #reseal(
    shard: number,
    command: Commands['get'],
    found: Found,
    commandId?: string,
  ): Promise<Found | undefined> {
    const change = { ...command, op: 'reseal' };
    try {
      const reply = await this.#changes.run('reseal', change, { until: FOR_EVER, commandId }, shard, {
        keys: [this.#keys.record(shard, command.id)],
        args: [idsOf(command)],
      });
      if (reply.code !== 'ok' || isMarker(reply.record)) return undefined; // ended, or rotated, meanwhile
      return { id: reply.rest[0] ?? command.id, text: reply.record };
    } catch {
      return found;
    }
  }

  async #read(shard: number, ids: readonly string[]): Promise<(string | null)[]> {
    const keys = ids.map((id) => this.#keys.record(shard, id));
    return this.#store.read((client) => (isCluster(client) ? getAll(client, keys) : client.mget(keys)));
  }
}
