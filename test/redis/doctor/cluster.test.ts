// The doctor of a Cluster looks at every primary.
import { assert } from 'chai';
import { Redis } from 'ioredis';
import { Doctor } from '../../../src/redis/doctor/doctor.js';
import { RedisTokens } from '../../../src/redis-tokens.js';
import { openCluster } from '../../support/cluster.js';
import { Opened } from '../../support/opened.js';

describe('The doctor of a Cluster', function () {
  this.timeout(60_000);

  const opened = new Opened();

  it('finds and repairs what is wrong on each of its primaries', async () => {
    const { url, ports } = await openCluster(opened);
    const options = { prefix: 'many', shards: 16 };
    const tokens = opened.add(new RedisTokens(url, options));
    const create = (i: number) =>
      tokens.create({ app: 'shop', type: 'session', owner: `o${i}`, duration: 60 });
    await Promise.all(Array.from({ length: 100 }, (_, i) => create(i)));
    const doctor = opened.add(new Doctor(url, options));
    const { looked, problems } = await doctor.examine();
    assert.deepEqual(problems, []);
    assert.equal(looked.records, 100);
    assert.equal(looked.members, 200);
    assert.equal(looked.scopeIndexes, 16);

    for (const port of ports) {
      const primary = new Redis(port);
      opened.later(primary, () => primary.disconnect());
      const [key, ...others] = await primary.keys('{many:*}:t:*');
      assert.isNotEmpty(others);
      await primary.del(key as string);
    }
    const [problem] = (await doctor.examine({ repair: true })).problems;
    assert.include(problem, { kind: 'member-without-record', count: 3, repaired: 3 });
    assert.deepEqual((await doctor.examine()).problems, []);
  });
});
