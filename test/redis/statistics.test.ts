// What there is in a deployment, in figures.
import { expect } from 'chai';
import { RedisTokens } from '../../src/index.js';
import { Keys } from '../../src/redis/keys.js';
import { Statistics } from '../../src/redis/statistics.js';
import { Store } from '../../src/redis/store.js';
import { Opened } from '../support/opened.js';
import { freshPrefix, sharedRedis } from '../support/redis.js';

const ANN = { app: 'shop', type: 'session', owner: 'ann', duration: 60 };

describe('Statistics', () => {
  const opened = new Opened();
  let keys: Keys;
  let store: Store;
  let tokens: RedisTokens;
  let statistics: Statistics;

  async function open(shards: number): Promise<void> {
    const { url } = await sharedRedis();
    keys = new Keys(freshPrefix());
    store = opened.add(new Store(url, 5_000));
    tokens = opened.add(new RedisTokens(url, { prefix: keys.prefix, shards }));
    statistics = new Statistics(store, keys, shards);
  }

  it('are of nothing where there is nothing', async () => {
    await open(4);
    expect(await statistics.read()).deep.equal({
      live: 0,
      scopes: [],
      complete: true,
      events: 0,
      sweepLag: 0,
    });
  });

  it('count live tokens and events over all shards, the largest scope first', async () => {
    await open(4);
    for (const owner of ['ann', 'bea', 'cem', 'dan', 'eve', 'fay']) await tokens.create({ ...ANN, owner });
    for (const type of ['a:b*', 'a']) await tokens.create({ ...ANN, type });
    const { token } = await tokens.create(ANN);
    await tokens.delete({ app: 'shop', type: 'session', token });
    const { scopes, ...rest } = await statistics.read();
    expect(rest).deep.equal({ live: 8, complete: true, events: 10, sweepLag: 0 });
    expect(scopes).deep.equal([
      { app: 'shop', type: 'session', live: 6 },
      { app: 'shop', type: 'a', live: 1 },
      { app: 'shop', type: 'a:b*', live: 1 },
    ]);
  });

  it('count no token that has expired, and tell for how long the sweep has left it', async () => {
    await open(1);
    await tokens.create(ANN);
    const { id } = await tokens.create({ ...ANN, duration: 0.001 });
    const index = keys.scopeIndex(0, ANN);
    const [seconds] = await tokens.client.time();
    await tokens.client.zadd(index, (Number(seconds) - 90) * 1_000, `${id}:ann`);
    const { live, sweepLag } = await statistics.read();
    expect(live).equal(1);
    expect(sweepLag).within(90_000, 95_000);
  });

  it('look at so many scopes at most, and say so', async () => {
    await open(1);
    await tokens.create(ANN);
    const names = Array.from({ length: 6_000 }, (_, i) => `shop:${i}`);
    await tokens.client.sadd(keys.scopes(0), ...names);
    const { complete, scopes } = await statistics.read();
    expect(complete).equal(false);
    expect(scopes.length).equal(5_000);
  });
});
