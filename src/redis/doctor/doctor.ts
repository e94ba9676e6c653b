/** Holds every index against the records, and the records against the indexes; repairs what is wrong where asked. */
import type { Redis } from 'ioredis';
import { ConfigError } from '../../tokens/errors.js';
import { ID_PATTERN, shardOf } from '../../tokens/identity.js';
import {
  checkOptions,
  resolveTokenOptions,
  TOKEN_OPTION_RULES,
  type TokenOptions,
} from '../../tokens/options.js';
import { type Connection, defaultShards, isCluster } from '../connection.js';
import { Deployment, type Standing } from '../deployment.js';
import { Keys } from '../keys.js';
import { Store } from '../store.js';
import { type Diagnosis, Findings, type Looked } from './diagnosis.js';
import { IndexCheck } from './index-check.js';
import { RecordCheck } from './record-check.js';
import { SecondLook } from './second-look.js';
import { ShardCheck } from './shard-check.js';

/** Keys that Redis looks at in one step. */
const SCANNED_AT_ONCE = 500;

export interface Examination {
  /** Whether to repair what can be repaired. Default false: then nothing is written. */
  repair?: boolean | undefined;
  /** Where it aborts, the rest is not looked at. */
  signal?: AbortSignal | undefined;
  /** Hears after each step how much was looked at, how many problems were found, and how far the whole has come. */
  onProgress?: ((looked: Readonly<Looked>, problems: number, walk: Readonly<Walk>) => void) | undefined;
}

/** The way over all keys that Redis holds, whosever they are. */
export interface Walk {
  /** About as many are done with. */
  passed: number;
  /** Zero until it is known. */
  total: number;
}

/** One kind of keys: `names` is a glob of what follows the shard's tag. */
interface Check {
  readonly names: string;
  look(shard: number, keys: readonly string[]): Promise<void>;
}

/**
 * Reads a whole deployment in steps while others go on. What looks wrong from here is looked at again, and repaired,
 * by one script: what others are just changing is neither told nor touched.
 */
export class Doctor {
  readonly #store: Store;
  readonly #keys: Keys;
  readonly #deployment: Deployment;
  readonly #shards: number;

  /** @throws {ConfigError} */
  constructor(connection: Connection | undefined, options: TokenOptions) {
    checkOptions('doctor', options, TOKEN_OPTION_RULES);
    const resolved = resolveTokenOptions(options, defaultShards(connection));
    this.#store = new Store(connection, resolved.timeout);
    this.#keys = new Keys(resolved.prefix);
    this.#deployment = new Deployment(this.#store, this.#keys, resolved, { founds: false });
    this.#shards = resolved.shards;
  }

