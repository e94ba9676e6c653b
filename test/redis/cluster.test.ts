// A Redis Cluster by its URL, and what its clients are opened with.
import { setTimeout as wait } from 'node:timers/promises';
import { assert } from 'chai';
import { Cluster } from 'ioredis';
import { RedisTokens } from '../../src/index.js';
import { parseClusterUrl } from '../../src/redis/cluster.js';
import { closeClient, defaultSpread, OPERATION_CLIENT, openClient } from '../../src/redis/connection.js';
import { openCluster } from '../support/cluster.js';
import { Opened } from '../support/opened.js';

describe('The URL of a Cluster', () => {
  it('names some of its nodes, and who asks', () => {
    assert.deepEqual(parseClusterUrl('redis-cluster://a:7000,10.0.0.2,[::1]:7002'), {
      nodes: [
        { host: 'a', port: 7000 },
        { host: '10.0.0.2', port: 6379 },
        { host: '::1', port: 7002 },
      ],
      redisOptions: {},
    });
    assert.deepEqual(parseClusterUrl('rediss-cluster://ann:p%40ss%3Aw:x@a:1/'), {
      nodes: [{ host: 'a', port: 1 }],
      redisOptions: { username: 'ann', password: 'p@ss:w:x', tls: {} },
    });
    assert.deepEqual(parseClusterUrl('redis-cluster://:secret@a')?.redisOptions, { password: 'secret' });
  });

  it('is none where it can not be read', () => {
    for (const url of [
      ...[
        'redis://a:1',
        'redis-cluster:a:1',
        'redis-cluster://',
        'redis-cluster://a:1,',
        'redis-cluster://a:x',
      ],
      ...['redis-cluster://a:99999', 'redis-cluster://a:1/3', 'redis-cluster://a:1?b', 'redis-cluster://a b'],
      ...['redis-cluster://u:%zz@a:1', 'redis-clusters://a:1', ' redis-cluster://a:1'],
    ]) {
      assert.isUndefined(parseClusterUrl(url), url);
    }
  });

  it('spreads tokens and commands, and sends what may change something once', async () => {
    assert.deepEqual(defaultSpread('redis-cluster://a:1'), { shards: 16, partitions: 4 });
    assert.deepEqual(defaultSpread('redis://a:1'), { shards: 1, partitions: 1 });
    const theirs = new Cluster([{ host: 'a', port: 1 }], { lazyConnect: true, enableOfflineQueue: false });
    assert.deepEqual(defaultSpread(theirs), { shards: 16, partitions: 4 });
    for (const connection of ['redis-cluster://a:1', theirs]) {
      const ours = openClient(connection, OPERATION_CLIENT) as Cluster;
      assert.include(ours.options, { retryDelayOnFailover: 0, enableOfflineQueue: true, lazyConnect: true });
      await closeClient(ours);
      const lasting = openClient(connection) as Cluster;
      assert.isAbove(lasting.options.retryDelayOnFailover as number, 0);
      await closeClient(lasting);
    }
    theirs.disconnect();
  });
});

describe('A Cluster of which a primary has died', function () {
  this.timeout(60_000);
  const opened = new Opened();

  it('is waited for by a change, which is sent once a replica has taken over', async () => {
    const cluster = await openCluster(opened, 1);
    const tokens = opened.add(new RedisTokens(cluster.url, { timeout: 20_000 }));
    const make = (i: number) =>
      tokens.create({ app: 'shop', type: 'session', owner: `owner ${i}`, duration: 600 });
    const onAll = () => Promise.all(Array.from({ length: 40 }, (_, i) => make(i)));
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    opened.later(onWarning, () => process.off('warning', onWarning));
    await onAll();
    const [primary] = await cluster.primaries();
    cluster.server(primary?.port as number).kill('SIGKILL');
    await cluster.server(primary?.port as number).exited;
    await wait(100);
    for (let round = 0; round < 3; round++) await onAll();
    assert.equal(await tokens.count({ app: 'shop', type: 'session' }), 160);
    assert.deepEqual(warnings, [], 'each that waits listens to no node of its own');
  });
});
