/** Looks at what leads to records: the indexes with their members, the names of scopes; and at what is kept for jobs. */
import { type Clock, MICROS_PER_MS } from '../../tokens/clock.js';
import { nameProblem } from '../../tokens/fields.js';
import { ID_PATTERN, shardOf } from '../../tokens/identity.js';
import type { Scope } from '../../tokens/types.js';
import type { Keys } from '../keys.js';
import { isOfRotations, lookAtRotations } from './rotation-check.js';
import type { Owned, SecondLook } from './second-look.js';
import { shardKeys } from './shard-check.js';

/** Indexes that are looked at side by side; a small one is read whole. */
const INDEXES_AT_ONCE = 50;

/** Members of a large index that are read in one step, and records that are asked for in one. */
const MEMBERS_AT_ONCE = 500;

/** A day, in ms: what an index outlives its latest member by. */
const INDEX_GRACE = 86_400_000;

/** What Redis says of the life of a key that is not there. */
const GONE = -2;

interface Index extends Scope {
  key: string;
  /** Of an owner's index. */
  owner?: string;
}

interface Member extends Owned {
  id: string;
}

type Page = [cursor: string, members: string[]];

export class IndexCheck {
  /** All but records: what is none of ours is told. */
  readonly names = '[^t]*';
  readonly #again: SecondLook;
  readonly #keys: Keys;
  readonly #shards: number;
  readonly #clock: Clock;

  constructor(again: SecondLook, keys: Keys, shards: number, clock: Clock) {
    this.#again = again;
    this.#keys = keys;
    this.#shards = shards;
    this.#clock = clock;
  }

