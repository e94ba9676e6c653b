// Whoever floods a deployment takes a room that is bounded, and keeps nobody else from it.
import { Queue } from 'bullmq';
import { assert } from 'chai';
import { Redis } from 'ioredis';
import {
  generateToken,
  QueueFullError,
  RedisTokens,
  TokenProducer,
  TokenSubscriber,
  TokenWorker,
} from '../../src/index.js';
import { type RedisServer, startRedisServer } from '../../tools/redis-server.js';
import { killPrograms, start } from '../acceptance/processes.js';
import { SCOPE, stamp } from '../queue/stage.js';
import { eventually } from '../support/eventually.js';
import { Opened } from '../support/opened.js';
import { freshPrefix } from '../support/redis.js';
import { moveIntoPast } from '../support/time-travel.js';
import { roomOf } from './room.js';

const MEGABYTE = 2 ** 20;
const OWNER = { ...SCOPE, owner: 'ann' };
const ANN = { ...OWNER, duration: 600 };
const BUFFER = MEGABYTE; // that Redis keeps for a subscriber that does not read
const PROGRAM = 'test/faults/processes/resuming-subscriber.ts';

describe('A flood', function () {
  this.timeout(60_000);
  const opened = new Opened();
  let server: RedisServer;
  let redis: Redis;
  let prefix: string;
  let tokens: RedisTokens;

  before(async () => {
    server = await startRedisServer({
      args: ['--save', '', '--client-output-buffer-limit', `pubsub ${BUFFER} ${BUFFER} 60`],
    });
  });
  beforeEach(async () => {
    redis = new Redis(server.url);
    opened.later(redis, () => redis.disconnect());
    await redis.flushall();
    prefix = freshPrefix();
    tokens = opened.add(new RedisTokens(server.url, { prefix }));
  });
  afterEach(killPrograms);
  after(() => server.stop());

  const checkServed = async () => {
    const made = await tokens.create(ANN);
    assert.deepEqual(await tokens.get({ ...SCOPE, token: made.token }), made);
    assert.isTrue(await tokens.delete({ ...SCOPE, token: made.token }));
    assert.isUndefined(await tokens.get({ ...SCOPE, token: made.token }));
  };

  it('of guesses leaves nothing in Redis, with misses counted by client no more than that', async () => {
    const counting = opened.add(new RedisTokens(server.url, { prefix, guessing: {} }));
    const guess = (door: RedisTokens, client?: string) =>
      Promise.all(
        Array.from({ length: 1_000 }, (_, i) =>
          door.get({ ...SCOPE, token: i % 2 ? generateToken() : 'rt_ill-formed', client }),
        ),
      );
    await checkServed();
    await guess(counting);
    const before = await roomOf(redis);
    for (let i = 0; i < 10; i++) {
      for (const found of await guess(tokens, 'client')) assert.isUndefined(found);
      for (const found of await guess(counting, `client ${i}`)) assert.isUndefined(found);
      await checkServed();
    }
    const after = await roomOf(redis);
    assert.isAtMost(after.keys, before.keys + 1);
    assert.isBelow(after.memory, before.memory + 2 * MEGABYTE, 'of 20,000 guesses');
  });

  it('of commands that no worker takes fills a lane as far as it may, and no revocation is kept out', async () => {
    const LIMIT = 200;
    const producer = opened.add(
      new TokenProducer(server.url, { prefix, maxQueueDepth: LIMIT, batch: { max: 1 } }),
    );
    const flood = async () => {
      const results = await Promise.allSettled(
        Array.from({ length: 1_000 }, () =>
          producer.enqueue('create', { ...ANN, data: { text: 'x'.repeat(5_000) } }),
        ),
      );
      await producer.enqueue('deleteAll', OWNER);
      for (const result of results)
        if (result.status === 'rejected') assert.instanceOf(result.reason, QueueFullError);
      await checkServed();
      return roomOf(redis);
    };
    const first = await flood();
    for (let i = 0; i < 5; i++) await flood();
    const last = await flood();
    assert.equal(await redis.llen(`{${prefix}}:commands:wait`), LIMIT);
    assert.equal(await redis.llen(`{${prefix}}:revocations:wait`), 7);
    assert.isAtMost(last.keys, first.keys + 6, 'the revocations');
    assert.isBelow(last.memory, first.memory + MEGABYTE, 'of 6,000 jobs of 5 kB');
  });

  it('of jobs leaves what was decided for them for a minute', async () => {
    const worker = opened.add(new TokenWorker({ connection: server.url, prefix }));
    await worker.start();
    const producer = opened.add(new TokenProducer(server.url, { prefix, batch: { max: 1 } }));
    await Promise.all(
      Array.from({ length: 1_000 }, (_, i) =>
        i % 2
          ? producer.delete({ ...SCOPE, token: generateToken() })
          : producer.update({ ...SCOPE, token: generateToken(), data: { i } }),
      ),
    );
    const records = () => redis.keys(`{${prefix}:0}:job:*`);
    await eventually('each goes within a minute', async () => {
      const lives = await Promise.all((await records()).map((key) => redis.pttl(key)));
      return lives.length > 900 && Math.max(...lives) <= 60_000;
    });
    await checkServed();
    await moveIntoPast(redis, prefix, 60_001);
    assert.isEmpty(await records());
  });

  it('of revocations that are older than marks are kept takes no more room than marks do', async () => {
    const worker = opened.add(new TokenWorker({ connection: server.url, prefix }));
    await worker.start();
    const late = `{${prefix}:0}:late`;
    const old = stamp() - 3_600_000_000;
    for (let i = 0; i < 10; i++) {
      const marks = Array.from({ length: 10_000 }, (_, n) => [old - 1, `owner:flood:${i}:${n}`]).flat();
      await redis.zadd(late, ...marks);
    }
    const queue = opened.add(new Queue('revocations', { connection: redis, prefix: `{${prefix}}` }));
    const commands = Array.from({ length: 50 }, (_, i) => ({
      ...{ commandId: `c${i}`, op: 'deleteAll', issuedAt: old, ...SCOPE, owner: `owner ${i}` },
    }));
    await queue.add('batch', { v: 1, replyTo: null, commands }, { jobId: 'j-late' });
    await eventually('it is done', async () => (await queue.getJob('j-late'))?.finishedOn);
    assert.equal(await redis.zcard(late), 100_000);
    assert.lengthOf(await redis.zrangebyscore(late, old, old), 50, 'the youngest stay');
    assert.isAtMost(await redis.pttl(late), 60_000);
    await checkServed();
  });

  it('of events to a subscriber that does not read is bounded by Redis, and it hears of each when it reads again', async () => {
    const from = await cursorNow();
    const program = start(['--import', 'tsx', PROGRAM, JSON.stringify({ url: server.url, prefix, from })]);
    await program.line('ready');
    const listeners = async () =>
      String(await redis.call('CLIENT', 'LIST', 'TYPE', 'pubsub'))
        .split('\n')
        .filter(Boolean);
    assert.lengthOf(await listeners(), 1);
    program.kill('SIGSTOP');
    const before = await roomOf(redis);
    // Names as long as they may be: some 8 kB for each event.
    const app = '😀'.repeat(256);
    let most = 0;
    const ids: string[] = [];
    await eventually(
      'Redis gives it up',
      async () => {
        const made = await Promise.all(
          Array.from({ length: 100 }, () => tokens.create({ app, type: app, owner: app, duration: 600 })),
        );
        ids.push(...made.map(({ id }) => id));
        await tokens.deleteAll({ app, type: app, owner: app });
        most = Math.max(most, ...(await listeners()).map((line) => Number(/ omem=(\d+)/.exec(line)?.[1])));
        return (await listeners()).length === 0;
      },
      40_000,
    );
    assert.isBelow(most, 2 * BUFFER);
    await checkServed();
    const logged = Number(await redis.memory('USAGE', `{${prefix}:0}:log`, 'SAMPLES', 0));
    const after = await roomOf(redis);
    assert.isBelow(after.memory - before.memory - logged, 8 * MEGABYTE, 'besides the log');
    program.kill('SIGCONT');
    await eventually(
      'it has caught up',
      () => {
        const done = new Set(
          program.stdout.filter((line) => line.startsWith('done ')).map((line) => line.split(' ')[2]),
        );
        return ids.every((id) => done.has(id));
      },
      20_000,
    );
    assert.isEmpty(program.stdout.filter((line) => line.startsWith('lost')));
  });

  async function cursorNow(): Promise<string> {
    await checkServed();
    const subscriber = opened.add(new TokenSubscriber(server.url, { prefix }));
    await subscriber.start();
    const { cursor } = subscriber;
    await subscriber.close();
    return cursor;
  }
});
