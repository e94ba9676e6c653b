// Commands of foreign senders on both lanes, delivered in whatever order and as often as a test likes.
import type { Queue } from 'bullmq';
import { assert } from 'chai';
import { RedisTokens, StoreUnavailableError } from '../../src/index.js';
import { CommandExecutor, executorRules } from '../../src/queue/executor.js';
import { LANES, type Lane, laneOf } from '../../src/queue/lanes.js';
import type { CommandResult, JobResult, WireCommand } from '../../src/queue/wire.js';
import { shardOf } from '../../src/tokens/identity.js';
import { Stage } from '../queue/stage.js';
import { Chance } from '../support/chance.js';
import { eventually } from '../support/eventually.js';
import { onCluster } from '../support/redis.js';

const WORKERS = 3;
const SHARDS = 4;
const ATTEMPTS = { attempts: 8, backoff: { type: 'fixed', delay: 1 } };

/** What may befall one attempt at a job. */
const TROUBLES = ['fails before', 'fails after', 'runs twice', 'none'] as const;
type Trouble = (typeof TROUBLES)[number];

/** Which lane comes first. Held: they run at once, but some jobs of one are held until all of the other are done. */
export const ORDERS = ['commands first', 'revocations first', 'commands held', 'revocations held'] as const;
export type Order = (typeof ORDERS)[number];

type Execute = CommandExecutor['execute'];

export class Race {
  readonly stage = new Stage();
  readonly chance = Chance.ofEachTest();
  /** How often each thing happened: a race in which it did not was none. */
  readonly happened = new Map<string, number>();
  readonly #troubles = new Map<string, Trouble[]>();
  readonly #held = new Map<string, Promise<void>>();
  /** Every final result, by the id of its command. */
  readonly #results = new Map<string, CommandResult[]>();
  #tokens: RedisTokens | undefined;
  #queues: Record<Lane, Queue> | undefined;
  readonly #contradictions: string[] = [];
  #sent = 0;