  async look(shard: number, keys: readonly string[]): Promise<void> {
    const { findings } = this.#again;
    const indexes: Index[] = [];
    const jobs: string[] = [];
    const rotations: string[] = [];
    const others = shardKeys(this.#keys, shard);
    for (const key of keys) {
      const [kind = '', ...segments] = key.slice(key.indexOf('}:') + 2).split(':');
      if (others.has(key)) continue; // for another check
      if (key === this.#keys.scopes(shard)) await this.#lookAtScopes(shard, key);
      else if (isOfRotations(kind, segments)) rotations.push(key);
      else if (kind === 'job' && segments.length >= 3) jobs.push(key);
      else if ((kind === 'o' || kind === 's') && segments.length > 0) {
        const index = this.#indexOf(shard, key, segments);
        if (index) indexes.push(index);
        else findings.add('wrong-place', { key }, false);
      } else findings.add('unknown-key', { key }, false);
    }
    await this.#lookAtJobs(jobs);
    await lookAtRotations(this.#again, rotations);
    for (let i = 0; i < indexes.length; i += INDEXES_AT_ONCE) {
      await this.#lookAtIndexes(shard, indexes.slice(i, i + INDEXES_AT_ONCE));
    }
  }

  /** What an index is of, or `undefined` where its key is not written as those of indexes are. */
  #indexOf(shard: number, key: string, segments: string[]): Index | undefined {
    const names = decoded(segments);
    if (!names || names.some((name) => nameProblem(name) !== undefined)) return undefined;
    const [app = '', type = '', owner] = names;
    const expected =
      owner === undefined
        ? this.#keys.scopeIndex(shard, { app, type })
        : this.#keys.ownerIndex(shard, { app, type }, owner);
    if (key !== expected) return undefined;
    return owner === undefined ? { key, app, type } : { key, app, type, owner };
  }

  async #lookAtIndexes(shard: number, indexes: readonly Index[]): Promise<void> {
    const { looked } = this.#again.findings;
    const pages = await this.#again.read(
      indexes.map(({ key }) => ['zscan', key, '0', 'COUNT', MEMBERS_AT_ONCE]),
    );
    let due: Member[] = [];
    for (const [i, index] of indexes.entries()) {
      if (index.owner === undefined) looked.scopeIndexes++;
      else looked.ownerIndexes++;
      let page = pages[i] as Page | Error;
      while (!(page instanceof Error)) {
        const [cursor, members] = page;
        due.push(...(await this.#dueAmong(shard, index, members)));
        if (due.length >= MEMBERS_AT_ONCE) {
          await this.#lookForRecords(shard, due);
          due = [];
        }
        if (cursor === '0') break;
        [page] = (await this.#again.read([['zscan', index.key, cursor, 'COUNT', MEMBERS_AT_ONCE]])) as [
          Page | Error,
        ];
      }
    }
    await this.#lookForRecords(shard, due);
    await this.#lookAtLives(shard, indexes);
    await this.#lookAtNames(
      shard,
      indexes.filter(({ owner }) => owner === undefined),
    );
  }

  /** The members that should have a record. */
  async #dueAmong(shard: number, index: Index, flat: readonly string[]): Promise<Member[]> {
    const { findings } = this.#again;
    const now = this.#clock.now() / MICROS_PER_MS;
    const due: Member[] = [];
    for (let i = 0; i < flat.length; i += 2) {
      const text = flat[i] as string;
      const member = memberOf(index, text);
      findings.looked.members++;
      if (!member) await this.#again.member(index.key, text);
      else if (shardOf(member.id, this.#shards) !== shard) {
        findings.add('wrong-place', { key: index.key, ...member }, false);
      } else if (Number(flat[i + 1]) < now) findings.looked.overdue++;
      else due.push(member);
    }
    return due;
  }

  /** Whether each member's record is there: its beginning tells whose it is, and its data need not be read. */
  async #lookForRecords(shard: number, members: readonly Member[]): Promise<void> {
    const heads = members.map(
      ({ app, type, owner }) => `${JSON.stringify([app, type, owner]).slice(0, -1)},`,
    );
    const beginnings = await this.#again.read(
      members.map(({ id }, i) => [
        'getrange',
        this.#keys.record(shard, id),
        0,
        Buffer.byteLength(heads[i] as string) - 1,
      ]),
    );
    for (const [i, member] of members.entries()) {
      if (beginnings[i] !== heads[i]) await this.#again.token(shard, member, member.owner, member.id);
    }
  }

  /** Whether each index outlives its members. */
  async #lookAtLives(shard: number, indexes: readonly Index[]): Promise<void> {
    const facts = await this.#again.read(
      indexes.flatMap(({ key }) => [
        ['pexpiretime', key],
        ['zrange', key, 0, 0, 'REV', 'WITHSCORES'],
      ]),
    );
    for (const [i, index] of indexes.entries()) {
      const ends = Number(facts[2 * i]);
      const latest = facts[2 * i + 1] as string[] | Error;
      const outlives = !(latest instanceof Error) && ends >= Number(latest[1]) + INDEX_GRACE;
      if (!outlives && ends !== GONE) await this.#again.index(shard, index);
    }
  }

  /** Whether each scope stands among the scopes. */
  async #lookAtNames(shard: number, indexes: readonly Index[]): Promise<void> {
    const list = this.#keys.scopes(shard);
    const listed = await this.#again.read(
      indexes.map(({ key }) => ['sismember', list, key.slice(key.indexOf('}:s:') + 4)]),
    );
    for (const [i, index] of indexes.entries()) {
      if (listed[i] !== 1) await this.#again.index(shard, index);
    }
  }

  async #lookAtScopes(shard: number, key: string): Promise<void> {
    const { looked } = this.#again.findings;
    let cursor = '0';
    do {
      const [page] = (await this.#again.read([['sscan', key, cursor, 'COUNT', MEMBERS_AT_ONCE]])) as [
        Page | Error,
      ];
      if (page instanceof Error) return this.#again.unreadable(key, 'set');
      const [next, names] = page;
      cursor = next;
      const scopes = names.map((name) => this.#keys.scopeOf(name)).filter((scope) => scope !== undefined);
      const there = await this.#again.read(
        scopes.map((scope) => ['exists', this.#keys.scopeIndex(shard, scope)]),
      );
      looked.emptyScopes += there.filter((exists) => exists === 0).length;
    } while (cursor !== '0');
  }

  async #lookAtJobs(keys: readonly string[]): Promise<void> {
    this.#again.findings.looked.jobs += keys.length;
    const facts = await this.#again.read(
      keys.flatMap((key) => [
        ['type', key],
        ['pexpiretime', key],
      ]),
    );
    for (const [i, key] of keys.entries()) {
      const [type, ends] = facts.slice(2 * i, 2 * i + 2);
      if (type !== 'hash' && type !== 'none') await this.#again.unreadable(key, 'hash');
      else if (ends === -1) await this.#again.job(key);
    }
  }
}

/** What a member of an index stands for, or `undefined` where it can not stand for a token. */
function memberOf({ app, type, owner }: Index, text: string): Member | undefined {
  const id = owner === undefined ? text.slice(0, 22) : text;
  if (!ID_PATTERN.test(id)) return undefined;
  if (owner !== undefined) return { app, type, owner, id };
  const named = text.slice(23);
  return text[22] === ':' && nameProblem(named) === undefined ? { app, type, owner: named, id } : undefined;
}

function decoded(segments: readonly string[]): string[] | undefined {
  try {
    return segments.map(decodeURIComponent);
  } catch {
    return undefined;
  }
}