  /** @throws {StoreUnavailableError} {ConfigError} also where there is no deployment: none is founded here. */
  async examine({ repair = false, signal, onProgress }: Examination = {}): Promise<Diagnosis> {
    const findings = new Findings();
    const walk: Walk = { passed: 0, total: 0 };
    const onStep = () => {
      signal?.throwIfAborted();
      onProgress?.(findings.looked, findings.count, walk);
    };
    const again = new SecondLook(this.#store, this.#keys, findings, repair, onStep);
    const arrive = () => this.#arrive(again, repair);
    // Records first: one that is removed leaves members, which the look at the indexes finds.
    const checks: Check[] = [
      new RecordCheck(again, this.#keys, this.#shards),
      new IndexCheck(again, this.#keys, this.#shards, this.#deployment),
    ];
    try {
      await arrive();
      walk.total = await this.#size();
      const passed = () => {
        walk.passed = Math.min(walk.total, walk.passed + SCANNED_AT_ONCE / checks.length);
      };
      // Before all else: what repairs a token tells of it, and asks whether it was revoked.
      const shards = new ShardCheck(again, this.#keys);
      for (let shard = 0; shard < this.#shards; shard++) await shards.look(shard);
      for (const check of checks) {
        for await (const [shard, keys] of this.#keysOf(check.names, onStep, arrive, passed)) {
          if (shard < this.#shards) await check.look(shard, keys);
          else for (const key of keys) findings.add('wrong-place', { key }, false);
        }
      }
    } catch (error) {
      if (!signal?.aborted) throw error;
    }
    return findings.diagnosis(!signal?.aborted);
  }

  async close(): Promise<void> {
    this.#deployment.leave();
    await this.#store.close();
  }

  async #size(): Promise<number> {
    const sizes = this.#primaries().map((primary) => this.#store.read(() => primary.dbsize()));
    return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  }

  #primaries(): Redis[] {
    const { client } = this.#store;
    return isCluster(client) ? client.nodes('master') : [client];
  }

  /** All keys of shards whose names match, on every primary, those of one step of a shard at a time. */
  async *#keysOf(
    names: string,
    onStep: () => void,
    arrive: () => Promise<void>,
    onPassed = () => {},
  ): AsyncGenerator<[shard: number, keys: string[]]> {
    const pattern = this.#keys.onEveryShard(names);
    for (const primary of this.#primaries()) {
      let cursor = '0';
      do {
        onStep();
        await arrive();
        const [next, keys] = await this.#store.read(() =>
          primary.scan(cursor, 'MATCH', pattern, 'COUNT', SCANNED_AT_ONCE),
        );
        cursor = next;
        yield* byShard(keys);
        onPassed();
      } while (cursor !== '0');
    }
  }

  /** Before the first step, and where the connection may lead elsewhere by now. Called to the wrong place, it founds nothing. */
  async #arrive(again: SecondLook, repair: boolean): Promise<void> {
    if (this.#deployment.isReady) return;
    const standing = await this.#deployment.standing();
    if (standing.missing.length > 0) await this.#agreeAnew(standing, again, repair);
    await this.#deployment.ready();
  }

  /** Where what all processes agree on is lost, and not what they made: then these options are as good as any that fit it. */
  async #agreeAnew({ type, missing }: Standing, again: SecondLook, repair: boolean): Promise<void> {
    const { meta } = this.#keys;
    const isThere = !missing.includes('shards') || (await this.#fit(again.onStep));
    if (type === 'none' && !isThere) throw this.#deployment.absence(type);
    const isOther = type !== 'none' && type !== 'hash';
    if (isOther) await again.unreadable(meta, 'hash');
    if (repair) await this.#deployment.found();
    if (isOther) return;
    for (const field of type === 'none' ? [undefined] : missing) {
      again.findings.add(
        'agreement-missing',
        field === undefined ? { key: meta } : { key: meta, field },
        repair,
      );
    }
  }

  /** Whether there is anything at all. @throws {ConfigError} where it lies elsewhere than `shards` says. */
  async #fit(onStep: () => void): Promise<boolean> {
    let isThere = false;
    for await (const [shard, keys] of this.#keysOf('*', onStep, async () => {})) {
      isThere = true;
      const prefix = this.#keys.record(shard, '');
      const misfit = keys.find((key) => {
        const id = key.startsWith(prefix) ? key.slice(prefix.length) : '';
        return shard >= this.#shards || (ID_PATTERN.test(id) && shardOf(id, this.#shards) !== shard);
      });
      if (misfit !== undefined) {
        const lost = `${this.#keys.meta}: what all processes agree on is lost`;
        throw new ConfigError(
          `${lost}, and shards can not have been ${this.#shards}, for there is ${misfit}`,
        );
      }
    }
    return isThere;
  }
}

/** Keys by the number in their tag, each once: Redis may show one twice. What has no such number is not ours. */
function byShard(keys: readonly string[]): Map<number, string[]> {
  const shards = new Map<number, string[]>();
  for (const key of new Set(keys)) {
    const shard = /^\{[^:}]*:(0|[1-9]\d{0,8})\}:/.exec(key)?.[1];
    if (shard === undefined) continue;
    const known = shards.get(Number(shard));
    if (known) known.push(key);
    else shards.set(Number(shard), [key]);
  }
  return shards;
}
