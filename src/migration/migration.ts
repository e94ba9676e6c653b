/** Moves everything that redis-tokens 0.0 stored into a deployment, in steps, while others go on. */
import { performance } from 'node:perf_hooks';
import { type Connection, defaultShards } from '../redis/connection.js';
import { Deployment } from '../redis/deployment.js';
import { Keys } from '../redis/keys.js';
import { RedisTokenRepository } from '../redis/repository.js';
import { Store } from '../redis/store.js';
import {
  checkOptions,
  type ResolvedTokenOptions,
  resolveTokenOptions,
  TOKEN_OPTION_RULES,
  type TokenOptions,
} from '../tokens/options.js';
import { type LeftBehind, Mover, type Outcome } from './mover.js';
import { type OldEntry, OldStore } from './old-store.js';

export interface MoveOptions {
  /** Writes nothing, and tells what would be done. Default false. */
  dryRun?: boolean | undefined;
  /** Removes each old token that the deployment surely has, and that is as it was read. Default false. */
  remove?: boolean | undefined;
  /** Seconds that tokens without an expiry live from now on. Default: they are left behind. */
  duration?: number | undefined;
  /** Where it aborts, the step at hand is the last. */
  signal?: AbortSignal | undefined;
  /** Hears after each step what was done, and how much was looked at of how many keys there were at first. */
  onProgress?: ((done: Readonly<Moves>, looked: number, keys: number) => void) | undefined;
}

/** How many tokens, and what became of them. */
export interface Moves {
  /** Old tokens that were found. */
  found: number;
  moved: number;
  /** That were in the deployment already, as they are. */
  present: number;
  /** Old ones that were removed, of those moved or present. */
  removed: number;
  /** Why others were left behind, and how many. */
  leftBehind: { [Reason in LeftBehind]?: number };
}

export interface MoveSummary extends Moves {
  /** False where it was stopped. */
  complete: boolean;
  dryRun: boolean;
  /** How long it took. */
  milliseconds: number;
}

export class Migration {
  readonly #old: OldStore;
  readonly #store: Store;
  readonly #options: ResolvedTokenOptions;
  readonly #repository: RedisTokenRepository;
  /** The deployment as it stands, for a dry run: it is not founded where there is none. */
  readonly #standing: Deployment;

  /** @param from where redis-tokens 0.0 keeps its tokens. @throws {ConfigError} */
  constructor(from: Connection, connection: Connection | undefined, options: TokenOptions) {
    checkOptions('migration', options, TOKEN_OPTION_RULES);
    this.#options = resolveTokenOptions(options, defaultShards(connection));
    this.#store = new Store(connection, this.#options.timeout);
    this.#repository = new RedisTokenRepository(this.#store, this.#options, true);
    this.#standing = new Deployment(this.#store, new Keys(this.#options.prefix), this.#options, {
      founds: false,
    });
    this.#old = new OldStore(from, this.#options.timeout);
  }

  /** @throws {StoreUnavailableError} {ConfigError} What was moved until then stays moved: it can be run again. */
  async run(options: MoveOptions = {}): Promise<MoveSummary> {
    const { dryRun = false, signal, onProgress } = options;
    const begun = performance.now();
    const clock = dryRun ? this.#standing : this.#repository;
    const mover = new Mover(this.#repository, { ...this.#options, duration: options.duration }, clock);
    const done: Moves = { found: 0, moved: 0, present: 0, removed: 0, leftBehind: {} };
    await this.#old.ready(); // first: called to the wrong place, nothing is founded
    await clock.ready();
    const size = await this.#old.size();
    let complete = !signal?.aborted;
    for await (const { keys, looked } of this.#old.names()) {
      if (signal?.aborted) {
        complete = false;
        break;
      }
      if (!clock.isReady) await clock.ready(); // after a connection that was lost
      await this.#step(keys, mover, options, done);
      onProgress?.(done, Math.min(looked, size), size);
    }
    return { complete, dryRun, ...done, milliseconds: Math.round(performance.now() - begun) };
  }

  async close(): Promise<void> {
    this.#standing.leave();
    await this.#repository.close();
    await this.#old.close();
  }

  async #step(
    keys: readonly string[],
    mover: Mover,
    { dryRun, remove }: MoveOptions,
    done: Moves,
  ): Promise<void> {
    const entries = await this.#old.read(keys);
    const outcomes = await Promise.all(
      entries.map((entry) => (dryRun ? mover.foresee(entry) : mover.move(entry))),
    );
    done.found += keys.length;
    for (const outcome of outcomes) count(done, outcome);
    if (!remove || dryRun) return;
    const there = entries.filter((_, i) => outcomes[i] === 'moved' || outcomes[i] === 'present');
    const removals = await this.#old.remove(there as OldEntry[]);
    done.removed += removals.filter((removal) => removal === 'removed').length;
  }
}

function count(done: Moves, outcome: Outcome): void {
  if (outcome === 'moved' || outcome === 'present') done[outcome]++;
  else done.leftBehind[outcome] = (done.leftBehind[outcome] ?? 0) + 1;
}
