/** Tokens in Redis: one `GET` to read, one script per change. */
import { attributesOf } from '../tokens/attributes.js';
import type { Microseconds } from '../tokens/clock.js';
import type { Commands } from '../tokens/commands.js';
import { ValidationError } from '../tokens/errors.js';
import { durationMs } from '../tokens/fields.js';
import type { Miss } from '../tokens/guessing.js';
import { ownerShard, shardOf } from '../tokens/identity.js';
import { attributesAtBirth, type TokenUse } from '../tokens/idle.js';
import type { ResolvedTokenOptions } from '../tokens/options.js';
import type { Attempt, JobCommand, JobReference, Rotated, TokenRepository } from '../tokens/repository.js';
import type { OwnersPage, Scope, TokenRecord } from '../tokens/types.js';
import { BulkEnder, FOR_EVER, toldArgs } from './bulk-ender.js';
import { ChangeScripts, flag } from './change-scripts.js';
import { decodeRecord, encodeAttributes, encodeChanges, encodeTail, isMarker, toMs } from './codec.js';
import { Deployment } from './deployment.js';
import { FormerIds } from './former-ids.js';
import { GuessCounter } from './guess-counter.js';
import { JobRecords } from './job-records.js';
import { idsOf, Keys } from './keys.js';
import { Lister } from './lister.js';
import { Numbers } from './numbers.js';
import { PepperCheck } from './pepper-check.js';
import { RecordReader } from './reader.js';
import type { Reply } from './reply.js';
import { inOtherShard, Rotations } from './rotations.js';
import type { Store } from './store.js';
import { Sweeper } from './sweeper.js';

export class RedisTokenRepository implements TokenRepository {
  readonly #store: Store;
  readonly #options: ResolvedTokenOptions;
  readonly #keys: Keys;
  readonly #reader: RecordReader;
  readonly #changes: ChangeScripts;
  readonly #deployment: Deployment;
  readonly #ender: BulkEnder;
  readonly #lister: Lister;
  readonly #numbers: Numbers;
  readonly #rotations: Rotations;
  readonly #formerIds: FormerIds;
  readonly #jobs: JobRecords;
  readonly #sweeper: Sweeper;
  readonly #guesses: GuessCounter | undefined;

