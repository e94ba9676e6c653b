// Users with no more rights than their role needs, on a Redis Cluster.
import { assert } from 'chai';
import { Cluster } from 'ioredis';
import { RedisTokens, TokenProducer, TokenSubscriber, TokenWorker } from '../../src/index.js';
import type { Role } from '../../src/service/acl/roles.js';
import { SCOPE } from '../queue/stage.js';
import { startClusterNode } from '../support/cluster.js';
import { eventually } from '../support/eventually.js';
import { Opened } from '../support/opened.js';
import { Users } from '../support/users.js';

describe('With least privilege, on a Cluster,', () => {
  const opened = new Opened();

  it('each role does what it is for', async () => {
    const { redis, port } = await startClusterNode(opened);
    await redis.cluster('ADDSLOTSRANGE', 0, 16_383);
    await eventually('it is up', async () => /state:ok/.test(String(await redis.cluster('INFO'))));
    const users = new Users(redis, `redis://127.0.0.1:${port}`);
    const open = async (role: Role) => {
      const { username, password } = new URL(await users.urlOf(role, 'rt'));
      const cluster = new Cluster([{ host: '127.0.0.1', port }], { redisOptions: { username, password } });
      return opened.later(cluster, () => cluster.disconnect());
    };
    const tokens = opened.add(new RedisTokens(await open('application'), { shards: 4 }));
    await tokens.ready();
    const worker = opened.add(new TokenWorker({ connection: await open('worker'), shards: 4 }));
    await worker.start();
    const subscriber = opened.add(new TokenSubscriber(await open('subscriber'), SCOPE));
    const heard: unknown[] = [];
    subscriber.on('token-revoked', ({ subject }) => heard.push(subject));
    await subscriber.start();
    const producer = opened.add(new TokenProducer(await open('producer'), { shards: 4 }));
    const made = await producer.create({ ...SCOPE, owner: 'ann', duration: 60 });
    const reader = opened.add(new RedisTokens(await open('reader'), { shards: 4 }));
    assert.include(await reader.get(made), { id: made.id });
    assert.equal((await reader.list({ ...SCOPE, owner: 'ann' })).length, 1);
    assert.isTrue(await tokens.delete(made));
    await eventually('it is heard of', () => heard.includes(made.id));
    assert.deepEqual(
      (await users.refusals()).filter((refusal) => !refusal.includes(' channel ')),
      [],
    );
  });
});
