// A list that is read in several steps: what happens between them.
import { assert } from 'chai';
import { RedisTokens } from '../../src/index.js';
import { Opened } from '../support/opened.js';
import { freshPrefix, sharedRedis } from '../support/redis.js';

const SCOPE = { app: 'shop', type: 'session' };
const OWNER = { ...SCOPE, owner: 'ann' };

describe('A list in steps', () => {
  const opened = new Opened();
  let prefix: string;
  let tokens: RedisTokens;
  beforeEach(async () => {
    prefix = freshPrefix();
    tokens = opened.add(new RedisTokens((await sharedRedis()).url, { prefix }));
  });

  const create = (count: number, data = {}) =>
    Promise.all(
      Array.from({ length: count }, (_, i) => tokens.create({ ...OWNER, data, duration: 600 + (i % 90) })),
    );

  it('holds each token once, although they are refreshed meanwhile', async () => {
    const made = await create(2_000);
    let over = false;
    const refreshing = (async () => {
      for (let i = 0; !over; i = (i + 40) % made.length) {
        const some = made.slice(i, i + 40);
        await Promise.all(
          some.map(({ token }) => tokens.refresh({ ...SCOPE, token, duration: 600 + Math.random() * 900 })),
        );
      }
    })();
    const ids = made.map(({ id }) => id).sort();
    try {
      for (let round = 0; round < 8; round++) {
        const records = await tokens.list({ ...OWNER, limit: 5_000 });
        assert.deepEqual(records.map(({ id }) => id).sort(), ids);
        const times = records.map(({ expiresAt }) => expiresAt);
        assert.deepEqual(
          times,
          [...times].sort((a, b) => b - a),
        );
      }
    } finally {
      over = true;
      await refreshing;
    }
  });

  it('leaves out what is revoked meanwhile, and tells nothing false of it', async () => {
    const made = await create(1_500);
    const listing = tokens.list({ ...OWNER, limit: 5_000 });
    const gone = made.slice(0, 700);
    await Promise.all(gone.map(({ token }) => tokens.delete({ ...SCOPE, token })));
    const found = new Set((await listing).map(({ id }) => id));
    for (const { id } of made.slice(700)) assert.isTrue(found.has(id));
    const log = JSON.stringify(await tokens.client.xrange(`{${prefix}:0}:log`, '-', '+'));
    assert.notInclude(log, 'token-expired');
  });

  it('is read in small steps where the records are large', async () => {
    const made = await create(20, { text: 'x'.repeat(60_000) });
    await tokens.client.config('RESETSTAT');
    assert.lengthOf(await tokens.list(OWNER), made.length);
    const calls = /cmdstat_evalsha:calls=(\d+)/.exec(await tokens.client.info('commandstats'))?.[1];
    assert.isAtLeast(Number(calls), 4);
  });
});
