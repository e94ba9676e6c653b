// With `durability` on a Cluster: the replicas of each primary are asked, also of one that has just become it.
import { setTimeout as wait } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { assert } from 'chai';
import { Redis } from 'ioredis';
import { NotReplicatedError, RedisTokens } from '../../../src/index.js';
import { openCluster } from '../../support/cluster.js';
import { eventually, rejection } from '../../support/eventually.js';
import { Opened } from '../../support/opened.js';

const SCOPE = { app: 'shop', type: 'session' };
const ANN = { ...SCOPE, owner: 'ann', duration: 600 };

describe('Durability on a Cluster', function () {
  this.timeout(60_000);
  const opened = new Opened();

  it('asks the replicas of each primary that a change was made on', async () => {
    const cluster = await openCluster(opened, 1);
    const tokens = opened.add(
      new RedisTokens(cluster.url, { durability: { replicas: 1, timeout: 1_500, of: 'changes' } }),
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

  it('asks whoever has taken over the slots, by agreement or for one that is gone', async () => {
    const cluster = await openCluster(opened, 1);
    const tokens = opened.add(
      new RedisTokens(cluster.url, { durability: { replicas: 1, timeout: 1_500 }, timeout: 1_000 }),
    );
    const revoked = async (_: unknown, i: number) =>
      tokens.delete(await tokens.create({ ...ANN, owner: `owner ${i}` })).then(String);
    const answers = async () => {
      const settled = await Promise.allSettled(Array.from({ length: 20 }, revoked));
      const told = settled.map((each) => (each.status === 'rejected' ? each.reason.message : each.value));
      return [...new Set<string>(told)].sort();
    };
    const tellsOnly = (...expected: string[]) =>
      eventually(
        `it tells ${expected}`,
        async () => isDeepStrictEqual(await answers(), expected.sort()),
        20_000,
      );
    await tellsOnly('true');
    const replica = (await cluster.members()).find(({ isPrimary }) => !isPrimary);
    const { port } = replica as { port: number };
    const heir = new Redis(port, '127.0.0.1', { retryStrategy: () => null }).on('error', () => {});
    opened.later(heir, () => heir.disconnect());
    await heir.cluster('FAILOVER');
    await eventually('it has taken over', async () => (await heir.role())[0] === 'master', 20_000);
    await tellsOnly('true');
    cluster.server(port).kill('SIGKILL');
    await tellsOnly('true', 'the change is made, but 0 of 1 replicas have acknowledged it within 1500 ms');
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
