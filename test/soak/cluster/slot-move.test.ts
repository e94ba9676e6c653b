// A slot of which half the keys are on one node, and half on the other: what is asked of its shard meanwhile.
import { assert } from 'chai';
import { Command } from 'ioredis';
import { RedisTokens } from '../../../src/index.js';
import { Keys } from '../../../src/redis/keys.js';
import { openCluster } from '../../support/cluster.js';
import { Opened } from '../../support/opened.js';
import { freshPrefix } from '../../support/redis.js';

const SCOPE = { app: 'shop', type: 'session' };
const COUNT = 200;

describe('While the slot of a shard moves to another node', function () {
  this.timeout(60_000);
  const opened = new Opened();

  it('each of its tokens is answered, by itself and among many, and a change waits until the slot has moved', async () => {
    const cluster = await openCluster(opened);
    const prefix = freshPrefix();
    const tokens = opened.add(new RedisTokens(cluster.url, { prefix, shards: 1 }));
    const create = () => tokens.create({ ...SCOPE, owner: 'ann', duration: 60 });
    const made = await Promise.all(Array.from({ length: COUNT }, create));
    const get = (token: string) => tokens.get({ ...SCOPE, token });
    const slot = new Command('get', [new Keys(prefix).log(0)]).getSlot();
    const primaries = await cluster.primaries();
    const target = primaries.find(
      ({ slots }) => !slots.some(([first, last]) => first <= slot && slot <= last),
    );
    let isMoved = false;
    let changed: Promise<boolean> | undefined;
    await cluster.moveSlot(slot, target?.port as number, async () => {
      const [first] = made;
      changed = tokens.delete({ ...SCOPE, token: first?.token as string }).then((was) => was && isMoved);
      const others = made.slice(1);
      const together = await Promise.all(others.map(({ token }) => get(token)));
      assert.deepEqual(
        together.map((record) => record?.id),
        others.map(({ id }) => id),
      );
      for (const { token, id } of others.slice(0, 20)) assert.equal((await get(token))?.id, id);
      isMoved = true; // what follows takes some milliseconds
    });
    assert.isTrue(await changed);
    assert.isUndefined(await get(made[0]?.token as string));
    assert.equal(await tokens.deleteAll({ ...SCOPE, owner: 'ann' }), COUNT - 1);
  });
});
