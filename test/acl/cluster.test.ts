// Users with no more rights than their role needs, on a Redis Cluster.
import { assert } from 'chai';
import { Redis } from 'ioredis';
import { RedisTokens, TokenProducer, TokenSubscriber, TokenWorker } from '../../src/index.js';
import type { Role } from '../../src/service/acl/roles.js';
import { SCOPE } from '../queue/stage.js';
import { openCluster } from '../support/cluster.js';
import { eventually } from '../support/eventually.js';
import { Opened } from '../support/opened.js';
import { Users } from '../support/users.js';

describe('With least privilege, on a Cluster,', () => {
  const opened = new Opened();

  it('each role does what it is for', async () => {
    const { ports, url } = await openCluster(opened);
    const nodes = ports.map((port) => {
      const node = new Redis(port, '127.0.0.1');
      return opened.later(node, () => node.disconnect());
    });
    const users = new Users(nodes[0] as Redis, url, nodes.slice(1));
    const open = (role: Role) => users.urlOf(role, 'rt');
    const tokens = opened.add(new RedisTokens(await open('application')));
    await tokens.ready();
    const worker = opened.add(new TokenWorker({ connection: await open('worker') }));
    await worker.start();
    const subscriber = opened.add(new TokenSubscriber(await open('subscriber'), SCOPE));
    const heard: unknown[] = [];
    subscriber.on('token-revoked', ({ subject }) => heard.push(subject));
    await subscriber.start();
    const producer = opened.add(new TokenProducer(await open('producer')));
    const made = await producer.create({ ...SCOPE, owner: 'ann', duration: 60 });
    const reader = opened.add(new RedisTokens(await open('reader')));
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
