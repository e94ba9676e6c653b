// A subscriber of an app in which little happens is not told of a loss because the log was filled by others.
import { assert } from 'chai';
import { type SinonFakeTimers, useFakeTimers } from 'sinon';
import { Ear } from '../events/ear.js';
import { eventually } from '../support/eventually.js';
import { Way } from '../support/way.js';

/** More at once than this would be more than a log holds between two readings. */
const PORTION = 50_000;
const EVENTS_OF_OTHERS = 200_000;
const LOG_LENGTH = 100_000;

describe('A subscriber of a quiet app, while others fill the log twice over', function () {
  this.timeout(60_000);
  const ear = new Ear();
  /** Of what happens at intervals; all else takes its time. */
  let clock: SinonFakeTimers;
  beforeEach(() => {
    clock = useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  });
  afterEach(() => clock.restore());

  /** The log as it is after so many events of others. */
  async function fillLog(count: number): Promise<void> {
    const event = JSON.stringify({
      specversion: '1.0',
      source: 'redis-tokens',
      type: 'token-refreshed',
      subject: 'x',
      time: new Date(0).toISOString(),
      data: { app: 'mill', type: 'session', owner: 'bob', version: 2 },
    });
    const script = `for i = 1, ARGV[2] do redis.call('XADD', KEYS[1], 'MAXLEN', '~', ${LOG_LENGTH}, '*', 'event', ARGV[1]) end`;
    for (let left = count; left > 0; left -= 1_000) {
      await ear.redis.eval(script, 1, ear.logKey(), event, Math.min(left, 1_000));
    }
  }

  it('is told of no loss, moves its cursor along, and misses nothing', async () => {
    const way = ear.opened.add(await Way.open(ear.url));
    const heard = await ear.listen({ app: 'shop' }, way.url);
    await ear.create('ann');
    await heard.count(1);
    const begun = heard.subscriber.cursor;
    for (let filled = 0; filled < EVENTS_OF_OTHERS; filled += PORTION) {
      await fillLog(PORTION);
      clock.tick(5_000);
      const [[last] = []] = await ear.redis.xrevrange(ear.logKey(), '+', '-', 'COUNT', 1);
      await eventually(
        'the cursor has moved to the end',
        () => heard.subscriber.cursor === `0:${last}`,
        20_000,
      );
    }
    assert.isEmpty(
      await ear.redis.xrange(ear.logKey(), begun.slice(2), begun.slice(2)),
      'the log has gone past what it heard last',
    );
    way.cut();
    await eventually('it knows', () => !heard.subscriber.connected);
    await ear.create('bob');
    await heard.count(2);
    assert.deepEqual(heard.owners(), ['ann', 'bob']);
    assert.deepEqual(heard.lost, []);
    const next = await ear.listen({ app: 'shop', from: heard.subscriber.cursor });
    assert.deepEqual([...next.lost, ...next.events], []);
  });
});
