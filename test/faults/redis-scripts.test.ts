// A server that forgets its scripts all the time runs each change once all the same.
import { assert } from 'chai';
import { Redis } from 'ioredis';
import { RedisTokens } from '../../src/index.js';
import { Opened } from '../support/opened.js';
import { freshPrefix, sharedRedis } from '../support/redis.js';
import { audit } from './redis-audit.js';

const SCOPE = { app: 'shop', type: 'session' };
const MANY = 200;

describe('A server that forgets its scripts', () => {
  const opened = new Opened();

  async function open(): Promise<{ redis: Redis; url: string; prefix: string }> {
    const { url } = await sharedRedis();
    const redis = new Redis(url, { replyMapping: 'legacy' });
    opened.later(redis, () => redis.disconnect());
    return { redis, url, prefix: freshPrefix() };
  }

  it('again and again while changes are under way makes each once', async () => {
    const { redis, url, prefix } = await open();
    const tokens = opened.add(new RedisTokens(url, { prefix }));
    await tokens.ready();
    let over = false;
    const flushing = (async () => {
      while (!over) await redis.script('FLUSH');
    })();
    const lives = Array.from({ length: MANY }, async (_, i) => {
      const owner = `o${i % 7}`;
      const { token, id } = await tokens.create({ ...SCOPE, owner, duration: 60 });
      assert.equal((await tokens.update({ ...SCOPE, token, data: { i } }))?.version, 2);
      assert.equal((await tokens.refresh({ ...SCOPE, token, duration: 90 }))?.version, 3);
      if (i % 2 === 0) assert.isTrue(await tokens.delete({ ...SCOPE, token }));
      return id;
    });
    const ids = await Promise.all(lives).finally(() => {
      over = true;
    });
    await flushing;
    const { live, count } = await audit(redis, prefix);
    for (const [i, id] of ids.entries()) {
      const changes = (['create', 'update', 'refresh', 'delete'] as const).map((name) => count(id, name));
      assert.deepEqual(changes, [1, 1, 1, i % 2 === 0 ? 1 : 0]);
      assert.equal(live.get(id), i % 2 === 0 ? undefined : 3);
    }
  });

  it('in the midst of what is sent at once makes each change once, in whatever order', async () => {
    const { redis, prefix } = await open();
    // On a client that others use as well, their commands stand between ours.
    const tokens = opened.add(new RedisTokens(redis, { prefix }));
    await tokens.create({ ...SCOPE, owner: 'ann', duration: 60, customToken: 'mine' });
    for (let round = 0; round < 20; round++) {
      const before = (await tokens.get({ ...SCOPE, token: 'mine' }))?.version ?? 0;
      const changes: Promise<unknown>[] = [];
      for (let i = 0; i < 10; i++) {
        changes.push(tokens.update({ ...SCOPE, token: 'mine', data: { [`r${round}-${i}`]: 1 } }));
        if (i % 3 === 1) changes.push(redis.script('FLUSH'));
      }
      await Promise.all(changes);
      const after = await tokens.get({ ...SCOPE, token: 'mine' });
      assert.equal(after?.version, before + 10);
      assert.lengthOf(Object.keys(after?.data ?? {}), (round + 1) * 10);
    }
    await audit(redis, prefix);
  });
});
