/** Tokens in Redis: one `GET` to read, one script per change. */
import { attributesOf } from '../tokens/attributes.js';
import { MICROS_PER_MS, type Microseconds } from '../tokens/clock.js';
import type { Commands } from '../tokens/commands.js';
import { ValidationError } from '../tokens/errors.js';
import { durationMs } from '../tokens/fields.js';
import { ownerShard, shardOf } from '../tokens/identity.js';
import { attributesAtBirth, type TokenUse } from '../tokens/idle.js';
import type { ResolvedTokenOptions } from '../tokens/options.js';
import type { Attempt, JobCommand, JobReference, Rotated, TokenRepository } from '../tokens/repository.js';
import type { OwnersPage, Scope, TokenRecord } from '../tokens/types.js';
import { ChangeSender } from './changes.js';
import { decodeRecord, encodeAttributes, encodeChanges, encodeTail, isMarker, toMs } from './codec.js';
import { Deployment } from './deployment.js';
import { Keys, scopeArgs } from './keys.js';
import { Numbers } from './numbers.js';
import { RecordReader } from './reader.js';
import { parseReply, type Reply, refusal } from './reply.js';
import { inOtherShard, Rotations } from './rotations.js';
import { ScopeEnder, type ScopeStep } from './scope-ender.js';
import type { ScriptName } from './scripts.generated.js';
import { begun, FOR_EVER, later, toldArgs } from './steps.js';
import type { Store } from './store.js';
import { Sweeper } from './sweeper.js';

/** Ids that a step of a list is given: it reads so many records at most. */
const LISTED_AT_ONCE = 500;

export class RedisTokenRepository implements TokenRepository {
  readonly #store: Store;
  readonly #options: ResolvedTokenOptions;
  readonly #keys: Keys;
  readonly #reader: RecordReader;
  readonly #changes: ChangeSender;
  readonly #deployment: Deployment;
  readonly #shards: readonly number[];
  readonly #sweeper: Sweeper;
  readonly #scopeEnder: ScopeEnder;
  readonly #numbers: Numbers;
  readonly #rotations: Rotations;

  constructor(store: Store, options: ResolvedTokenOptions) {
    this.#store = store;
    this.#options = options;
    this.#keys = new Keys(options.prefix);
    this.#reader = new RecordReader(store);
    this.#changes = new ChangeSender(store);
    this.#deployment = new Deployment(store, this.#keys, options);
    this.#shards = Array.from({ length: options.shards }, (_, shard) => shard);
    this.#numbers = new Numbers(store, this.#keys, this.#shards, this);
    this.#sweeper = new Sweeper(store, this.#keys, this.#shards);
    const step: ScopeStep = (shard, command, attempt, scope, args) =>
      this.#change('deleteScope', command, attempt, shard, { keys: [this.#keys.floor(shard)], args }, scope);
    this.#scopeEnder = new ScopeEnder(store, this.#keys, this.#shards, step);
    this.#rotations = new Rotations(store, this.#keys);
  }

  get isReady(): boolean {
    return this.#deployment.isReady;
  }

  ready(): Promise<void> {
    return this.#deployment.ready();
  }

  now(): Microseconds {
    return this.#deployment.now();
  }

  reckoned(): Microseconds {
    return this.#deployment.reckoned();
  }

  onEnd(listener: (id: string) => void): void {
    this.#rotations.onEnd = listener;
  }

