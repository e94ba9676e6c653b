// A change and its event are one step: whenever the process that makes it is killed, there are both or neither.
import { setTimeout as wait } from 'node:timers/promises';
import { assert } from 'chai';
import { Redis } from 'ioredis';
import { type LoggedEvent, readLog, until } from '../acceptance/deployment.js';
import { killPrograms, startProgram } from '../acceptance/processes.js';
import { freshPrefix, sharedRedis } from '../support/redis.js';

const KILLS = 20;
const SIDE_BY_SIDE = 4;

describe('A killed process', function () {
  this.timeout(120_000);
  let redis: Redis;
  let url: string;

  before(async () => {
    ({ url } = await sharedRedis());
    redis = new Redis(url, { maxRetriesPerRequest: null, replyMapping: 'legacy' });
  });

  after(() => redis.quit());

  afterEach(killPrograms);

  it(`leaves no change without its event, and no event without its change, ${KILLS} times over`, async () => {
    let changes = 0;
    let kills = 0;
    const killMany = async () => {
      while (kills < KILLS) {
        // Every tenth runs its changes through the queue, with the worker in the same process.
        changes += await killOne(kills++ % 10 === 9);
      }
    };
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, killMany));
    assert.isAbove(changes, KILLS * 10, 'changes that were made before the kills');
  });

  async function killOne(queued: boolean): Promise<number> {
    const prefix = freshPrefix();
    const program = startProgram('changer', { url, prefix, queued });
    await program.line('ready');
    const enough = 10 + Math.random() * 60;
    await until(async () => (await redis.xlen(`{${prefix}:0}:log`)) > enough);
    await wait(Math.random() * 10); // at any moment, not only right after a change
    program.kill('SIGKILL');
    assert.equal((await program.ended).signal, 'SIGKILL', program.stderr.join('\n'));
    await gone(prefix);
    try {
      return await compare(prefix);
    } finally {
      const keys = await redis.keys(`{${prefix}*`);
      if (keys.length > 0) await redis.del(keys);
    }
  }

  /** What the process had sent is still read by Redis until its connections are closed. */
  async function gone(prefix: string): Promise<void> {
    for (;;) {
      const clients = String(await redis.client('LIST'));
      if (!clients.includes(prefix)) return;
      await wait(5);
    }
  }

  /** Plays the log back, and compares it with what is stored. Resolves to the number of events. */
  async function compare(prefix: string): Promise<number> {
    const events = await readLog(redis, prefix);
    const told = new Map<string, LoggedEvent['data']>();
    for (const { type, subject, data } of events) {
      const before = told.get(subject)?.version;
      const expected = type === 'token-created' ? 1 : type === 'token-revoked' ? before : (before ?? 0) + 1;
      assert.equal(data.version, expected, `${type} of ${subject}`);
      if (type === 'token-created') assert.isUndefined(before, `${subject} was created twice`);
      else assert.isDefined(before, `${type} of what is not there`);
      if (type === 'token-revoked') told.delete(subject);
      else told.set(subject, data);
    }
    const stored = new Map<string, LoggedEvent['data']>();
    for (const key of await redis.keys(`{${prefix}:0}:t:*`)) {
      const [app, type, owner, version, , , , ...entries] = JSON.parse((await redis.get(key)) as string);
      stored.set(key.slice(-22), { app, type, owner, version });
      // Each update counts one up, so the data tells as well how many there were.
      assert.deepEqual(entries, ['count', String(version - 1)]);
    }
    for (const data of told.values()) delete data.commandId;
    assert.deepEqual(Object.fromEntries(stored), Object.fromEntries(told));
    const indexed = await redis.zrange(`{${prefix}:0}:o:shop:session:ann`, '0', '-1');
    assert.sameMembers(indexed, [...stored.keys()]);
    return events.length;
  }
});
