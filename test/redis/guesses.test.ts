// Misses by client in Redis: for all processes together, at no cost to reads, within bounds, and without a client's name.
import { assert } from 'chai';
import {
  type GuessingSuspected,
  generateToken,
  RedisTokens,
  type RedisTokensOptions,
  TokenSubscriber,
  type TokenSubscriberOptions,
} from '../../src/index.js';
import { SCOPE, Stage } from '../queue/stage.js';
import { eventually } from '../support/eventually.js';
import { freshPrefix } from '../support/redis.js';

const CLIENT = '203.0.113.7';
const CLIENTS = 10_000; // that Redis keeps at most

describe('Misses by client', () => {
  const stage = new Stage();
  const key = () => `{${stage.prefix}:0}:guesses`;

  const open = (options: RedisTokensOptions = {}) =>
    stage.opened.add(
      new RedisTokens(stage.url, { prefix: stage.prefix, guessing: { misses: 10 }, ...options }),
    );
  const listen = async (options: TokenSubscriberOptions = {}) => {
    const subscriber = stage.opened.add(new TokenSubscriber(stage.url, { prefix: stage.prefix, ...options }));
    const told: GuessingSuspected[] = [];
    const events: string[] = [];
    subscriber.on('guessing-suspected', (event) => told.push(event));
    subscriber.on('event', ({ type }) => events.push(type));
    await subscriber.start();
    return { told, events };
  };
  /** Ill-formed, so that no read is sent. */
  const miss = (tokens: RedisTokens, times: number, client = CLIENT, token = 'rt_ill-formed') =>
    Promise.all(Array.from({ length: times }, () => tokens.get({ ...SCOPE, token, client })));
  const count = async () => Number((await stage.redis.zrange(key(), '0', '0', 'REV', 'WITHSCORES'))[1] ?? 0);

  /** What is sent to Redis for this deployment, from now on. */
  const watch = async () => {
    const monitor = await stage.client().monitor();
    stage.opened.later(monitor, () => monitor.disconnect());
    const seen: string[][] = [];
    monitor.on('monitor', (_time: string, args: string[]) => {
      if (args.some((arg) => arg.includes(stage.prefix))) seen.push(args);
    });
    return seen;
  };

  it('of several processes add up, and are told of once', async () => {
    const { told, events } = await listen();
    const doors = [open(), open(), open()];
    await Promise.all(doors.map((tokens) => miss(tokens, 4)));
    await eventually('it is told', () => told.length > 0);
    await Promise.all(doors.map((tokens) => miss(tokens, 40)));
    await eventually('all are counted', async () => (await count()) === 132);
    assert.lengthOf(told, 1);
    assert.equal(told[0]?.data.client, CLIENT);
    assert.isEmpty(events, 'it is no event of a token');
    assert.equal(await stage.redis.exists(`{${stage.prefix}:0}:log`), 0);
  });

  it('are told to who hears of that app or type, and not of one owner', async () => {
    const all = await Promise.all(
      [{}, { app: 'shop' }, SCOPE, { app: 'other' }, { ...SCOPE, owner: 'ann' }].map(listen),
    );
    await miss(open(), 10);
    await eventually('they hear', () => all.slice(0, 3).every(({ told }) => told.length === 1));
    assert.deepEqual(
      all.map(({ told }) => told.length),
      [1, 1, 1, 0, 0],
    );
  });

  it('that were gathered when a door is closed are counted', async () => {
    const tokens = open();
    await miss(tokens, 7);
    await tokens.close();
    assert.equal(await count(), 7);
  });

  it('are kept for the window at most, and without the client’s name', async () => {
    const seen = await watch();
    const tokens = open({ guessing: { misses: 10, window: 30_000 } });
    await miss(tokens, 7);
    await eventually('they are counted', async () => (await count()) === 7);
    await miss(tokens, 2);
    await eventually('more are', async () => (await count()) === 9);
    assert.isAtMost(await stage.redis.pttl(key()), 30_000);
    assert.isAbove(await stage.redis.pttl(key()), 1_000);
    const [digest] = await stage.redis.zrange(key(), '0', '-1');
    assert.match(digest ?? '', /^[\w-]{22}$/);
    await eventually('it was seen', () => seen.some(([command]) => command === 'ZINCRBY'));
    assert.notInclude(JSON.stringify(seen), CLIENT);

    const prefix = freshPrefix();
    const peppered = open({ prefix, pepper: 'p'.repeat(32) });
    await miss(peppered, 1);
    await peppered.close();
    assert.notEqual((await stage.redis.zrange(`{${prefix}:0}:guesses`, '0', '-1'))[0], digest);
  });

  it('cost a read nothing: one GET each, found or missed, with the option or without', async () => {
    for (const guessing of [undefined, {}]) {
      const tokens = open({ guessing });
      const { token } = await tokens.create({ ...SCOPE, owner: 'ann', duration: 60 });
      const seen = await watch();
      for (const presented of [token, generateToken()]) {
        seen.length = 0;
        for (let i = 0; i < 3; i++) await tokens.get({ ...SCOPE, token: presented, client: CLIENT });
        const reads = () => seen.filter(([command]) => command === 'get');
        await eventually('they were seen', () => reads().length === 3);
        const others = seen.filter(
          ([command = '']) => !/^(get|evalsha|eval|exists|zincrby|pexpire|zcard)$/i.test(command),
        );
        assert.isEmpty(others);
        if (!guessing) assert.lengthOf(seen, 3);
      }
    }
  });

  it('of ill-formed tokens are sent together, some times a second', async () => {
    const tokens = open({ guessing: { misses: 100_000 } });
    await tokens.ready();
    const seen = await watch();
    const begun = performance.now();
    for (let i = 0; i < 500; i++) {
      await miss(tokens, 10);
      await stage.redis.ping(); // time passes
    }
    await eventually('all are counted', async () => (await count()) === 5_000);
    const rounds = Math.ceil((performance.now() - begun) / 100) + 1;
    const end = `the end of ${stage.prefix}`;
    await stage.redis.echo(end);
    await eventually('all is seen', () => seen.some((args) => args.includes(end)), 30_000);
    const sent = seen.filter(([command = '']) => /^eval/i.test(command));
    assert.isAtLeast(sent.length, 1);
    assert.isAtMost(sent.length, rounds);
  });

  it('that can not be counted change no answer', async () => {
    const tokens = open();
    const made = await tokens.create({ ...SCOPE, owner: 'ann', duration: 60 });
    await stage.redis.set(key(), 'what somebody has put there');
    for (let i = 0; i < 3; i++) {
      await miss(tokens, 20);
      assert.isUndefined(await tokens.get({ ...SCOPE, token: generateToken(), client: CLIENT }));
      assert.include(await tokens.get({ ...SCOPE, token: made.token, client: CLIENT }), { id: made.id });
    }
    const nowhere = stage.opened.add(
      new RedisTokens('redis://127.0.0.1:1', { guessing: {}, timeout: 100, prefix: stage.prefix }),
    );
    assert.deepEqual(await miss(nowhere, 3), [undefined, undefined, undefined]);
  });

  it('of more clients than are kept take no more room, and a guesser among them is found', async function () {
    this.timeout(20_000);
    const { told } = await listen();
    const tokens = open({ guessing: { misses: 100 } });
    let invented = 0;
    const flood = async (upTo: number) => {
      while (invented < upTo) {
        const batch = Array.from({ length: 400 }, () => miss(tokens, 1, `invented ${invented++}`));
        await Promise.all([...batch, miss(tokens, 2)]);
        await eventually(
          'they are sent',
          async () => (await stage.redis.zcard(key())) >= Math.min(invented, CLIENTS),
        );
      }
    };
    await flood(CLIENTS);
    const full = Number(await stage.redis.memory('USAGE', key(), 'SAMPLES', 0));
    await flood(2 * CLIENTS);
    assert.equal(await stage.redis.zcard(key()), CLIENTS);
    assert.isBelow(Number(await stage.redis.memory('USAGE', key(), 'SAMPLES', 0)), 1.2 * full);
    assert.isBelow(full, 2_000_000);
    await eventually('the one is told of', () => told.length > 0);
    assert.deepEqual(
      told.map(({ data }) => data.client),
      [CLIENT],
    );
  });

  it('are no matter of a producer: it takes a client, and sends none', async () => {
    const producer = stage.producer();
    await producer.enqueue('get', { ...SCOPE, token: 'some-token', client: CLIENT });
    const [job] = await stage.waiting('commands');
    assert.notInclude(JSON.stringify(job), CLIENT);
  });

  it('are refused as an option that can not be one', () => {
    for (const guessing of [{ misses: 0 }, { window: 10 }, { window: 3_600_001 }, { miss: 3 }, null])
      assert.throws(() => open({ guessing: guessing as never }), /guessing/);
  });
});
