// With `durability` a change counts as made when replicas have it; where they have not, it is made, and told to be no more than that.
import { setTimeout as wait } from 'node:timers/promises';
import { assert } from 'chai';
import { Redis } from 'ioredis';
import { NotReplicatedError, RedisTokens, TokenProducer, TokenWorker } from '../../src/index.js';
import type { DurabilityOptions } from '../../src/tokens/options.js';
import { startRedisServer } from '../../tools/redis-server.js';
import { openCluster } from '../support/cluster.js';
import { eventually, rejection } from '../support/eventually.js';
import { Opened } from '../support/opened.js';
import { Replicated } from '../support/replicated.js';
import { Way } from '../support/way.js';

const SCOPE = { app: 'shop', type: 'session' };
const ANN = { ...SCOPE, owner: 'ann', duration: 600 };

describe('Durability', function () {
  this.timeout(60_000);
  const opened = new Opened();
  let redis: Replicated;

  beforeEach(async () => {
    redis = await Replicated.open(opened);
  });

  const open = (
    durability: Partial<DurabilityOptions> = {},
    connection: string | Redis = redis.primary.url,
  ) =>
    opened.add(
      new RedisTokens(connection, { durability: { replicas: 1, timeout: 200, ...durability }, shards: 4 }),
    );

  const tooFew = async (change: Promise<unknown>) => {
    const error = await rejection<NotReplicatedError>(change);
    assert.instanceOf(error, NotReplicatedError);
    assert.equal(error.acknowledged, 0);
    assert.match(
      error.message,
      /^the change is made, but 0 of 1 replicas have acknowledged it within 200 ms$/,
    );
  };

  it('of revocations: each is on the replica when it resolves, and is told where it is not', async () => {
    const tokens = open();
    const made = await Promise.all(Array.from({ length: 6 }, () => tokens.create(ANN)));
    const [one, two, three, four] = made as [(typeof made)[0], ...typeof made];
    redis.link.delay = 50;
    assert.isTrue(await tokens.delete(one));
    const onReplica = await redis.of.replica.keys('*:t:*');
    assert.isFalse(onReplica.some((key) => key.endsWith(one.id)));
    assert.equal(onReplica.length, 5);
    redis.link.delay = 0;
    await redis.part();
    await tokens.update({ ...SCOPE, token: two?.token as string, data: { a: 1 } });
    await tokens.create(ANN);
    for (const revoke of [
      () => tokens.delete(two as never),
      () => tokens.deleteById({ ...SCOPE, id: three?.id as string }),
      () => tokens.consume(four as never),
      () => tokens.deleteAll(ANN),
      () => tokens.deleteScope(SCOPE),
      () => tokens.deleteApp({ app: 'shop' }),
    ])
      await tooFew(revoke());
    assert.equal(await tokens.count(SCOPE), 0, 'all of it is made');
    await redis.rejoin();
    assert.equal(await tokens.deleteAll(ANN), 0);
  });

  it('of all changes: none is told as made that is on the primary alone', async () => {
    const tokens = open({ of: 'changes' });
    const made = await tokens.create(ANN);
    assert.equal(await redis.of.replica.keys('*:t:*').then(({ length }) => length), 1);
    await redis.part();
    await tooFew(tokens.create(ANN));
    await tooFew(tokens.update({ ...made, data: { a: 1 } }));
    await tooFew(tokens.refresh({ ...made, duration: 60 }));
    await tooFew(tokens.rotate(made));
    assert.isUndefined(await tokens.get(made));
  });

  it('a refusal is a refusal, and a read waits for nobody', async () => {
    const tokens = open({ of: 'changes' });
    const custom = { ...ANN, customToken: 'a custom token' };
    await tokens.create(custom);
    await redis.part();
    assert.equal((await rejection(tokens.create(custom))).code, 'TOKEN_EXISTS');
    assert.include(await tokens.get({ ...SCOPE, token: custom.customToken }), { owner: 'ann' });
  });

  it('all of an owner’s many tokens end, although the first step is on no replica', async () => {
    const tokens = open();
    await Promise.all(Array.from({ length: 2_500 }, () => tokens.create(ANN)));
    const custom = Array.from({ length: 8 }, (_, i) => ({ ...ANN, customToken: `custom ${i}` })); // on every shard
    await Promise.all(custom.map((each) => tokens.create(each)));
    await redis.part();
    await tooFew(tokens.deleteAll(ANN));
    assert.equal(await tokens.count(SCOPE), 0);
  });

  it('many that are made together share few questions, and what comes meanwhile has one of its own', async () => {
    const tokens = open();
    const made = await Promise.all(Array.from({ length: 500 }, () => tokens.create(ANN)));
    await redis.of.primary.config('RESETSTAT');
    redis.link.delay = 20;
    await Promise.all(made.map((token) => tokens.delete(token)));
    const stats = await redis.of.primary.info('commandstats');
    const calls = (command: string) => Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1]);
    const asked = calls('wait');
    // From 7.2 on Redis waits for what the same connection wrote last: something must have been, each time.
    assert.equal(calls('set'), asked);
    assert.isAtLeast(asked, 1);
    assert.isAtMost(asked, 20);
  });

  it('of a server that another has followed: what that one’s replicas have says nothing', async () => {
    const [way, third] = [
      opened.add(await Way.open(redis.primary.url)),
      await startRedisServer({ log: () => {} }),
    ];
    opened.later(third, () => third.stop());
    const follower = new Redis(third.url);
    opened.later(follower, () => follower.disconnect());
    const tokens = open({ timeout: 2_000 }, way.url);
    const made = await tokens.create(ANN);
    await redis.part();
    await redis.of.replica.replicaof('NO', 'ONE');
    await follower.replicaof('127.0.0.1', redis.replica.port);
    await eventually(
      'it is followed',
      async () => {
        await redis.of.replica.set('mark', 2);
        return (await redis.of.replica.wait(1, 100)) === 1;
      },
      20_000,
    );
    way.leadTo(redis.replica.url); // for the connection that is yet to be opened
    const error = await rejection<NotReplicatedError>(tokens.delete(made));
    assert.match(error.message, /nobody can tell whether it is on the primary of now/);
  });

  it('through a client of the caller’s own', async () => {
    const client = new Redis(redis.primary.url);
    opened.later(client, () => client.disconnect());
    const tokens = open({}, client);
    const made = await tokens.create(ANN);
    assert.isTrue(await tokens.delete(made));
    await redis.part();
    await tooFew(tokens.deleteAll(ANN));
    assert.equal(client.status, 'ready');
  });

  it('while memory is full, a revocation is on the replica too', async () => {
    const tokens = open();
    const made = await tokens.create(ANN);
    await redis.of.primary.config('SET', 'maxmemory', '1mb');
    assert.isTrue(await tokens.delete(made));
  });

  it('with a near cache, what was revoked is not answered from it', async () => {
    const tokens = opened.add(
      new RedisTokens(redis.primary.url, { cache: {}, durability: { replicas: 1, timeout: 200 } }),
    );
    const made = await tokens.create(ANN);
    for (let i = 0; i < 3; i++) await tokens.get(made);
    await redis.part();
    await tooFew(tokens.delete(made));
    assert.isUndefined(await tokens.get(made));
  });

  it('over the queue: the worker’s rule counts, the job is done, and its sender is told the same', async () => {
    const url = redis.primary.url;
    const worker = opened.add(
      new TokenWorker({ connection: url, durability: { replicas: 1, timeout: 200 } }),
    );
    const completed: string[] = [];
    worker.on('completed', ({ lane }) => completed.push(lane));
    await worker.start();
    const producer = opened.add(new TokenProducer(url));
    const made = await producer.create(ANN);
    assert.isTrue(await producer.delete(made));
    const other = await producer.create(ANN);
    await redis.part();
    const begun = performance.now();
    await tooFew(producer.delete(other));
    assert.isBelow(performance.now() - begun, 4_000);
    await eventually('the jobs are done', () => completed.length === 4);
    assert.isUndefined(await producer.get(other));
    assert.equal(await redis.of.primary.zcard('{rt}:revocations:failed'), 0);
  });

  it('that has more replicas to ask for than there are is told at the first revocation, and not as an outage', async () => {
    const tokens = open({ replicas: 2 });
    const made = await tokens.create(ANN);
    const error = await rejection<NotReplicatedError>(tokens.delete(made));
    assert.equal(error.acknowledged, 1);
    assert.match(error.message, /1 of 2 replicas/);
  });
});

