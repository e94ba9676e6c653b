// How a server is set up is told where an operator would regret it, also where it may not be asked in one of the ways.
import { assert } from 'chai';
import { Redis } from 'ioredis';
import { serverConcerns } from '../../src/redis/server-check.js';
import { Store } from '../../src/redis/store.js';
import { startRedisServer } from '../../tools/redis-server.js';
import { openCluster } from '../support/cluster.js';
import { Opened } from '../support/opened.js';

describe('The settings of a Redis', function () {
  this.timeout(60_000);
  const opened = new Opened();

  /** @param acl rules of the user who asks. Default: the one without a name. */
  async function concerns(args: string[], acl?: string): Promise<string[]> {
    const server = await startRedisServer({ args, log: () => {} });
    opened.later(server, () => server.stop());
    const admin = new Redis(server.url);
    opened.later(admin, () => admin.disconnect());
    const rules = ['~*', '&*', '+@all', ...(acl?.split(' ') ?? [])];
    await admin.call('ACL', 'SETUSER', 'looker', 'on', '>pw', ...rules);
    const user = acl === undefined ? '' : 'looker:pw@';
    const store = opened.add(new Store(`redis://${user}127.0.0.1:${server.port}`, 5_000));
    const found = await serverConcerns(store);
    if (acl !== undefined && !acl.includes('-info'))
      assert.isEmpty((await admin.call('ACL', 'LOG')) as unknown[]);
    for (const { node, message } of found) assert.equal(node, `127.0.0.1:${server.port}`, message);
    return found.map(({ setting }) => setting);
  }

  const BAD = ['--maxmemory-policy', 'allkeys-lru', '--maxmemory', '100mb'];
  const GOOD = ['--appendonly', 'yes'];

  for (const [how, acl] of [
    ['that may be asked in both ways', '+@all'],
    ['whose CONFIG is forbidden', '-config'],
    ['whose INFO is forbidden', '-info'],
  ] as const) {
    it(`${how}: eviction and the want of an append-only file are told`, async () => {
      assert.deepEqual(await concerns(BAD, acl), ['maxmemory-policy', 'appendonly']);
      assert.deepEqual(await concerns(GOOD, acl), []);
    });
  }

  it('that may not be asked: it says so', async () => {
    assert.deepEqual(await concerns(BAD, '-config -info'), ['INFO']);
  });

  it('that writes when the system likes, or is a replica', async () => {
    assert.deepEqual(await concerns([...GOOD, '--appendfsync', 'no']), ['appendfsync']);
    assert.deepEqual(await concerns([...GOOD, '--replicaof', '127.0.0.1 1']), ['replicaof']);
  });

  it('with fewer replicas than durability waits for', async () => {
    const server = await startRedisServer({ args: GOOD, log: () => {} });
    opened.later(server, () => server.stop());
    const store = opened.add(new Store(server.url, 5_000));
    const [concern, ...others] = await serverConcerns(store, 1);
    assert.isEmpty(others);
    assert.equal(concern?.setting, 'replicas');
    assert.match(concern?.message ?? '', /^0 replicas follow it, and durability waits for 1:/);
    assert.isEmpty(await serverConcerns(store));
  });

  it('are those of each primary of a Cluster', async () => {
    const cluster = await openCluster(opened);
    const store = opened.add(new Store(cluster.url, 5_000));
    await store.connected();
    const found = await serverConcerns(store);
    assert.sameMembers(
      found.map(({ node }) => node),
      cluster.ports.map((port) => `127.0.0.1:${port}`),
    );
  });
});
