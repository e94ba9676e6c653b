// Floods that go on until each bound is reached: what takes room stops taking more, and others are served meanwhile.
import { type Job, Queue } from 'bullmq';
import { assert } from 'chai';
import { Redis } from 'ioredis';
import { generateToken, RedisTokens, TokenWorker } from '../../src/index.js';
import { type RedisServer, startRedisServer } from '../../tools/redis-server.js';
import { type Room, roomOf } from '../faults/room.js';
import { SCOPE, stamp } from '../queue/stage.js';
import { eventually } from '../support/eventually.js';
import { Opened } from '../support/opened.js';
import { freshPrefix } from '../support/redis.js';

const MEGABYTE = 2 ** 20;
const OWNER = { ...SCOPE, owner: 'ann' };
const ANN = { ...OWNER, duration: 600 };
const BOUND = 100_000; // of marks, log entries, results, dead letters
const STEP = 5_000;

/** A read: nothing is decided for it. */
const jobOf = () => ({
  v: 1,
  replyTo: null,
  commands: [{ commandId: 'c', op: 'get', issuedAt: stamp(), ...SCOPE, id: 'A'.repeat(22) }],
});

describe('A flood without end', function () {
  this.timeout(600_000);
  const opened = new Opened();
  let server: RedisServer;
  let redis: Redis;
  let prefix: string;
  let tokens: RedisTokens;

  beforeEach(async () => {
    server = await startRedisServer({ args: ['--save', ''] });
    opened.later(server, () => server.stop());
    redis = new Redis(server.url);
    opened.later(redis, () => redis.disconnect());
    prefix = freshPrefix();
    tokens = opened.add(new RedisTokens(server.url, { prefix, timeout: 60_000 }));
  });

  const checkServed = async () => {
    const made = await tokens.create(ANN);
    assert.deepEqual(await tokens.get({ ...SCOPE, token: made.token }), made);
    assert.isTrue(await tokens.delete({ ...SCOPE, token: made.token }));
    assert.isUndefined(await tokens.get({ ...SCOPE, token: made.token }));
  };

  /** @param pour floods once, by so many. */
  async function flood(count: number, pour: (count: number) => Promise<unknown>): Promise<Room> {
    for (let poured = 0; poured < count; poured += STEP) {
      await pour(STEP);
      await checkServed();
    }
    return roomOf(redis);
  }

  const checkFull = (full: Room, after: Room) => {
    assert.isAtMost(after.keys, full.keys + 10);
    assert.isBelow(after.memory, full.memory + 5 * MEGABYTE, 'while at first it took far more');
  };

  it('of revocations of tokens that nobody has keeps as many marks as it may', async () => {
    await checkServed();
    const empty = await roomOf(redis);
    const pour = (count: number) =>
      Promise.all(Array.from({ length: count }, () => tokens.delete({ ...SCOPE, token: generateToken() })));
    const full = await flood(BOUND, pour);
    assert.isAbove(full.memory, empty.memory + 5 * MEGABYTE);
    assert.isBelow(full.memory, empty.memory + 30 * MEGABYTE, 'some 150 bytes for each mark');
    const after = await flood(BOUND / 2, pour);
    checkFull(full, after);
    assert.equal(await redis.zcard(`{${prefix}:0}:revoked`), BOUND);
    assert.isAbove(Number(await redis.get(`{${prefix}:0}:floor`)), 0);
  });

  it('of events keeps as many as the log may have', async () => {
    await checkServed();
    const pour = async (count: number) => {
      await Promise.all(Array.from({ length: count / 2 }, () => tokens.create(ANN)));
      await tokens.deleteAll(OWNER);
    };
    const full = await flood(BOUND + 2 * STEP, pour);
    const after = await flood(BOUND, pour);
    checkFull(full, after);
    const length = await redis.xlen(`{${prefix}:0}:log`);
    assert.isAtLeast(length, BOUND);
    assert.isBelow(length, 1.01 * BOUND);
  });

  for (const [name, state, data] of [
    ['of results that nobody reads', 'completed', jobOf],
    ['of jobs that can not be read', 'failed', () => ({ v: 1, commands: 'none' })],
  ] as const) {
    it(`${name} keeps as many jobs of a queue as it may`, async () => {
      const worker = opened.add(new TokenWorker({ connection: server.url, prefix, concurrency: 200 }));
      await worker.start();
      const queue = opened.add(new Queue('commands', { connection: redis, prefix: `{${prefix}}` }));
      let poured = 0;
      const pour = async (count: number) => {
        const jobs = Array.from({ length: count }, () => ({
          name: 'command',
          data: data(),
          opts: { jobId: `j-${poured++}` },
        }));
        await queue.addBulk(jobs);
        await eventually('they are over', async () => (await queue.getWaitingCount()) === 0, 120_000);
        await eventually(
          'the last is',
          async () => ((await queue.getJob(`j-${poured - 1}`)) as Job).finishedOn,
        );
      };
      const full = await flood(BOUND, pour);
      const after = await flood(2 * STEP, pour);
      checkFull(full, after);
      assert.equal(await redis.zcard(`{${prefix}}:commands:${state}`), BOUND);
      assert.isBelow(after.keys, BOUND + 100);
    });
  }
});
