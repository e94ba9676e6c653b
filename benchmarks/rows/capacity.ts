// What one token, one call, one command and one event cost on a Redis Cluster, what more primaries bring, and whether
// millions of tokens take what these figures say that they take.
import { Command, Redis } from 'ioredis';
import { type RedisCluster, startRedisCluster } from '../../tools/redis-cluster.js';
import type { Bench } from '../bench.js';
import { type Costs, memoryOf } from '../capacity.js';
import { enqueue, mixOf } from '../commands.js';
import { median, type Row } from '../measure.js';
import { TokenProducer } from '../peers/ours.js';
import type { Called } from '../processes/caller.js';
import { Child } from '../processes/child.js';

const SHARDS = 16;
const PARTITIONS = 4;
const CALLS = ['get', 'create', 'refresh', 'update'] as const;

/** What the nodes have used so far. */
interface Used {
  /** Microseconds of each node. */
  cpu: number[];
  /** Bytes of all of them, in and out; what they tell each other is not among them. */
  network: number;
  memory: number;
}

class Nodes {
  readonly cluster: RedisCluster;
  readonly #nodes: Redis[];

  constructor(cluster: RedisCluster) {
    this.cluster = cluster;
    this.#nodes = cluster.ports.map((port) => new Redis(port));
  }

