// The layout of a deployment: what is said of one that is not known, and how an older one is brought up to date.
import { assert } from 'chai';
import type { Redis } from 'ioredis';
import { ConfigError, RedisTokens } from '../../src/index.js';
import { Keys } from '../../src/redis/keys.js';
import { LAYOUT, LAYOUT_STEPS, type LayoutStep, migrateLayout } from '../../src/redis/layout.js';
import { Store } from '../../src/redis/store.js';
import { run } from '../cli/in-process.js';
import { rejection } from '../support/eventually.js';
import { Opened } from '../support/opened.js';
import { openPlain } from '../support/plain-client.js';
import { freshPrefix, sharedRedis } from '../support/redis.js';

describe('The layout of a deployment', () => {
  const opened = new Opened();
  let url: string;
  let prefix: string;
  let redis: Redis;
  let store: Store;
  let keys: Keys;

  beforeEach(async () => {
    ({ url } = await sharedRedis());
    prefix = freshPrefix();
    keys = new Keys(prefix);
    redis = openPlain(url);
    opened.later(redis, () => redis.disconnect());
    store = opened.add(new Store(url, 5_000));
  });

  const found = (layout: number) => redis.hset(keys.meta, { layout, shards: 1, maxCommandAge: 900_000 });
  const layout = () => redis.hget(keys.meta, 'layout');

  /** Writes down in a list what it did. */
  const step = (from: number, before = async () => {}): LayoutStep => ({
    from,
    async run() {
      await before();
      await redis.rpush(`{${prefix}}:made-up`, from);
    },
  });
  const done = () => redis.lrange(`{${prefix}}:made-up`, '0', '-1');

  it('has a step from each that there was', () => {
    assert.deepEqual(
      LAYOUT_STEPS.map(({ from }) => from),
      Array.from({ length: LAYOUT - 1 }, (_, i) => i + 1),
    );
  });

  it('is told by who knows no such: what to update', async () => {
    for (const [standing, told] of [
      [
        LAYOUT + 1,
        /layout is 2 in this deployment, but 1 here: it was made by a newer redis-tokens; update this one/,
      ],
      [
        0,
        /layout is 0 .*: it was made by an older redis-tokens; `redis-tokens migrate-layout` brings it up to date/,
      ],
    ] as const) {
      await found(standing);
      const error = await rejection(opened.add(new RedisTokens(url, { prefix })).ready());
      assert.instanceOf(error, ConfigError);
      assert.match(error.message, told);
    }
  });

  it('is raised step by step, by the steps that are needed', async () => {
    await found(3);
    const steps = [1, 2, 3, 4].map((from) => step(from));
    assert.deepEqual(await migrateLayout(store, keys, { steps, layout: 5 }), { from: 3, to: 5 });
    assert.deepEqual([await layout(), await done()], ['5', ['3', '4']]);
    assert.deepEqual(await migrateLayout(store, keys, { steps, layout: 5 }), { from: 5, to: 5 });
    assert.deepEqual(await done(), ['3', '4']);
    assert.equal(await redis.exists(keys.layoutLock), 0);
  });

  it('is gone on with where it was interrupted', async () => {
    await found(3);
    let broken = true;
    const steps = [
      step(3),
      step(4, async () => {
        if (broken) throw new Error('the process dies');
      }),
    ];
    await rejection(migrateLayout(store, keys, { steps, layout: 5 }));
    assert.deepEqual([await layout(), await done()], ['4', ['3']]);
    broken = false;
    assert.deepEqual(await migrateLayout(store, keys, { steps, layout: 5 }), { from: 4, to: 5 });
    assert.deepEqual(await done(), ['3', '4']);
  });

  it('is raised by one process at a time, and by none that has lost its turn', async () => {
    await found(4);
    let refused: Error | undefined;
    const others = step(4, async () => {
      refused = await rejection(migrateLayout(store, keys, { steps: [step(4)], layout: 5 }));
    });
    await migrateLayout(store, keys, { steps: [others], layout: 5 });
    assert.match(refused?.message ?? '', /another process migrates this deployment/);
    assert.deepEqual(await done(), ['4'], 'its step was not run');

    await found(4);
    const slow = step(4, async () => void (await redis.set(keys.layoutLock, 'another')));
    assert.match(
      (await rejection(migrateLayout(store, keys, { steps: [slow], layout: 5 }))).message,
      /another process/,
    );
    assert.equal(await layout(), '4');
    assert.equal(await redis.get(keys.layoutLock), 'another', 'whose turn is left to it');
  });

  it('is refused where there is none, a newer one, or no way', async () => {
    assert.match((await rejection(migrateLayout(store, keys))).message, /there is no deployment/);
    await found(2);
    assert.match((await rejection(migrateLayout(store, keys))).message, /update this one/);
    await found(0);
    assert.match((await rejection(migrateLayout(store, keys))).message, /nothing leads on from layout 0/);
  });

  it('is brought up to date on the command line', async () => {
    const env = { REDIS_URL: url, REDIS_TOKENS_PREFIX: prefix };
    assert.include(await run(['migrate-layout'], { env }), { status: 2, stdout: '' });
    await opened.add(new RedisTokens(url, { prefix })).ready();
    assert.include(await run(['migrate-layout'], { env }), {
      status: 0,
      stdout: 'layout 1: nothing to do\n',
    });
    assert.include(await run(['migrate-layout', '--json'], { env }), { stdout: '{"from":1,"to":1}\n' });
  });
});