describe('Durability on a Cluster', function () {
  this.timeout(60_000);
  const opened = new Opened();

  it('asks the replicas of each primary that a change was made on', async () => {
    const cluster = await openCluster(opened, 1);
    const tokens = opened.add(
      new RedisTokens(cluster.url, { durability: { replicas: 1, timeout: 300, of: 'changes' } }),
    );
    const owners = Array.from({ length: 20 }, (_, i) => ({ ...ANN, owner: `owner ${i}` }));
    const made = await Promise.all(owners.map((owner) => tokens.create(owner)));
    assert.deepEqual(
      await Promise.all(made.map((token) => tokens.delete(token))),
      owners.map(() => true),
    );
    assert.equal(await tokens.deleteScope(SCOPE), 0);
    const [replica] = (await cluster.members()).filter(({ isPrimary }) => !isPrimary);
    cluster.server(replica?.port as number).kill('SIGKILL');
    const settled = await Promise.allSettled(owners.map((owner) => tokens.create(owner)));
    const failed = settled.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
    for (const error of failed) assert.instanceOf(error, NotReplicatedError, String(error));
    assert.isAtLeast(failed.length, 1, 'those of one primary');
    assert.isBelow(failed.length, owners.length, 'and of no other');
    assert.instanceOf(await rejection(tokens.deleteScope(SCOPE)), NotReplicatedError);
    assert.equal(await tokens.count(SCOPE), 0);
  });

  it('asks the primary that has a slot now, where that has moved from another', async () => {
    const cluster = await openCluster(opened, 1);
    const url = cluster.url;
    const node = new Redis(cluster.ports[0] as number, '127.0.0.1');
    opened.later(node, () => node.disconnect());
    const tokens = opened.add(new RedisTokens(url, { durability: { replicas: 1 }, shards: 1 }));
    const made = await Promise.all(Array.from({ length: 4 }, () => tokens.create(ANN)));
    const [one, two, three, four] = made as [(typeof made)[0], ...typeof made];
    assert.isTrue(await tokens.delete(one));
    const slot = Number(await node.cluster('KEYSLOT', '{rt:0}'));
    const primaries = await cluster.primaries();
    const isAt = primaries.find(({ slots }) => slots.some(([from, to]) => from <= slot && slot <= to));
    const [other, third] = primaries.filter((each) => each !== isAt);
    await cluster.moveSlot(slot, other?.port as number);
    assert.isTrue(await tokens.delete(two as never));
    assert.isTrue(await tokens.delete(three as never));
    const moving = cluster.moveSlot(slot, third?.port as number, () => wait(300));
    await Promise.all([moving, tokens.delete(four as never).then((ended) => assert.isTrue(ended))]);
  });
});
