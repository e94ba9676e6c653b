// Commands without end, and workers that die, freeze and wake in the midst of them: then everything is counted.
import { setTimeout as wait } from 'node:timers/promises';
import { assert } from 'chai';
import type { Redis } from 'ioredis';
import { TokenProducer } from '../../../src/index.js';
import { killPrograms, type Program } from '../../acceptance/processes.js';
import { AGAIN, Chance } from '../../support/chance.js';
import { eventually } from '../../support/eventually.js';
import { openPlain } from '../../support/plain-client.js';
import { freshPrefix, sharedRedis } from '../../support/redis.js';
import { Build, Crew } from './crew.js';
import { Hurry } from './hurry.js';
import { type Answer, ask, type Entry, Ledger } from './ledger.js';
import { Load } from './load.js';
import { countDying, inParts, jobsLeft, PARTITIONS, readStored, SHARDS } from './stored.js';
import { type HeldJob, UnderWay } from './under-way.js';
import { Verdict } from './verdict.js';

const WORKERS = 3;

/** Milliseconds after which nothing is left of what was decided for an acknowledged job. */
const FORGOTTEN = 61_000;

/** Milliseconds that an attempt may change something for. */
const LEASE = 30_000;

/** Jobs that wait before a blow: enough for every worker. */
const CROWD = 120;

/** Jobs of which a worker has decided nothing when it is frozen: at least. */
const UNDECIDED = 6;

/** Jobs that kills hit between their effect and their acknowledgement: at least. */
const HALF_DONE = 3;

/** How long a frozen worker stays so: until its jobs were done by others, and what was decided for them has gone. */
type Freeze = 'past the lease' | 'until its jobs are over' | 'until they are forgotten';

interface Frozen {
  worker: Program;
  /** Its jobs of which nothing was decided when it froze. */
  jobs: HeldJob[];
  /** How many of them others had done when it woke. */
  taken: Promise<number>;
}

export interface Plan {
  commands: number;
  kills: number;
  /** Each at which of the kills it begins. */
  freezes: { at: number; how: Freeze }[];
  /** Milliseconds between two kills, at most. */
  pause: number;
  /** Whether some tokens expire, which a sweep then has to end. */
  shortLives: boolean;
  /** Whether the holds of dead workers end at once, in place of half a minute later. */
  hurried: boolean;
}

export interface Outcome {
  verdict: Verdict;
  commands: number;
  kills: number;
  /** Jobs that were hit between their effect and their acknowledgement. */
  halfDone: number;
  /** Frozen workers' jobs of which nothing was decided, and how many others had done when their worker woke. */
  freezes: { jobs: number; taken: number }[];
  figures: string;
}

/** What every campaign must show. */
export function checkOutcome({ figures, verdict, commands, kills, halfDone }: Outcome, plan: Plan): void {
  console.log(`      ${figures}`);
  if (verdict.contradictions.length > 0) assert.fail(verdict.report(5));
  assert.isAtLeast(commands, plan.commands);
  assert.isAtLeast(kills, plan.kills);
  assert.isAbove(halfDone, 0, 'jobs that were hit between their effect and their acknowledgement');
}

/** Runs a plan from its first command to the verdict. @param url of the Redis; by default that of all tests. */
export async function runCampaign(plan: Plan, url?: string): Promise<Outcome> {
  const campaign = new Campaign(plan, url ?? (await sharedRedis()).url);
  try {
    return await campaign.run();
  } finally {
    await campaign.close();
  }
}

class Campaign {
  readonly #plan: Plan;
  readonly #url: string;
  readonly #prefix = freshPrefix();
  readonly #chance = new Chance('blows');
  readonly #ledger = new Ledger();
  readonly #build = new Build();
  readonly #crew: Crew;
  readonly #redis: Redis;
  readonly #listener: Redis;
  readonly #underWay: UnderWay;
  readonly #producers: readonly [TokenProducer, TokenProducer];
  readonly #frozen: Frozen[] = [];
  /** Of each kill, the jobs of which something was decided. */
  readonly #left: Promise<HeldJob[]>[] = [];
  #kills = 0;
  #isOver = false;

