// Users of servers of which some come and go: each makes a token, uses it through both doors and revokes it, and what they were told is held against what is.
import { setTimeout as wait } from 'node:timers/promises';
import {
  NotReplicatedError,
  RedisTokens,
  ResultTimeoutError,
  StoreUnavailableError,
  type TokenOptions,
  TokenProducer,
  TokenSubscriber,
  TokenWorker,
} from '../../src/index.js';
import { Chance } from '../support/chance.js';
import type { Opened } from '../support/opened.js';

export const SCOPE = { app: 'shop', type: 'session' };
const USERS = 16;

/** Reads at once, of tokens made lately, and milliseconds between two such crowds. */
const CROWD = 200;
const CROWD_PAUSE = 20;

/** Errors that say that nobody knows, or that it may be lost. */
const TOLD = [StoreUnavailableError, ResultTimeoutError, NotReplicatedError];

type Told = 'done' | 'unsure' | 'not';

/** A token, and what its user was told. */
interface Life {
  id: string;
  token: string;
  owner: string;
  /** Updates that were answered as made, and such that may have been. */
  updated: number;
  perhapsUpdated: number;
  revoked: Told;
  /** By the monotonic clock: when it was last told that something of it changed. */
  changedAt: number;
}

export interface Figures {
  created: number;
  updated: number;
  revoked: number;
  /** Reads that were answered. */
  read: number;
  /** Calls that were answered with an error that says so, by their code. */
  failed: Record<string, number>;
  /** The longest time for which no call of either door was answered, in milliseconds. */
  longestSilence: number;
}

export class Load {
  readonly tokens: RedisTokens;
  readonly producer: TokenProducer;
  readonly figures: Figures = { created: 0, updated: 0, revoked: 0, read: 0, failed: {}, longestSilence: 0 };
  /** What contradicts an answer, with when that was given. */
  readonly contradictions: { what: string; at: number }[] = [];
  readonly heard = new Map<string, number>();
  readonly lost: unknown[] = [];
  readonly lives: Life[] = [];
  readonly #subscriber: TokenSubscriber;
  readonly #workers: TokenWorker[];
  readonly #chance = new Chance('users');
  #answeredAt = performance.now();
  #ending = false;
  #users: Promise<void>[] = [];