  async used(): Promise<Used> {
    const told = await Promise.all(this.#nodes.map((node) => node.info()));
    const sum = (name: string) => told.reduce((all, info) => all + field(info, name), 0);
    return {
      cpu: told.map((info) => 1e6 * (field(info, 'used_cpu_user') + field(info, 'used_cpu_sys'))),
      network: sum('total_net_input_bytes') + sum('total_net_output_bytes'),
      memory: sum('used_memory'),
    };
  }

  /** Events in all logs. */
  async logged(): Promise<number> {
    const lengths = await Promise.all(
      Array.from({ length: SHARDS }, async (_, shard) => {
        const key = `{rt:${shard}}:log`;
        return (await this.#of(key)).xlen(key);
      }),
    );
    return lengths.reduce((all, length) => all + length, 0);
  }

  async bytesPerEvent(): Promise<number> {
    const key = '{rt:0}:log';
    const node = await this.#of(key);
    return Number(await node.memory('USAGE', key, 'SAMPLES', 0)) / (await node.xlen(key));
  }

  async waiting(): Promise<number> {
    const keys = partitionTags().map((tag) => `${tag}:commands:wait`);
    const lengths = await Promise.all(keys.map((key) => this.#of(key).then((node) => node.llen(key))));
    return lengths.reduce((all, length) => all + length, 0);
  }

  /** Puts shards and queues on the first of the primaries alone, by turns. */
  async spreadOver(primaries: number): Promise<void> {
    const tags = [...Array.from({ length: SHARDS }, (_, shard) => `{rt:${shard}}`), ...partitionTags()];
    for (const [i, tag] of tags.entries())
      await this.cluster.moveSlot(slotOf(`${tag}:x`), this.cluster.ports[i % primaries] as number);
  }

  close(): void {
    for (const node of this.#nodes) node.disconnect();
  }

  async #of(key: string): Promise<Redis> {
    const slot = slotOf(key);
    const { port } = (await this.cluster.primaries()).find(({ slots }) =>
      slots.some(([first, last]) => first <= slot && slot <= last),
    ) as { port: number };
    return this.#nodes[this.cluster.ports.indexOf(port)] as Redis;
  }
}

const field = (info: string, name: string): number =>
  Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1]);

const slotOf = (key: string): number => new Command('get', [key]).getSlot() as number;

const partitionTags = (): string[] =>
  Array.from({ length: PARTITIONS }, (_, partition) => (partition === 0 ? '{rt}' : `{rt:q${partition}}`));

export async function capacity({ plan, log, told }: Bench): Promise<Row[]> {
  const cluster = await startRedisCluster({ replicas: 0, log: () => {} });
  const nodes = new Nodes(cluster);
  const children: Child[] = [];
  const start = async (program: string) => {
    const child = await Child.start(program, cluster.url);
    children.push(child);
    return child;
  };
  const rows: Row[] = [];
  const row = (name: string, unit: string, ours: number[], peer: number[] = [], against = ''): void => {
    rows.push({ group: 'capacity', name, unit, ours, peer, against, target: undefined });
  };
  try {
    await nodes.spreadOver(1);
    const callers = [await start('caller'), await start('caller')];
    const [first] = callers as [Child, Child];
    for (const caller of callers) await caller.ask('prepare', plan.few);

    /** Calls of both at the same time. */
    const call = async (what: string) => {
      const before = await nodes.used();
      const made = await Promise.all(
        callers.map((caller) => caller.ask<Called>('call', { what, milliseconds: plan.milliseconds * 4 })),
      );
      const after = await nodes.used();
      const calls = made.reduce((all, one) => all + one.calls, 0);
      const [one, ...others] = after.cpu.map((cpu, node) => (cpu - (before.cpu[node] as number)) / calls);
      return {
        perSecond: made.reduce((all, each) => all + each.perSecond, 0),
        redis: one as number,
        /** Of each node that has nothing to do with it. */
        bystander: others.reduce((all, cpu) => all + cpu, 0) / others.length,
        allNodes: (one as number) + others.reduce((all, cpu) => all + cpu, 0),
        client: made.reduce((all, each) => all + each.cpu, 0) / calls,
        network: (after.network - before.network) / calls,
      };
    };

    const costs: Costs = { bytesPerToken: 0, bytesPerEvent: 0, redis: {}, client: {}, network: {} };
    for (const what of CALLS) {
      log(what);
      await call(what);
      const runs: Awaited<ReturnType<typeof call>>[] = [];
      for (let run = 0; run < plan.runs; run += 1) runs.push(await call(what));
      const all = (of: (run: Awaited<ReturnType<typeof call>>) => number) => runs.map(of);
      const middle = (of: (run: Awaited<ReturnType<typeof call>>) => number) => median(all(of));
      costs.redis[what] = middle(({ redis }) => redis);
      costs.client[what] = middle(({ client }) => client);
      costs.network[what] = middle(({ network }) => network);
      row(
        `Redis' time of one ${what}`,
        'µs',
        all(({ redis }) => redis),
      );
      row(
        `the caller's time of one ${what}`,
        'µs',
        all(({ client }) => client),
      );
      row(
        `bytes to Redis and back of one ${what}`,
        'bytes',
        all(({ network }) => network),
      );
      if (what === 'create') {
        costs.redis.passed = middle(({ bystander }) => bystander);
        row(
          'time of another node, which the event of one change passes',
          'µs',
          all(({ bystander }) => bystander),
        );
      }
    }

    log('commands');
    const producer = new TokenProducer(cluster.url);
    const worker = await start('token-worker');
    const mix = mixOf(await first.ask<string[]>('tokens'));
    const command = async (count: number) => {
      await enqueue(producer, count, mix);
      const [before, began] = [await nodes.used(), await worker.ask<number>('cpu')];
      const seconds = await worker.ask<number>('drain', await nodes.waiting());
      const after = await nodes.used();
      const used = (name: 'cpu' | 'network') =>
        name === 'network'
          ? (after.network - before.network) / count
          : ((after.cpu[0] as number) - (before.cpu[0] as number)) / count;
      return {
        perSecond: count / seconds,
        redis: used('cpu'),
        network: used('network'),
        client: ((await worker.ask<number>('cpu')) - began) / count,
      };
    };
    await command(plan.commands / 10);
    const commands = [];
    for (let run = 0; run < plan.runs; run += 1) commands.push(await command(plan.commands / 2));
    for (const [name, unit, key] of [
      ["Redis' time of one command", 'µs', 'redis'],
      ["the worker's time of one command", 'µs', 'client'],
      ['bytes to Redis and back of one command', 'bytes', 'network'],
    ] as const) {
      const figures = commands.map((each) => each[key]);
      costs[key].command = median(figures);
      row(name, unit, figures);
    }
    await producer.close();

    log('subscribers');
    const unheard = costs.redis.create as number;
    const unheardBytes = costs.network.create as number;
    const subscriber = await start('subscriber');
    const heard = [];
    for (let run = 0; run < plan.runs; run += 1) {
      const began = await subscriber.ask<number>('cpu');
      const made = await call('create');
      heard.push({
        redis: Math.max(0, made.allNodes - 2 * (costs.redis.passed ?? 0) - unheard),
        network: Math.max(0, made.network - unheardBytes),
        client: (await subscriber.ask<number>('cpu')) - began,
        perSecond: made.perSecond,
      });
    }
    await subscriber.end();
    costs.redis.heard = median(heard.map(({ redis }) => redis));
    costs.network.heard = median(heard.map(({ network }) => network));
    row(
      "Redis' time of one event for one subscriber",
      'µs',
      heard.map(({ redis }) => redis),
    );
    row(
      'bytes of one event for one subscriber',
      'bytes',
      heard.map(({ network }) => network),
    );

    const alone: Record<string, number[]> = {};
    for (const primaries of [1, 2, 3]) {
      log(`${primaries} primaries`);
      await nodes.spreadOver(primaries);
      for (const what of ['get', 'create']) {
        await call(what);
        const runs = [];
        for (let run = 0; run < plan.runs; run += 1) runs.push(await call(what));
        const rates = runs.map(({ perSecond }) => perSecond);
        const name = `${what}, two processes, ${primaries} primar${primaries === 1 ? 'y' : 'ies'}`;
        row(name, '/s', rates, alone[what] ?? [], alone[what] ? '1 primary' : '');
        alone[what] ??= rates;
        row(
          `${name}: the callers' part of all processor time`,
          '',
          runs.map(({ client, allNodes }) => client / (client + allNodes)),
        );
      }
    }

    log(`${plan.filled.toLocaleString('en')} tokens`);
    await Promise.all(callers.map((caller) => caller.ask('forget')));
    const empty = await nodes.used();
    const emptyLog = await nodes.logged();
    // The model's figures are of the first part; what comes of the whole is held against them.
    const part = Math.floor(plan.filled / 20);
    const fillWith = async (count: number) => {
      const [before, begin] = [await nodes.used(), performance.now()];
      const clients = await Promise.all(
        callers.map((caller) => caller.ask<number>('fill', count / callers.length)),
      );
      const after = await nodes.used();
      return {
        memory: after.memory - before.memory,
        events: await nodes.logged(),
        redis: after.cpu.reduce((all, cpu, node) => all + cpu - (before.cpu[node] as number), 0),
        clients: clients.reduce((all, cpu) => all + cpu, 0),
        seconds: (performance.now() - begin) / 1_000,
      };
    };
    const sample = await fillWith(part);
    costs.bytesPerEvent = await nodes.bytesPerEvent();
    costs.bytesPerToken = (sample.memory - (sample.events - emptyLog) * costs.bytesPerEvent) / part;
    const rest = plan.filled - part;
    const whole = await fillWith(rest);
    const end = await nodes.used();
    const seen = end.memory - empty.memory;
    const expected = memoryOf(costs, plan.filled, whole.events - emptyLog);
    row('memory of a token', 'bytes', [costs.bytesPerToken]);
    row('memory of an event in the log', 'bytes', [costs.bytesPerEvent]);
    const many = plan.filled.toLocaleString('en');
    row(`memory of ${many} tokens on three primaries`, 'MB', [seen / 1e6], [expected / 1e6], `the model`);
    row(
      `Redis' time of ${many} creates`,
      's',
      [(sample.redis + whole.redis) / 1e6],
      [(plan.filled * ((costs.redis.create as number) + 2 * (costs.redis.passed ?? 0))) / 1e6],
      'the model',
    );
    row(
      `the callers' time of ${many} creates`,
      's',
      [(sample.clients + whole.clients) / 1e6],
      [(plan.filled * (costs.client.create as number)) / 1e6],
      'the model',
    );
    row(`${many} creates, two processes`, '/s', [plan.filled / (sample.seconds + whole.seconds)]);
    told.costs = costs;
    return rows;
  } finally {
    nodes.close();
    await Promise.all(children.map((child) => child.end()));
    await cluster.stop();
  }
}
