// How much is sent, and when: many stories side by side, as long as there are commands to send.
import { setImmediate as turn } from 'node:timers/promises';
import type { Operation, Operations, TokenProducer } from '../../../src/index.js';
import type { Answer, Entry, Ledger, Meaning } from './ledger.js';
import { type Sender, Story } from './stories.js';

/** Stories told at a time, without those that wait for a worker that is gone. */
const AT_ONCE = 300;

/** Milliseconds after which an answer is late: the job's worker was killed or frozen. */
const LATE = 1_000;

/** What is still allowed to be sent. */
class Quota {
  #left = 0;
  readonly #waiting: (() => void)[] = [];

  allow(count: number): void {
    this.#left += count;
    while (this.#left > 0 && this.#waiting.length > 0) {
      this.#left--;
      this.#waiting.shift()?.();
    }
  }

  async take(): Promise<void> {
    if (this.#left > 0 && this.#waiting.length === 0) this.#left--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

export class Load implements Sender {
  readonly #ledger: Ledger;
  readonly #producers: readonly [TokenProducer, TokenProducer];
  #total: number;
  readonly #shortLives: boolean;
  readonly #quota = new Quota();
  readonly #stories = new Set<Promise<void>>();
  #late = 0;
  #watchers: { count: number; reached: () => void }[] = [];

  constructor(
    ledger: Ledger,
    producers: readonly [TokenProducer, TokenProducer],
    plan: { commands: number; shortLives: boolean },
  ) {
    this.#ledger = ledger;
    this.#producers = producers;
    this.#total = plan.commands;
    this.#shortLives = plan.shortLives;
  }

  /** Commands that were sent. */
  get sent(): number {
    return this.#ledger.entries.length;
  }

  /** Begins stories as long as there are commands to send, and resolves when all of them are over. */
  async run(): Promise<void> {
    for (let number = 0; this.sent < this.#total; number++) {
      await this.#quota.take();
      this.#quota.allow(1); // the story's own commands count
      const story = new Story(number, this, this.#ledger, this.#producers).tell(this.#shortLives);
      this.#stories.add(story);
      void story.finally(() => this.#stories.delete(story)).catch(() => {});
      do await turn();
      while (this.#stories.size - this.#late >= AT_ONCE && this.sent < this.#total);
    }
    await Promise.all(this.#stories);
  }

  allow(count: number): void {
    this.#quota.allow(count);
  }

  /** Lets as many be sent again, beyond what was planned. */
  repeat(count: number): void {
    this.#total += count;
  }

  /** Resolves once so many commands were sent. */
  reached(count: number): Promise<void> {
    if (this.sent >= count) return Promise.resolve();
    return new Promise((reached) => this.#watchers.push({ count, reached }));
  }

  async send<O extends Operation>(
    producers: readonly TokenProducer[],
    op: O,
    input: Operations[O]['input'],
    meaning: Meaning,
    commandId?: string,
  ): Promise<Entry<O>> {
    const entry = await this.#ledger.send(producers, op, input, meaning, commandId);
    this.#watchers = this.#watchers.filter(({ count, reached }) => {
      if (this.sent >= count) reached();
      return this.sent < count;
    });
    return entry;
  }

  async take(): Promise<void> {
    await this.#quota.take();
  }

  async answerOf(producer: TokenProducer, entry: Entry): Promise<Answer> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#late++;
    }, LATE);
    try {
      return await this.#ledger.answerOf(producer, entry);
    } finally {
      clearTimeout(timer);
      if (isLate) this.#late--;
    }
  }
}