  async create(command: Commands['create'], attempt: Attempt): Promise<TokenRecord> {
    const { id, app, type, owner, data, limit } = command;
    const shard = shardOf(id, this.#options.shards);
    if (limit) this.#checkLimitable(command, shard);
    const reply = await this.#change('create', command, attempt, shard, {
      keys: [
        this.#keys.floor(shard),
        this.#keys.record(shard, id),
        this.#keys.ownerIndex(shard, command, owner),
        this.#keys.scopes(shard),
      ],
      args: [
        id,
        owner,
        JSON.stringify(owner),
        durationMs(command.duration),
        flag(command.custom),
        encodeAttributes(attributesOf(command)),
        encodeTail(data),
        limit?.max ?? '',
        flag(limit?.overflow === 'end-oldest'),
      ],
    });
    const found = recordOf(reply, id, command);
    if (found) return found;
    const [version, createdAt, expiresAt] = reply.numbers;
    return {
      ...{ id, app, type, owner, data, version, createdAt: toMs(createdAt), expiresAt },
      ...attributesAtBirth(command, expiresAt),
    };
  }

  async get(command: Commands['get']): Promise<TokenRecord | undefined> {
    const { id } = command;
    const shard = shardOf(id, this.#options.shards);
    const text = await this.#reader.read(shard, this.#keys.record(shard, id));
    if (text !== null && isMarker(text)) return this.#rotations.read(shard, command, text);
    return text === null ? undefined : decodeRecord(id, text, command);
  }

  async touch(use: TokenUse): Promise<void> {
    const shard = shardOf(use.id, this.#options.shards);
    const command = { ...use, op: 'touch', issuedAt: use.usedAt };
    await this.#change('touch', command, { until: FOR_EVER }, shard, {
      keys: [this.#keys.record(shard, use.id)],
      args: [use.id, use.every],
    });
  }

  async update(command: Commands['update'], attempt: Attempt): Promise<TokenRecord | undefined> {
    const shard = shardOf(command.id, this.#options.shards);
    const reply = await this.#change('update', command, attempt, shard, {
      keys: [this.#keys.record(shard, command.id)],
      args: [command.id, this.#options.maxDataBytes, command.ifVersion ?? '', ...encodeChanges(command.data)],
    });
    return recordOf(reply, command.id, command);
  }

  async refresh(command: Commands['refresh'], attempt: Attempt): Promise<TokenRecord | undefined> {
    const shard = shardOf(command.id, this.#options.shards);
    const reply = await this.#change('refresh', command, attempt, shard, {
      keys: [this.#keys.record(shard, command.id)],
      args: [command.id, durationMs(command.duration)],
    });
    return recordOf(reply, command.id, command);
  }

  async rotate(command: Commands['rotate'], attempt: Attempt): Promise<Rotated | undefined> {
    const { id, successor, nonce, duration } = command;
    const shard = shardOf(id, this.#options.shards);
    if (shardOf(successor, this.#options.shards) !== shard) throw inOtherShard();
    const reply = await this.#change('rotate', command, attempt, shard, {
      keys: [this.#keys.record(shard, id), this.#keys.record(shard, successor)],
      args: [
        ...[id, successor, nonce, duration === undefined ? '' : durationMs(duration)],
        Math.round(command.grace * 1_000),
        encodeURIComponent(command.hint ?? ''),
      ],
    });
    const [winner, itsNonce] = reply.rest;
    if (reply.code !== 'ok' || winner === undefined || itsNonce === undefined) return undefined;
    const record = recordOf(reply, winner, command);
    return record && { record, nonce: itsNonce };
  }

  async delete(command: Commands['delete'], attempt: Attempt): Promise<boolean> {
    const shard = shardOf(command.id, this.#options.shards);
    const reply = await this.#change('delete', command, attempt, shard, {
      keys: [this.#keys.floor(shard), this.#keys.record(shard, command.id)],
      args: [command.id, ...toldArgs(command)],
    });
    return reply.numbers[0] > 0;
  }

  async deleteById(command: Commands['deleteById'], attempt: Attempt): Promise<boolean> {
    const shard = shardOf(command.id, this.#options.shards);
    const reply = await this.#change('deleteById', command, attempt, shard, {
      keys: [this.#keys.floor(shard), this.#keys.record(shard, command.id)],
      args: [command.id, command.owner ?? '', ...toldArgs(command)],
    });
    return reply.numbers[0] > 0;
  }

  async consume(command: Commands['consume'], attempt: Attempt): Promise<TokenRecord | undefined> {
    const { id } = command;
    const shard = shardOf(id, this.#options.shards);
    const reply = await this.#change('consume', command, attempt, shard, {
      keys: [this.#keys.floor(shard), this.#keys.record(shard, id)],
      args: [id, ...toldArgs(command)],
    });
    return recordOf(reply, id, command);
  }

  async getById(command: Commands['getById']): Promise<TokenRecord | undefined> {
    const { id } = command;
    const shard = shardOf(id, this.#options.shards);
    const text = await this.#reader.read(shard, this.#keys.record(shard, id));
    // Nobody has presented the token: where it was rotated, this is no use of it.
    const found = text === null || isMarker(text) ? undefined : decodeRecord(id, text, command);
    return isOf(found, command.owner) ? found : undefined;
  }

  async deleteScope(command: Commands['deleteScope'], attempt: Attempt): Promise<number> {
    return this.#scopeEnder.ofScope(command, attempt);
  }

  async deleteApp(command: Commands['deleteApp'], attempt: Attempt): Promise<number> {
    return this.#scopeEnder.ofApp(command, attempt);
  }

  /** The owner's own shard first: its first script fixes the time that the others are revoked up to. */
  async deleteAll(command: Commands['deleteAll'], attempt: Attempt): Promise<number> {
    const home = ownerShard(command.app, command.type, command.owner, this.#options.shards);
    const first = await this.#deleteAllOf(home, command, attempt);
    const others = this.#shards.filter((shard) => shard !== home);
    const rest = await Promise.all(
      others.map((shard) => begun(this.#deleteAllOf(shard, command, attempt, first.stamp))),
    );
    return rest.reduce((sum, { ended }) => sum + ended, first.ended);
  }

  async list(command: Commands['list']): Promise<TokenRecord[]> {
    const found = await Promise.all(this.#shards.map((shard) => this.#listShard(shard, command)));
    return found.flat().sort(latestFirst).slice(0, command.limit);
  }

  count(command: Commands['count']): Promise<number> {
    return this.#numbers.count(command);
  }

  owners(command: Commands['owners']): Promise<OwnersPage> {
    return this.#numbers.owners(command);
  }

  async giveUp(job: JobReference, commands: readonly JobCommand[]): Promise<Set<string>> {
    const replies = await this.#onShardsOf(commands, (shard, commandIds) =>
      this.#store.readScript('giveUp', [this.#keys.job(shard, job)], commandIds),
    );
    return new Set((replies as string[][]).flat()); // a revocation is done when every shard says so
  }

  async takeUp(job: JobReference, commands: readonly JobCommand[]): Promise<void> {
    await this.#onShardsOf(commands, (shard, commandIds) =>
      this.#store.readScript('takeUp', [this.#keys.job(shard, job)], commandIds),
    );
  }

  async release(job: JobReference, commands: readonly JobCommand[], keptFor: number): Promise<void> {
    await this.#onShardsOf(commands, (shard) =>
      this.#store.read((client) => client.pexpire(this.#keys.job(shard, job), keptFor)),
    );
  }

  sweep(signal?: AbortSignal): Promise<number> {
    return this.#sweeper.sweep(signal);
  }

  async close(): Promise<void> {
    this.#deployment.leave();
    await this.#store.close();
  }

  /** An owner's tokens are counted where they lie together. */
  #checkLimitable({ app, type, owner, custom }: Commands['create'], shard: number): void {
    const { shards } = this.#options;
    if (shards === 1 || (!custom && shard === ownerShard(app, type, owner, shards))) return;
    const problem = "is for generated tokens of the owner's own shard where shards are more than 1";
    throw new ValidationError('create', [{ field: 'limit', problem }]);
  }

  /** Steps over one shard, until it holds nothing of the owner that is older than the revocation. */
  async #deleteAllOf(
    shard: number,
    command: Commands['deleteAll'],
    attempt: Attempt,
    fixed?: Microseconds,
  ): Promise<{ ended: number; stamp: Microseconds }> {
    const keys = [this.#keys.floor(shard), this.#keys.ownerIndex(shard, command, command.owner)];
    const step = (current: Attempt, args: readonly (string | number)[]) =>
      this.#change('deleteAll', command, current, shard, {
        keys,
        args: [command.owner, ...args, command.except ?? '', ...toldArgs(command)],
      });

    const late = later(attempt);
    let reply = await step(fixed === undefined ? attempt : late, [fixed ?? '', '', '', 0, 0]);
    while (reply.code === 'more') {
      const [ended, stamp, inPass] = reply.numbers;
      const [expires = '', id = ''] = reply.rest;
      reply = await begun(step(late, [stamp, expires, id, inPass, ended]));
    }
    return { ended: reply.numbers[0], stamp: reply.numbers[1] };
  }

  /** Finds at once which tokens they are, and reads them in steps: none is missing, or comes twice, for a refresh meanwhile. */
  async #listShard(shard: number, command: Commands['list']): Promise<TokenRecord[]> {
    const { owner, limit } = command;
    const keys = [
      this.#keys.scopeIndex(shard, command),
      this.#keys.log(shard),
      this.#keys.ownerIndex(shard, command, owner),
    ];
    const records = new Map<string, TokenRecord>();
    let place: [expiresAt: number | string, id: string] = [
      command.after?.expiresAt ?? '',
      command.after?.id ?? '',
    ];
    let left: string[] = [];
    do {
      const step = left.slice(0, LISTED_AT_ONCE);
      const args = [...scopeArgs(command), '', owner, limit - records.size, ...place, ...step];
      const reply = await this.#store.readScript('list', keys, args);
      const [found, rest, expiresAt, id] = reply as [string[], string[], string, string];
      for (let i = 0; i < found.length; i += 2) {
        const record = decodeRecord(found[i] as string, found[i + 1] as string, command);
        if (record) records.set(record.id, record);
      }
      left = [...rest, ...left.slice(step.length)];
      if (step.length === 0) place = [expiresAt, id];
    } while (left.length > 0 || (place[1] !== '' && records.size < limit));
    return [...records.values()];
  }

  /** Once for each shard that something of these commands is decided on, with their ids. */
  async #onShardsOf(
    commands: readonly JobCommand[],
    run: (shard: number, commandIds: string[]) => Promise<unknown>,
  ): Promise<unknown[]> {
    const byShard = new Map<number, string[]>();
    for (const { command, commandId } of commands) {
      const where = 'id' in command ? [shardOf(command.id, this.#options.shards)] : this.#shards;
      for (const shard of where) {
        const known = byShard.get(shard);
        if (known) known.push(commandId);
        else byShard.set(shard, [commandId]);
      }
    }
    return Promise.all([...byShard].map(([shard, commandIds]) => run(shard, commandIds)));
  }

  async #change(
    script: ScriptName,
    command: { op: string; issuedAt: Microseconds },
    attempt: Attempt,
    shard: number,
    { keys, args }: { keys: readonly string[]; args: readonly (string | number)[] },
    scope: Scope = command as Scope & { op: string; issuedAt: Microseconds },
  ): Promise<Reply> {
    const answer = await this.#changes.send(shard, {
      script,
      id: 'id' in command ? (command.id as string) : undefined,
      keys: [
        this.#keys.scopeIndex(shard, scope),
        this.#keys.log(shard),
        this.#keys.revoked(shard),
        this.#keys.job(shard, attempt.job),
        ...keys,
      ],
      args: [
        ...scopeArgs(scope),
        attempt.commandId ?? '',
        command.issuedAt,
        attempt.until,
        flag(attempt.job !== undefined),
        this.#options.maxCommandAge * MICROS_PER_MS,
        ...args,
      ],
    });
    const reply = parseReply(answer);
    this.#deployment.told(reply.time);
    const [ended] = reply.rest;
    if (
      ended !== undefined &&
      (reply.code === 'none' || command.op === 'delete' || command.op === 'deleteById')
    )
      this.#rotations.onEnd(ended);
    if (reply.code === 'ok' || reply.code === 'none' || reply.code === 'more') return reply;
    throw refusal(reply, command, {
      maxDataBytes: this.#options.maxDataBytes,
      lateOutcome: this.#store.owned ? 'none' : 'unknown',
    });
  }
}

/** Whether a record is a given owner's, or any where none is given. */
const isOf = (record: TokenRecord | undefined, owner: string | undefined): boolean =>
  owner === undefined || record?.owner === owner;

const flag = (value: boolean): string => (value ? '1' : '0');

/** The record of the life that a change was decided for, as of now; `undefined` where there was or is none. */
function recordOf(
  { code, record, numbers: [, createdAt] }: Reply,
  id: string,
  scope: Scope,
): TokenRecord | undefined {
  return code !== 'ok' || record === '' ? undefined : decodeRecord(id, record, scope, createdAt);
}

const latestFirst = (a: TokenRecord, b: TokenRecord): number =>
  b.expiresAt - a.expiresAt || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);
