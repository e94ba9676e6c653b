/** A repository into which tokens of redis-tokens 0.0 are moved as they are used, or revoked. */
import { AroundRepository } from '../tokens/around-repository.js';
import type { Commands } from '../tokens/commands.js';
import type { TokenUse } from '../tokens/idle.js';
import type { Attempt, Rotated, TokenRepository } from '../tokens/repository.js';
import type { OwnersPage, Scope, TokenRecord } from '../tokens/types.js';
import type { Mover, Outcome } from './mover.js';
import type { OldIndex } from './old-index.js';
import type { OldStore } from './old-store.js';

/** Tokens that are moved at a time where an owner, a type or an app has many. */
const AT_ONCE = 500;

/**
 * What is known of a command's token among the old ones is moved before the command runs: so it finds what it would have
 * found there, and marks, indexes and events are those of any token. Once nothing is left there, it costs a look at a map.
 */
export class MigratingRepository extends AroundRepository implements TokenRepository {
  readonly #old: OldStore;
  readonly #index: OldIndex;
  readonly #mover: Mover;
  /** By the names of their keys. */
  readonly #underWay = new Map<string, Promise<void>>();
  readonly peek?: (id: string, scope: Scope) => TokenRecord | undefined;

  constructor(repository: TokenRepository, old: OldStore, index: OldIndex, mover: Mover) {
    super(repository);
    this.#old = old;
    this.#index = index;
    this.#mover = mover;
    if (repository.peek) this.peek = repository.peek.bind(repository);
  }

  get isReady(): boolean {
    return this.repository.isReady && this.#index.complete;
  }

