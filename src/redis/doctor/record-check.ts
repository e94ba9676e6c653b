/** Looks at records: can they be read, do they go when they should, do both indexes hold them. */
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { nameProblem } from '../../tokens/fields.js';
import { ID_PATTERN, shardOf } from '../../tokens/identity.js';
import { decodeRecord } from '../codec.js';
import type { Keys } from '../keys.js';
import { isWholeMarker, MARKER_LIFE } from './rotation-check.js';
import type { Owned, SecondLook } from './second-look.js';

/** Records whose values are here at a time. */
const READ_AT_ONCE = 100;

interface Live extends Owned {
  id: string;
  expiresAt: number;
}

export class RecordCheck {
  readonly names = 't*';
  readonly #again: SecondLook;
  readonly #keys: Keys;
  readonly #shards: number;

  constructor(again: SecondLook, keys: Keys, shards: number) {
    this.#again = again;
    this.#keys = keys;
    this.#shards = shards;
  }

  async look(shard: number, keys: readonly string[]): Promise<void> {
    const prefix = this.#keys.record(shard, '');
    const records = keys.filter((key) => key.startsWith(prefix));
    for (const key of keys) {
      if (!key.startsWith(prefix)) this.#again.findings.add('unknown-key', { key }, false);
    }
    for (let i = 0; i < records.length; i += READ_AT_ONCE) {
      await this.#lookAt(shard, records.slice(i, i + READ_AT_ONCE));
    }
  }

  async #lookAt(shard: number, keys: readonly string[]): Promise<void> {
    const { findings } = this.#again;
    const live: Live[] = [];
    const markers: string[] = [];
    const values = await this.#again.values(keys);
    for (const [i, key] of keys.entries()) {
      const value = values[i];
      const id = key.slice(this.#keys.record(shard, '').length);
      if (!ID_PATTERN.test(id) || shardOf(id, this.#shards) !== shard) {
        findings.looked.records++;
        findings.add('wrong-place', { key, id }, false);
      } else if (!value) {
        await this.#again.unreadable(key, 'string'); // or it has gone meanwhile
      } else if (isWholeMarker(value)) {
        markers.push(key);
      } else {
        findings.looked.records++;
        const record = read(id, value);
        if (record) live.push(record);
        else await this.#again.unreadable(key, 'string', createHash('sha1').update(value).digest('hex'));
      }
    }
    await this.#lookFor(shard, live);
    const lives = await this.#again.read(markers.map((key) => ['pexpiretime', key]));
    for (const [i, key] of markers.entries())
      if (lives[i] === -1) await this.#again.rotation(key, MARKER_LIFE);
  }

  /** Whether the records' lives and places are what they say themselves. */
  async #lookFor(shard: number, records: readonly Live[]): Promise<void> {
    const facts = await this.#again.read(
      records.flatMap((record) => [
        ['pexpiretime', this.#keys.record(shard, record.id)],
        ['zscore', this.#keys.ownerIndex(shard, record, record.owner), record.id],
        ['zscore', this.#keys.scopeIndex(shard, record), `${record.id}:${record.owner}`],
      ]),
    );
    for (const [i, record] of records.entries()) {
      const told = facts.slice(3 * i, 3 * i + 3);
      if (told.some((fact) => fact === null || Number(fact) !== record.expiresAt)) {
        await this.#again.token(shard, record, record.owner, record.id);
      }
    }
  }
}

/** What a record says, or `undefined` where it can not be read by operations, in process or in Redis. */
function read(id: string, value: Buffer): Live | undefined {
  if (!isUtf8(value)) return undefined;
  const text = value.toString();
  try {
    const [app, type, owner, version, createdAt, expiresAt, refreshedAt, ...entries] = JSON.parse(text);
    if ([app, type, owner].some((name) => nameProblem(name) !== undefined)) return undefined;
    const numbers = [version, createdAt, expiresAt, refreshedAt];
    if (!numbers.every((number) => Number.isSafeInteger(number) && number >= 0)) return undefined;
    // Scripts find what they need of a record by its very text.
    const head = JSON.stringify([app, type, owner, ...numbers]).slice(0, -1);
    const rest = text.slice(head.length);
    if (!text.startsWith(head) || !/^[\],]/.test(rest)) return undefined;
    const [attributes] = typeof entries[0] === 'object' ? entries.splice(0, 1) : [];
    if (attributes && /^,({[^}]*})/.exec(rest)?.[1] !== JSON.stringify(attributes)) return undefined;
    if (entries.some((entry: unknown) => typeof entry !== 'string')) return undefined;
    return decodeRecord(id, text, { app, type }) && { id, app, type, owner, expiresAt };
  } catch {
    return undefined;
  }
}
