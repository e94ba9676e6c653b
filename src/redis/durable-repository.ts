/** Tokens in Redis whose changes count as made when replicas have them. */
import type { Command, Commands } from '../tokens/commands.js';
import { isRevocation } from '../tokens/commands.js';
import { NotReplicatedError } from '../tokens/errors.js';
import type { ResolvedDurability, ResolvedTokenOptions } from '../tokens/options.js';
import type { Attempt, Rotated, TokenRepository } from '../tokens/repository.js';
import type { TokenRecord } from '../tokens/types.js';
import type { WitnessedAttempt } from './change-scripts.js';
import type { Connection } from './connection.js';
import { Keys } from './keys.js';
import { Acknowledgements, type History, Witness } from './replication.js';
import { RedisTokenRepository } from './repository.js';
import { Store } from './store.js';

/**
 * @param isDoor whether secrets are sealed in this process.
 * @throws {ConfigError} for a connection that can not work.
 */
export function openRepository(
  connection: Connection | undefined,
  options: ResolvedTokenOptions,
  { store = new Store(connection, options.timeout), isDoor = false } = {},
): TokenRepository {
  const { durability } = options;
  return durability
    ? new DurableRepository(connection, store, options, durability, isDoor)
    : new RedisTokenRepository(store, options, isDoor);
}

/** @throws {NotReplicatedError} from every change that is waited for. */
export class DurableRepository extends RedisTokenRepository {
  readonly #acknowledgements: Acknowledgements;
  readonly #rules: ResolvedDurability;
  readonly #keys: Keys;

  constructor(
    connection: Connection | undefined,
    store: Store,
    options: ResolvedTokenOptions,
    rules: ResolvedDurability,
    isDoor: boolean,
  ) {
    super(store, options, isDoor);
    this.#acknowledgements = new Acknowledgements(connection, rules);
    this.#rules = rules;
    this.#keys = new Keys(options.prefix);
  }

  override create(command: Commands['create'], attempt: Attempt): Promise<TokenRecord> {
    return this.#lasting(command, attempt, (witnessed) => super.create(command, witnessed));
  }

  override update(command: Commands['update'], attempt: Attempt): Promise<TokenRecord | undefined> {
    return this.#lasting(command, attempt, (witnessed) => super.update(command, witnessed));
  }

  override refresh(command: Commands['refresh'], attempt: Attempt): Promise<TokenRecord | undefined> {
    return this.#lasting(command, attempt, (witnessed) => super.refresh(command, witnessed));
  }

  override rotate(command: Commands['rotate'], attempt: Attempt): Promise<Rotated | undefined> {
    return this.#lasting(command, attempt, (witnessed) => super.rotate(command, witnessed));
  }

  override consume(command: Commands['consume'], attempt: Attempt): Promise<TokenRecord | undefined> {
    return this.#lasting(command, attempt, (witnessed) => super.consume(command, witnessed));
  }

  override delete(command: Commands['delete'], attempt: Attempt): Promise<boolean> {
    return this.#lasting(command, attempt, (witnessed) => super.delete(command, witnessed));
  }

  override deleteById(command: Commands['deleteById'], attempt: Attempt): Promise<boolean> {
    return this.#lasting(command, attempt, (witnessed) => super.deleteById(command, witnessed));
  }

  override deleteAll(command: Commands['deleteAll'], attempt: Attempt): Promise<number> {
    return this.#lasting(command, attempt, (witnessed) => super.deleteAll(command, witnessed));
  }

  override deleteScope(command: Commands['deleteScope'], attempt: Attempt): Promise<number> {
    return this.#lasting(command, attempt, (witnessed) => super.deleteScope(command, witnessed));
  }

  override deleteApp(command: Commands['deleteApp'], attempt: Attempt): Promise<number> {
    return this.#lasting(command, attempt, (witnessed) => super.deleteApp(command, witnessed));
  }

  override async close(): Promise<void> {
    await Promise.all([super.close(), this.#acknowledgements.close()]);
  }

  /** All of it is made first, on every shard: what is not on a replica is made all the same. */
  async #lasting<T>(
    { op }: Command,
    attempt: Attempt,
    change: (attempt: WitnessedAttempt) => Promise<T>,
  ): Promise<T> {
    if (this.#rules.of === 'revocations' && !isRevocation(op) && op !== 'consume') return change(attempt);
    const witness = new Witness();
    const made = await change({ ...attempt, witness });
    await Promise.all([...witness.histories].map(([shard, history]) => this.#confirm(shard, history)));
    return made;
  }

  async #confirm(shard: number, madeIn: History): Promise<void> {
    const { replicas: wanted, timeout } = this.#rules;
    const { history, replicas } = await this.#acknowledgements.of(this.#keys.fence(shard), madeIn);
    if (history === undefined)
      throw new NotReplicatedError(
        0,
        `the change was made, but no primary could be asked within ${timeout} ms which replicas have it`,
      );
    if (history !== madeIn)
      throw new NotReplicatedError(
        0,
        'the change was made, but another primary may have taken over since: nobody can tell whether that has it',
      );
    if (replicas < wanted)
      throw new NotReplicatedError(
        replicas,
        `the change is made, but ${replicas} of ${wanted} replicas have acknowledged it within ${timeout} ms`,
      );
  }
}