  constructor() {
    beforeEach(async () => {
      for (const map of [this.happened, this.#troubles, this.#held, this.#results]) map.clear();
      await this.#open();
    });
  }

  /** In process, on as many shards as the workers. */
  get tokens(): RedisTokens {
    return this.#tokens as RedisTokens;
  }

  shardOf(id: string): number {
    return shardOf(id, SHARDS);
  }

  count(what: string): void {
    this.happened.set(what, (this.happened.get(what) ?? 0) + 1);
  }

  /** Has commands delivered, each once a job and each job in some trouble or none, and waits for all results. */
  async deliver(commands: readonly WireCommand[], order: Order): Promise<void> {
    const queues = this.#queues as Record<Lane, Queue>;
    const batches = { commands: [], revocations: [] } as Record<Lane, WireCommand[][]>;
    for (const lane of LANES) {
      await queues[lane].pause();
      const left = commands.filter(({ op }) => laneOf(op) === lane);
      while (left.length > 0)
        batches[lane].push(left.splice(0, this.chance.is(0.5) ? 1 : this.chance.int(2, 12)));
    }
    const [first, second]: [Lane, Lane] =
      order === 'commands first' || order === 'revocations held'
        ? ['commands', 'revocations']
        : ['revocations', 'commands'];
    const atOnce = order.endsWith('held');
    let release = () => {};
    const held = atOnce ? new Promise<void>((resolve) => (release = resolve)) : undefined;
    await this.#add(first, batches, undefined);
    await this.#add(second, batches, held);
    if (atOnce) await queues[second].resume();
    await queues[first].resume();
    await this.#settled(batches[first]);
    release();
    await queues[second].resume();
    await this.#settled(batches[second]);
  }

  /** The one result of each command, in their order. */
  async results(commands: readonly WireCommand[]): Promise<CommandResult[]> {
    const queues = this.#queues as Record<Lane, Queue>;
    assert.deepEqual(this.#contradictions.splice(0), [], 'what was decided is answered again');
    const kept = new Map<string, CommandResult>();
    for (const lane of LANES) {
      const counts = await queues[lane].getJobCounts('wait', 'active', 'delayed', 'failed');
      assert.deepEqual(counts, { wait: 0, active: 0, delayed: 0, failed: 0 }, `left on ${lane}`);
      for (const { returnvalue } of await queues[lane].getCompleted()) {
        for (const result of (returnvalue as JobResult).results) {
          assert.isFalse(kept.has(result.commandId), 'a result is kept once');
          kept.set(result.commandId, result);
        }
      }
    }
    return commands.map(({ commandId }) => {
      const told = this.#results.get(commandId) ?? [];
      assert.lengthOf(told, 1, `results of ${commandId}`);
      assert.deepEqual(told[0], kept.get(commandId), 'what was published was kept');
      return told[0] as CommandResult;
    });
  }

  /** The ids of all records, and of all members of either index. */
  async stored(): Promise<Record<'records' | 'ofOwners' | 'ofScopes', string[]>> {
    const found = { records: [] as string[], ofOwners: [] as string[], ofScopes: [] as string[] };
    const { redis, prefix } = this.stage;
    const members = async (key: string) =>
      (await redis.zrange(key, '0', '-1')).map((one) => one.slice(0, 22));
    for (const key of await redis.keys(`{${prefix}:*`)) {
      const name = key.slice(key.indexOf('}:') + 2);
      if (name.startsWith('t:')) {
        const isRotated = (await redis.get(key))?.startsWith('[0,'); // what is left of it is no record
        if (!isRotated) found.records.push(name.slice(2));
      } else if (name.startsWith('o:')) found.ofOwners.push(...(await members(key)));
      else if (name.startsWith('s:')) found.ofScopes.push(...(await members(key)));
    }
    return found;
  }

  async #open(): Promise<void> {
    const { stage } = this;
    const options = { prefix: stage.prefix, shards: SHARDS };
    this.#tokens = stage.opened.add(
      new RedisTokens(stage.url, { ...options, ...(onCluster ? {} : { cache: {} }) }),
    );
    this.#queues = { commands: stage.queue('commands'), revocations: stage.queue('revocations') };
    const listener = stage.client();
    listener.on('message', (_: string, text: string) => {
      for (const result of (JSON.parse(text) as JobResult).results) {
        const told = this.#results.get(result.commandId) ?? [];
        this.#results.set(result.commandId, [...told, result]);
      }
    });
    await listener.subscribe(`${stage.prefix}:results:race`);
    await this.tokens.ready();
    for (let i = 0; i < WORKERS; i++) {
      const executor = new CommandExecutor(stage.repository({ shards: SHARDS }), executorRules(options));
      const execute: Execute = (job, ...rest) => this.#attempt(job, () => executor.execute(job, ...rest));
      const troubled = new Proxy(executor, {
        get(target, name) {
          if (name === 'execute') return execute;
          const value = Reflect.get(target, name);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
      await stage.startWorker({ shards: SHARDS, concurrency: 8, executor: troubled });
    }
  }

  async #add(lane: Lane, batches: Record<Lane, WireCommand[][]>, held: Promise<void> | undefined) {
    const jobs = batches[lane].map((commands) => {
      const jobId = `race-${this.#sent++}`;
      const troubles = Array.from({ length: this.chance.int(0, 3) }, () => this.chance.pick(TROUBLES));
      this.#troubles.set(jobId, troubles);
      // Most of them: one that is frozen after its change, or is not held, may come first all the same.
      if (held && this.chance.is(0.8)) this.#held.set(jobId, held);
      const data = { v: 1, replyTo: `${this.stage.prefix}:results:race`, commands };
      return { name: commands.length > 1 ? 'batch' : 'command', data, opts: { jobId, ...ATTEMPTS } };
    });
    await (this.#queues as Record<Lane, Queue>)[lane].addBulk(jobs);
  }

  /** One attempt: it may be held, may fail without need, and may be run by a second worker all over again. */
  async #attempt(job: Parameters<Execute>[0], run: () => ReturnType<Execute>): ReturnType<Execute> {
    const trouble = this.#troubles.get(job.id)?.shift() ?? 'none';
    const held = this.#held.get(job.id);
    this.#held.delete(job.id);
    this.count(trouble);
    if (held) this.count('held');
    if (trouble === 'fails before') {
      await held;
      throw new StoreUnavailableError('the race has it so', 'none');
    }
    if (trouble !== 'runs twice') await held;
    const results = await run();
    if (trouble === 'fails after') throw new StoreUnavailableError('the race has it so', 'unknown');
    if (trouble !== 'runs twice') return results;
    await held; // a worker that was frozen after it had changed something
    const again = await run();
    // Thrown here it would be one more trouble, which a retry gets over.
    const [before, now] = [results, again].map((all) => JSON.stringify(all.map(decided)));
    if (before !== now) this.#contradictions.push(`${before}, and then ${now}`);
    return again;
  }

  async #settled(batches: WireCommand[][]): Promise<void> {
    const ids = batches.flat().map(({ commandId }) => commandId);
    await eventually('every command is answered', () => ids.every((id) => this.#results.has(id)), 15_000);
  }
}

/** A record is answered as of now. */
const decided = ({ commandId, status, value, error }: CommandResult) => ({
  commandId,
  status,
  code: error?.code,
  value: typeof value === 'object' ? undefined : value,
});