  constructor(opened: Opened, connection: string, options: TokenOptions) {
    const { prefix } = options;
    this.tokens = opened.add(new RedisTokens(connection, options));
    this.producer = opened.add(new TokenProducer(connection, options));
    this.#workers = [1, 2].map(() => opened.add(new TokenWorker({ connection, ...options })));
    this.#subscriber = opened.add(new TokenSubscriber(connection, { prefix }));
    this.#subscriber.on('token-revoked', ({ subject }) => {
      this.heard.set(subject, (this.heard.get(subject) ?? 0) + 1);
    });
    this.#subscriber.on('events-lost', (lost) => this.lost.push(lost));
  }

  async start(): Promise<void> {
    await Promise.all([...this.#workers.map((worker) => worker.start()), this.#subscriber.start()]);
    this.#answeredAt = performance.now();
    this.#users = [...Array.from({ length: USERS }, (_, user) => this.#user(user)), this.#crowd()];
  }

  /** Resolves when every user has come to an end. */
  async end(): Promise<void> {
    this.#ending = true;
    await Promise.all(this.#users);
  }

  /** Now that all is well: what was told, and what is. */
  async check(): Promise<void> {
    for (const life of this.lives) {
      const found = await this.tokens.get({ ...SCOPE, token: life.token });
      this.#holdAgainst(life, found?.version, 'in the end');
    }
  }

  async #user(user: number): Promise<void> {
    while (!this.#ending) {
      const life = await this.#create(`user-${user}-${this.lives.length}`);
      if (!life) continue;
      for (let steps = this.#chance.int(1, 6); steps > 0 && !this.#ending; steps--) {
        if (this.#chance.is(0.3)) await this.#update(life);
        else await this.#read(life);
      }
      if (this.#chance.is(0.7)) await this.#revoke(life);
      await this.#read(life);
    }
  }

  /** Many reads at once, which are gathered. */
  async #crowd(): Promise<void> {
    while (!this.#ending) {
      const lives = Array.from({ length: CROWD }, () => this.lives.at(-this.#chance.int(1, CROWD))).flatMap(
        (life) => life ?? [],
      );
      await Promise.all(lives.map((life) => this.#read(life, this.tokens)));
      await wait(CROWD_PAUSE);
    }
  }

  async #create(owner: string): Promise<Life | undefined> {
    const door = this.#door();
    const made = await this.#call(() => door.create({ ...SCOPE, owner, data: {}, duration: 3_600 }));
    if (!made) return undefined;
    const { id, token } = made.value;
    const life = {
      id,
      token,
      owner,
      updated: 0,
      perhapsUpdated: 0,
      revoked: 'not',
      changedAt: made.at,
    } as Life;
    this.lives.push(life);
    this.figures.created++;
    return life;
  }

  async #update(life: Life): Promise<void> {
    const door = this.#door();
    life.perhapsUpdated++;
    const made = await this.#call(() =>
      door.update({ ...SCOPE, token: life.token, data: { n: life.updated } }),
    );
    if (!made) return;
    this.figures.updated++;
    life.updated++;
    life.perhapsUpdated--;
    life.changedAt = made.at;
    this.#holdAgainst(life, made.value?.version, 'by an update');
  }

  async #revoke(life: Life): Promise<void> {
    const door = this.#door();
    life.revoked = 'unsure';
    const made = await this.#call<number | boolean>(() =>
      this.#chance.is(0.7)
        ? door.delete({ ...SCOPE, token: life.token })
        : door.deleteAll({ ...SCOPE, owner: life.owner }),
    );
    if (!made) return;
    if (!made.value) this.#contradict(life, 'was not alive when it was revoked');
    life.revoked = 'done';
    life.changedAt = made.at;
    this.figures.revoked++;
  }

  async #read(life: Life, door: RedisTokens | TokenProducer = this.#readingDoor()): Promise<void> {
    const before = { ...life };
    const made = await this.#call(() => door.get({ ...SCOPE, token: life.token }));
    if (!made) return;
    this.figures.read++;
    // What others were answered meanwhile may have come before or after this.
    if (before.revoked === life.revoked && before.updated === life.updated)
      this.#holdAgainst(life, made.value?.version, 'by a get');
  }

  /** Whether what was found can be, after all that was told. */
  #holdAgainst(life: Life, version: number | undefined, how: string): void {
    if (version === undefined) {
      if (life.revoked === 'not') this.#contradict(life, `is gone, ${how}`);
      return;
    }
    if (life.revoked === 'done') this.#contradict(life, `was revoked, and lives, ${how}`);
    const least = 1 + life.updated;
    if (version < least) this.#contradict(life, `has version ${version} of at least ${least}, ${how}`);
    if (version > least + life.perhapsUpdated)
      this.#contradict(life, `has version ${version} of ${least} and ${life.perhapsUpdated} more, ${how}`);
  }

  #contradict({ id, changedAt }: Life, what: string): void {
    this.contradictions.push({ what: `${id} ${what}`, at: changedAt });
  }

  #readingDoor(): RedisTokens | TokenProducer {
    return this.#chance.is(0.9) ? this.tokens : this.producer;
  }

  #door(): RedisTokens | TokenProducer {
    return this.#chance.is(0.5) ? this.tokens : this.producer;
  }

  async #call<T>(call: () => Promise<T>): Promise<{ value: T; at: number } | undefined> {
    try {
      const value = await call();
      const at = performance.now();
      this.figures.longestSilence = Math.max(this.figures.longestSilence, at - this.#answeredAt);
      this.#answeredAt = at;
      return { value, at };
    } catch (error) {
      const isTold = TOLD.some((kind) => error instanceof kind);
      if (!isTold) this.contradictions.push({ what: String(error), at: performance.now() });
      const { code = 'none', outcome = '' } = error as { code?: string; outcome?: string };
      const name = `${code} ${outcome}`.trim();
      this.figures.failed[name] = (this.figures.failed[name] ?? 0) + 1;
      await wait(20);
      return undefined;
    }
  }
}