  async ready(): Promise<void> {
    await Promise.all([this.repository.ready(), this.#index.ready()]);
  }

  async create(command: Commands['create'], attempt: Attempt): Promise<TokenRecord> {
    const { app, type, owner, limit } = command;
    await this.#bring(limit ? this.#index.of(app, type, owner) : []); // they count
    await this.#bring(this.#index.find(command.id));
    return this.repository.create(command, attempt);
  }

  get(command: Commands['get'], commandId?: string): Promise<TokenRecord | undefined> {
    return this.#after(command, () => this.repository.get(command, commandId));
  }

  touch(use: TokenUse): Promise<void> {
    return this.repository.touch(use);
  }

  update(command: Commands['update'], attempt: Attempt): Promise<TokenRecord | undefined> {
    return this.#after(command, () => this.repository.update(command, attempt));
  }

  refresh(command: Commands['refresh'], attempt: Attempt): Promise<TokenRecord | undefined> {
    return this.#after(command, () => this.repository.refresh(command, attempt));
  }

  rotate(command: Commands['rotate'], attempt: Attempt): Promise<Rotated | undefined> {
    return this.#after(command, () => this.repository.rotate(command, attempt));
  }

  async delete(command: Commands['delete'], attempt: Attempt): Promise<boolean> {
    const keys = this.#index.find(command.id);
    await this.#bring(keys);
    const ended = await this.repository.delete(command, attempt);
    return (await this.#drop(keys)) > 0 || ended;
  }

  async deleteById(command: Commands['deleteById'], attempt: Attempt): Promise<boolean> {
    const { id, app, type, owner } = command;
    const own = owner === undefined ? undefined : new Set(this.#index.of(app, type, owner));
    const keys = this.#index.find(id).filter((key) => !own || own.has(key));
    await this.#bring(keys);
    const ended = await this.repository.deleteById(command, attempt);
    return (await this.#drop(keys)) > 0 || ended;
  }

  async consume(command: Commands['consume'], attempt: Attempt): Promise<TokenRecord | undefined> {
    const keys = this.#index.find(command.id);
    await this.#bring(keys);
    const consumed = await this.repository.consume(command, attempt);
    await this.#drop(keys);
    return consumed;
  }

  async getById(command: Commands['getById']): Promise<TokenRecord | undefined> {
    return this.#after(command, () => this.repository.getById(command));
  }

  deleteAll(command: Commands['deleteAll'], attempt: Attempt): Promise<number> {
    const { app, type, owner, except } = command;
    const excepted = except === undefined ? [] : this.#index.find(except);
    return this.#endAll(this.#index.of(app, type, owner), excepted, attempt, (later) =>
      this.repository.deleteAll(command, later),
    );
  }

  deleteScope(command: Commands['deleteScope'], attempt: Attempt): Promise<number> {
    return this.#endAll(this.#index.of(command.app, command.type), [], attempt, (later) =>
      this.repository.deleteScope(command, later),
    );
  }

  deleteApp(command: Commands['deleteApp'], attempt: Attempt): Promise<number> {
    return this.#endAll(this.#index.of(command.app), [], attempt, (later) =>
      this.repository.deleteApp(command, later),
    );
  }

  async list(command: Commands['list']): Promise<TokenRecord[]> {
    await this.#bring(this.#index.of(command.app, command.type, command.owner));
    return this.repository.list(command);
  }

  async count(command: Commands['count']): Promise<number> {
    await this.#bring(this.#index.of(command.app, command.type, command.owner));
    return this.repository.count(command);
  }

  async owners(command: Commands['owners']): Promise<OwnersPage> {
    await this.#bring(this.#index.of(command.app, command.type));
    return this.repository.owners(command);
  }

  async close(): Promise<void> {
    await this.#index.close();
    await this.#old.close();
    await this.repository.close();
  }

  /** Runs what is asked of one token, once that is here. */
  async #after<T>({ id }: { id: string }, operate: () => Promise<T>): Promise<T> {
    const keys = this.#index.find(id);
    if (keys.length > 0) await this.#bring(keys);
    return operate();
  }

  /** Many end, each with its event. That they are moved first takes none of the time that the revocation has. */
  async #endAll(
    keys: readonly string[],
    excepted: readonly string[],
    attempt: Attempt,
    end: (attempt: Attempt) => Promise<number>,
  ): Promise<number> {
    const begun = this.reckoned();
    await this.#bring(keys);
    const ended = await end({ ...attempt, until: attempt.until + this.reckoned() - begun });
    return ended + (await this.#drop(keys.filter((key) => !excepted.includes(key))));
  }

  /** Moves the tokens of these keys, but for those that can not be. */
  async #bring(keys: readonly string[]): Promise<void> {
    for (let from = 0; from < keys.length; from += AT_ONCE) {
      await Promise.all(keys.slice(from, from + AT_ONCE).map((key) => this.#bringOne(key)));
    }
  }

  #bringOne(key: string): Promise<void> {
    let underWay = this.#underWay.get(key);
    if (!underWay) {
      underWay = this.#move(key).finally(() => this.#underWay.delete(key));
      this.#underWay.set(key, underWay);
    }
    return underWay;
  }

  async #move(key: string): Promise<void> {
    const [entry] = await this.#old.read([key]);
    const outcome = await this.#mover.move(entry);
    if (outcome === 'expired') this.#index.forget(key);
    if (!entry || !IS_HERE.has(outcome)) return;
    // What counts is here from now on: the old one must not come to life later. One that redis-tokens 0.0 is just
    // changing stays for the next time.
    const [removal] = await this.#old.remove([entry]);
    if (removal !== 'changed') this.#index.forget(key);
  }

  /** Of a revocation: what of these could not be moved ends as well. Answers how many it were. */
  async #drop(keys: readonly string[]): Promise<number> {
    const left = keys.filter((key) => this.#index.has(key));
    const dropped = await this.#old.drop(left);
    for (const key of left) this.#index.forget(key);
    return dropped;
  }
}

/** Outcomes after which it is decided here what becomes of the token. */
const IS_HERE: ReadonlySet<Outcome> = new Set<Outcome>(['moved', 'present', 'different', 'revoked']);