  /** @param isDoor whether secrets are sealed in this process: then the deployment must have its peppers. */
  constructor(store: Store, options: ResolvedTokenOptions, isDoor = false) {
    this.#store = store;
    this.#options = options;
    this.#keys = new Keys(options.prefix);
    this.#reader = new RecordReader(store);
    const peppers = isDoor ? new PepperCheck(store, this.#keys, options.peppers) : undefined;
    this.#deployment = new Deployment(store, this.#keys, options, { peppers });
    this.#changes = new ChangeScripts(store, this.#keys, this.#deployment, options);
    const shards = Array.from({ length: options.shards }, (_, shard) => shard);
    this.#ender = new BulkEnder(store, this.#keys, shards, this.#changes);
    this.#lister = new Lister(store, this.#keys, shards);
    this.#numbers = new Numbers(store, this.#keys, shards, this);
    this.#rotations = new Rotations(store, this.#keys);
    this.#formerIds = new FormerIds(store, this.#keys, this.#changes, this.#rotations);
    this.#jobs = new JobRecords(store, this.#keys, shards);
    this.#sweeper = new Sweeper(store, this.#keys, shards);
    const { guessing } = options;
    this.#guesses = guessing && new GuessCounter(store, this.#keys, this.#deployment, guessing, options);
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
    this.#changes.onEnd = listener;
    this.#rotations.onEnd = listener;
  }

  async create(command: Commands['create'], attempt: Attempt): Promise<TokenRecord> {
    const { id, app, type, owner, data, limit } = command;
    const shard = shardOf(id, this.#options.shards);
    if (limit) this.#checkLimitable(command, shard);
    const reply = await this.#changes.run('create', command, attempt, shard, {
      keys: [
        this.#keys.floor(shard),
        this.#keys.record(shard, id),
        this.#keys.ownerIndex(shard, command, owner),
        this.#keys.scopes(shard),
      ],
      args: [
        idsOf(command),
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
    const found = recordOf(reply, command);
    if (found) return found;
    const [version, createdAt, expiresAt] = reply.numbers;
    return {
      ...{ id, app, type, owner, data, version, createdAt: toMs(createdAt), expiresAt },
      ...attributesAtBirth(command, expiresAt),
    };
  }

  async get(command: Commands['get'], commandId?: string): Promise<TokenRecord | undefined> {
    const { id } = command;
    const shard = shardOf(id, this.#options.shards);
    const text = await this.#reader.read(shard, this.#keys.record(shard, id));
    if (text !== null && !isMarker(text)) return decodeRecord(id, text, command);
    if (text === null && !command.formerIds) return undefined;
    return this.#formerIds.get(shard, command, text, commandId);
  }

  async touch(use: TokenUse): Promise<void> {
    const shard = shardOf(use.id, this.#options.shards);
    const command = { ...use, op: 'touch', issuedAt: use.usedAt };
    await this.#changes.run('touch', command, { until: FOR_EVER }, shard, {
      keys: [this.#keys.record(shard, use.id)],
      args: [use.id, use.every],
    });
  }

  missed(miss: Miss): void {
    this.#guesses?.add(miss);
  }

  async update(command: Commands['update'], attempt: Attempt): Promise<TokenRecord | undefined> {
    const shard = shardOf(command.id, this.#options.shards);
    const reply = await this.#changes.run('update', command, attempt, shard, {
      keys: [this.#keys.record(shard, command.id)],
      args: [
        idsOf(command),
        this.#options.maxDataBytes,
        command.ifVersion ?? '',
        ...encodeChanges(command.data),
      ],
    });
    return recordOf(reply, command);
  }

  async refresh(command: Commands['refresh'], attempt: Attempt): Promise<TokenRecord | undefined> {
    const shard = shardOf(command.id, this.#options.shards);
    const reply = await this.#changes.run('refresh', command, attempt, shard, {
      keys: [this.#keys.record(shard, command.id)],
      args: [idsOf(command), durationMs(command.duration)],
    });
    return recordOf(reply, command);
  }

  async rotate(command: Commands['rotate'], attempt: Attempt): Promise<Rotated | undefined> {
    const { id, successor, nonce, duration } = command;
    const shard = shardOf(id, this.#options.shards);
    if (shardOf(successor, this.#options.shards) !== shard) throw inOtherShard();
    const reply = await this.#changes.run('rotate', command, attempt, shard, {
      keys: [this.#keys.record(shard, id), this.#keys.record(shard, successor)],
      args: [
        ...[idsOf(command), successor, nonce, duration === undefined ? '' : durationMs(duration)],
        Math.round(command.grace * 1_000),
        encodeURIComponent(command.hint ?? ''),
      ],
    });
    const [winner, itsNonce] = reply.rest;
    if (reply.code !== 'ok' || winner === undefined || itsNonce === undefined) return undefined;
    const record = recordOf(reply, command);
    return record && { record, nonce: itsNonce };
  }

  async delete(command: Commands['delete'], attempt: Attempt): Promise<boolean> {
    const shard = shardOf(command.id, this.#options.shards);
    const reply = await this.#changes.run('delete', command, attempt, shard, {
      keys: [this.#keys.floor(shard), this.#keys.record(shard, command.id)],
      args: [idsOf(command), ...toldArgs(command)],
    });
    return reply.numbers[0] > 0;
  }

  async deleteById(command: Commands['deleteById'], attempt: Attempt): Promise<boolean> {
    const shard = shardOf(command.id, this.#options.shards);
    const reply = await this.#changes.run('deleteById', command, attempt, shard, {
      keys: [this.#keys.floor(shard), this.#keys.record(shard, command.id)],
      args: [command.id, command.owner ?? '', ...toldArgs(command)],
    });
    return reply.numbers[0] > 0;
  }

  async consume(command: Commands['consume'], attempt: Attempt): Promise<TokenRecord | undefined> {
    const { id } = command;
    const shard = shardOf(id, this.#options.shards);
    const reply = await this.#changes.run('consume', command, attempt, shard, {
      keys: [this.#keys.floor(shard), this.#keys.record(shard, id)],
      args: [idsOf(command), ...toldArgs(command)],
    });
    return recordOf(reply, command);
  }

  async getById(command: Commands['getById']): Promise<TokenRecord | undefined> {
    const { id } = command;
    const shard = shardOf(id, this.#options.shards);
    const text = await this.#reader.read(shard, this.#keys.record(shard, id));
    if (text === null) return undefined;
    const found = isMarker(text)
      ? await this.#formerIds.getById(shard, command, text)
      : decodeRecord(id, text, command);
    return isOf(found, command.owner) ? found : undefined;
  }

  async deleteScope(command: Commands['deleteScope'], attempt: Attempt): Promise<number> {
    return this.#ender.ofScope(command, attempt);
  }

  async deleteApp(command: Commands['deleteApp'], attempt: Attempt): Promise<number> {
    return this.#ender.ofApp(command, attempt);
  }

  async deleteAll(command: Commands['deleteAll'], attempt: Attempt): Promise<number> {
    return this.#ender.ofOwner(command, attempt);
  }

  list(command: Commands['list']): Promise<TokenRecord[]> {
    return this.#lister.list(command);
  }

  count(command: Commands['count']): Promise<number> {
    return this.#numbers.count(command);
  }

  owners(command: Commands['owners']): Promise<OwnersPage> {
    return this.#numbers.owners(command);
  }

  giveUp(job: JobReference, commands: readonly JobCommand[]): Promise<Set<string>> {
    return this.#jobs.giveUp(job, commands);
  }

  takeUp(job: JobReference, commands: readonly JobCommand[]): Promise<void> {
    return this.#jobs.takeUp(job, commands);
  }

  release(job: JobReference, commands: readonly JobCommand[], keptFor: number): Promise<void> {
    return this.#jobs.release(job, commands, keptFor);
  }

  sweep(signal?: AbortSignal): Promise<number> {
    return this.#sweeper.sweep(signal);
  }

  async close(): Promise<void> {
    await this.#guesses?.close();
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
}

/** Whether a record is a given owner's, or any where none is given. */
const isOf = (record: TokenRecord | undefined, owner: string | undefined): boolean =>
  owner === undefined || record?.owner === owner;

/**
 * The record of the life that a change was decided for, as of now; `undefined` where there was or is none.
 * @param command whose token it is, unless the reply names another.
 */
function recordOf(
  { code, record, numbers: [, createdAt], rest }: Reply,
  command: Scope & { id: string },
): TokenRecord | undefined {
  const [id = command.id] = rest;
  return code !== 'ok' || record === '' ? undefined : decodeRecord(id, record, command, createdAt);
}
