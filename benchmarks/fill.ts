// Tokens to measure with, by the subject's own create, or as clones of one that it made.
import type { Redis } from 'ioredis';
import { times } from './load.js';
import { ownerOf } from './payload.js';
import type { Subject } from './peers/subject.js';

const IN_FLIGHT = 512;

/** As many as one script makes: Redis answers nobody meanwhile. */
const CLONES_PER_SCRIPT = 10_000;

/** Tokens made by create: what they are read by. */
export const fill = (subject: Subject, count: number, tokensPerOwner?: number): Promise<string[]> =>
  times(count, IN_FLIGHT, (index) => subject.create(ownerOf(index, tokensPerOwner)));

/** A subject's tokens, which grow in number. */
export class Population {
  readonly #subject: Subject;
  readonly #redis: Redis;
  #original: string | undefined;
  readonly tokens: string[] = [];

  /** @param redis a client of our own, which is set to the subject's database while it clones. */
  constructor(subject: Subject, redis: Redis) {
    this.#subject = subject;
    this.#redis = redis;
  }

  async growTo(count: number): Promise<void> {
    const { cloning, database } = this.#subject;
    if (!cloning) {
      const more = await times(count - this.tokens.length, IN_FLIGHT, (index) =>
        this.#subject.create(ownerOf(this.tokens.length + index)),
      );
      this.tokens.push(...more);
      return;
    }
    this.#original ??= await this.#subject.create(ownerOf(0));
    await this.#redis.select(database);
    while (this.tokens.length < count) {
      const from = this.tokens.length;
      const to = Math.min(from + CLONES_PER_SCRIPT, count);
      await this.#redis.eval(cloning.script, 0, from, to - 1, this.#original);
      for (let index = from; index < to; index += 1) this.tokens.push(cloning.tokenOf(this.#original, index));
    }
    await this.#redis.select(0);
  }
}