  constructor(plan: Plan, url: string) {
    this.#plan = plan;
    this.#url = url;
    const env = {
      REDIS_URL: url,
      REDIS_TOKENS_PREFIX: this.#prefix,
      REDIS_TOKENS_SHARDS: String(SHARDS),
      REDIS_TOKENS_PARTITIONS: String(PARTITIONS),
    };
    this.#crew = new Crew(this.#build.command, env);
    this.#redis = openPlain(url, { maxRetriesPerRequest: null });
    this.#listener = openPlain(url, { maxRetriesPerRequest: null });
    this.#underWay = new UnderWay(this.#redis, this.#prefix);
    this.#producers = [this.#producer(), this.#producer()];
  }

  async run(): Promise<Outcome> {
    console.log(`      ${AGAIN} KILL_COMMANDS=${this.#plan.commands}`);
    await this.#build.make();
    this.#listener.on('pmessage', (_pattern, _channel, message) => {
      const { jobId, results } = JSON.parse(message);
      this.#ledger.hear(jobId, results);
    });
    await this.#listener.psubscribe(`${this.#prefix}:results:*`);
    await Promise.all(this.#producers.map((producer) => producer.ready()));
    await this.#crew.start(WORKERS);
    const hurry = this.#plan.hurried ? new Hurry(this.#redis, this.#prefix, this.#underWay) : undefined;
    try {
      await hurry?.start();
      const load = new Load(this.#ledger, this.#producers, this.#plan);
      const told = load.run();
      told.catch(() => {}); // met below
      await Promise.race([this.#strike(load), told.then(() => new Promise<never>(() => {}))]);
      load.allow(Number.POSITIVE_INFINITY);
      const taken = await Promise.all(this.#frozen.map((one) => one.taken));
      await told;
      await eventually(
        'no job is left',
        async () => (await jobsLeft(this.#redis, this.#prefix)).length === 0,
      ).catch(
        () => {}, // the verdict tells which
      );
      await eventually(
        'every short life is over',
        async () => (await countDying(this.#redis, this.#prefix)) === 0,
        15_000,
      ).catch(() => {});
      return await this.#judge(taken);
    } finally {
      await hurry?.stop();
    }
  }

  async close(): Promise<void> {
    this.#isOver = true;
    killPrograms();
    await Promise.all(this.#producers.map((producer) => producer.close()));
    const keys = await this.#redis.keys(`{${this.#prefix}*`);
    for (let i = 0; i < keys.length; i += 1_000) await this.#redis.del(...keys.slice(i, i + 1_000));
    await Promise.all([this.#redis.quit(), this.#listener.quit()]);
    this.#build.remove();
  }

  /** Each blow falls into a part of the load, at a moment that only chance knows. */
  async #strike(load: Load): Promise<void> {
    const { commands, kills, freezes, pause } = this.#plan;
    const share = Math.floor(commands / (kills + freezes.length + 1));
    const replaced: Promise<void>[] = [];
    const due = [...freezes];
    while (!this.#isOver && (this.#kills < kills || due.length > 0 || (await this.#killedTooEarly()))) {
      if (this.#kills >= kills) load.repeat(share);
      await wait(this.#chance.int(0, pause)); // some find jobs of dead workers that are run again
      const before = await this.#underWay.held();
      const sent = load.sent;
      load.allow(share);
      await Promise.race([load.reached(sent + Math.floor(share * this.#chance.next() * 0.6)), wait(3_000)]);
      const freeze = due[0] && due[0].at <= this.#kills ? due[0] : undefined;
      // As a rule while many jobs are under way, which a worker that is never late hardly has.
      if (freeze || this.#chance.is(0.8)) await this.#crew.holdUp(() => this.#underWay.crowded(CROWD));
      await wait(this.#chance.int(0, 40));
      if (freeze) {
        if (await this.#freeze(freeze.how, before)) due.shift();
        else load.repeat(share);
      } else {
        const victim = this.#chance.pick(this.#crew.awake);
        if (this.#chance.is(0.6)) await this.#crew.killAt(victim, () => this.#someAreDecided(before));
        else await this.#crew.kill(victim);
        this.#kills++;
        this.#left.push(this.#underWay.leftBehind(before).then((jobs) => this.#underWay.decided(jobs)));
        const replacing = this.#crew.replace();
        replaced.push(replacing);
        if (this.#crew.awake.length < 2 || this.#chance.is(0.7)) await replacing;
      }
    }
    await Promise.all(replaced);
  }

  /** Whether some jobs are under way of which something was decided already. */
  async #someAreDecided(before: readonly HeldJob[]): Promise<boolean> {
    const known = new Set(before.map(({ lock }) => lock));
    const jobs = (await this.#underWay.held()).filter(({ lock }) => !known.has(lock));
    return (await this.#underWay.decided(jobs)).length > 0;
  }

  /** Whether the kills so far have hardly hit a job between its effect and its acknowledgement. */
  async #killedTooEarly(): Promise<boolean> {
    return (await this.#halfDone()) < HALF_DONE && this.#kills < 3 * this.#plan.kills;
  }

  async #halfDone(): Promise<number> {
    return (await Promise.all(this.#left)).reduce((sum, jobs) => sum + jobs.length, 0);
  }

  /** False where the worker had too little in its hands of which it could make too much when it wakes: it goes on. */
  async #freeze(how: Freeze, before: readonly HeldJob[]): Promise<boolean> {
    const worker = this.#chance.pick(this.#crew.awake);
    this.#crew.freeze(worker);
    const left = await this.#underWay.leftBehind(before);
    const jobs = await this.#underWay.undecided(left);
    if (jobs.length < UNDECIDED) {
      this.#crew.wake(worker);
      return false;
    }
    const taken = this.#wakeLater(worker, how, jobs, this.#chance.int(0, 3_000));
    taken.catch(() => {}); // met in run
    this.#frozen.push({ worker, jobs, taken });
    await this.#crew.replace(); // so that the others are never few
    return true;
  }

  async #wakeLater(worker: Program, how: Freeze, jobs: HeldJob[], later: number): Promise<number> {
    if (how === 'past the lease') {
      await wait(LEASE - 1_000); // with the second that it was looked at: others are about to find its jobs
    } else {
      const over = async () => (await this.#underWay.over(jobs)) === jobs.length;
      while (!(await over())) await wait(250);
      if (how === 'until they are forgotten') await wait(FORGOTTEN);
    }
    await wait(later);
    const taken = await this.#underWay.over(jobs);
    this.#crew.wake(worker);
    return taken;
  }

  async #judge(taken: number[]): Promise<Outcome> {
    const elsewhere = new Map<Entry, Answer>();
    const other = this.#producer();
    try {
      await inParts(this.#ledger.entries, async (entry) => {
        elsewhere.set(entry, await ask(other, entry, 10_000));
      });
    } finally {
      await other.close();
    }
    const stored = await readStored(this.#redis, this.#url, this.#prefix, this.#ledger);
    const verdict = new Verdict(this.#ledger, stored, elsewhere);
    await this.#crew.dismiss();
    const freezes = this.#frozen.map(({ jobs }, i) => ({ jobs: jobs.length, taken: taken[i] as number }));
    const commands = this.#ledger.entries.length;
    const halfDone = await this.#halfDone();
    return {
      halfDone,
      verdict,
      commands,
      kills: this.#kills,
      freezes,
      figures: [
        `${commands} commands in ${stored.jobs.size} jobs on ${this.#ledger.tokens.size} tokens`,
        `${stored.events.length} events`,
        `${this.#kills} kills`,
        `${verdict.restarted} jobs begun again`,
        `${halfDone} of them killed between effect and acknowledgement`,
        ...freezes.map(
          ({ jobs, taken: done }) => `frozen with ${jobs} jobs, ${done} of them done when it woke`,
        ),
        `${this.#ledger.time} ms`,
      ].join(', '),
    };
  }

  #producer(): TokenProducer {
    return new TokenProducer(this.#url, { prefix: this.#prefix, shards: SHARDS, partitions: PARTITIONS });
  }
}
