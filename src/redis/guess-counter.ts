/** Counts misses by client, for all processes together: gathered here, and sent now and then, so that no read waits for it. */
import type { KeyObject } from 'node:crypto';
import { MICROS_PER_MS } from '../tokens/clock.js';
import { GUESSING_SUSPECTED, type GuessingRule, guessingSuspected, type Miss } from '../tokens/guessing.js';
import { tokenId } from '../tokens/identity.js';
import type { ResolvedTokenOptions } from '../tokens/options.js';
import { primaryOf } from './cluster.js';
import { isCluster, type RedisClient } from './connection.js';
import type { Deployment } from './deployment.js';
import type { Keys } from './keys.js';
import type { Store } from './store.js';

/** Milliseconds for which misses are gathered. */
const EVERY = 100;

/** Clients whose misses are sent together, which takes Redis about a millisecond, and that are waited with at most. */
const CLIENTS_AT_ONCE = 500;

/** A client, and how often it missed since it was last counted. */
interface Gathered extends Miss {
  misses: number;
}

export class GuessCounter {
  readonly #store: Store;
  readonly #keys: Keys;
  readonly #deployment: Deployment;
  readonly #rule: GuessingRule;
  readonly #pepper: KeyObject | undefined;
  /** By scope and client. */
  #gathered = new Map<string, Gathered>();
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;

  constructor(
    store: Store,
    keys: Keys,
    deployment: Deployment,
    rule: GuessingRule,
    { peppers }: Pick<ResolvedTokenOptions, 'peppers'>,
  ) {
    this.#store = store;
    this.#keys = keys;
    this.#deployment = deployment;
    this.#rule = rule;
    this.#pepper = peppers[0]?.key;
  }

  /** While others are sent, and as many wait as may, the misses of further clients are not counted. */
  add({ app, type, client }: Miss): void {
    const name = `${app}\0${type}\0${client}`;
    const known = this.#gathered.get(name);
    if (known) known.misses++;
    else if (this.#gathered.size < CLIENTS_AT_ONCE)
      this.#gathered.set(name, { app, type, client, misses: 1 });
    this.#plan();
  }

  /** Resolves when what was gathered is counted, or can not be. */
  async close(): Promise<void> {
    while (this.#gathered.size > 0 || this.#sending) {
      this.#flush();
      await this.#sending;
    }
  }

  #plan(): void {
    if (this.#sending || this.#gathered.size === 0) return; // its end plans again
    if (this.#gathered.size >= CLIENTS_AT_ONCE) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), EVERY).unref();
  }

  #flush(): void {
    if (this.#sending) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const all = [...this.#gathered.values()];
    this.#gathered = new Map();
    // What can not be counted is not: Redis is away, full, or refuses this user. Reads tell of that.
    this.#sending = this.#count(all)
      .catch(() => {})
      .finally(() => {
        this.#sending = undefined;
        this.#plan();
      });
  }

  async #count(all: readonly Gathered[]): Promise<void> {
    const { misses, window } = this.#rule;
    const byDigest = new Map(all.map((gathered) => [this.#digest(gathered), gathered]));
    const counts = [...byDigest].flatMap(([digest, gathered]) => [digest, gathered.misses]);
    if (!this.#deployment.isReady) await this.#deployment.ready();
    const reply = await this.#store.change('guesses', [this.#keys.guesses()], [window, misses, ...counts]);
    const guessers = reply as (string | number)[];
    const told = [];
    for (let i = 0; i < guessers.length; i += 2) {
      const gathered = byDigest.get(guessers[i] as string);
      if (gathered) told.push(this.#tell(gathered, Number(guessers[i + 1])));
    }
    await Promise.all(told);
  }

  /** A client's name may be personal data: Redis keeps this of it. No secret has NUL in it, so that none has this id. */
  #digest({ app, type, client }: Miss): string {
    return tokenId(app, type, `\0${client}`, this.#pepper);
  }

  /** Where the reply is lost it may be told twice, with the same id. */
  async #tell(miss: Miss, misses: number): Promise<void> {
    const now = Math.floor(this.#deployment.reckoned() / MICROS_PER_MS);
    const event = guessingSuspected(miss, misses, this.#rule.window, now);
    const channel = this.#keys.events(GUESSING_SUSPECTED, miss.app, miss.type);
    await this.#store.read((client) => this.#teller(client).publish(channel, JSON.stringify(event)));
  }

  /** On a Cluster one and the same node, so that they are heard in the order in which they are told. */
  #teller(client: RedisClient): RedisClient {
    return (isCluster(client) && primaryOf(client, this.#keys.guesses())) || client;
  }
}
