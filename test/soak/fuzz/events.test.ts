// Entries of the log that hold anything: each is an event or is told as lost, and a subscriber hears what follows.
import { assert } from 'chai';
import fc from 'fast-check';
import { readEvent } from '../../../src/events/log.js';
import { TokenSubscriber } from '../../../src/index.js';
import { Stage } from '../../queue/stage.js';
import { eventually } from '../../support/eventually.js';
import { fuzz, TIMEOUT } from './fuzz.js';
import { garbled, json, tampered, text } from './hostile.js';

const EVENT = {
  specversion: '1.0',
  source: 'redis-tokens',
  type: 'token-revoked',
  subject: 'i'.repeat(22),
  time: '2026-01-01T00:00:00.000Z',
  data: { app: 'shop', type: 'session', owner: 'ann', version: 1, reason: 'deleted' },
};
const SIGNAL = JSON.stringify({ ...EVENT, subject: 'signal' });

/** Each once kept every subscriber from all that followed, or was told to listeners of its own errors. */
const FOUND = [
  ...['garbage', 'null', '[]', '{}', '{"type":"token-revoked","data":null}'],
  JSON.stringify({ ...EVENT, type: 'error' }),
];

const entries = fc.oneof(
  { weight: 4, arbitrary: tampered(fc.constant(EVENT)).map((value) => JSON.stringify(value) ?? '') },
  { weight: 3, arbitrary: garbled(fc.constant(JSON.stringify(EVENT))) },
  { weight: 1, arbitrary: json.map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: text },
);

describe('Fuzzing: events', function () {
  this.timeout(TIMEOUT);
  const stage = new Stage();

  it('are read as they are, or not at all', () =>
    fuzz(entries, FOUND, (entry) => {
      const event = readEvent(entry);
      if (!event) return;
      assert.match(event.type, /^token-/);
      for (const name of [event.subject, event.data.app, event.data.type, event.data.owner])
        assert.isString(name);
    }));

  it('are heard behind whatever stands in the log', async () => {
    const subscriber = stage.opened.add(new TokenSubscriber(stage.url, { prefix: stage.prefix }));
    let heard = 0;
    let told = 0;
    let signals = 0;
    const errors: unknown[] = [];
    subscriber.on('event', ({ subject }) => {
      if (subject === 'signal') signals++;
      else heard++;
    });
    subscriber.on('events-lost', () => {
      told++;
    });
    subscriber.on('error', (error) => errors.push(error));
    await subscriber.start();
    const message = JSON.stringify({ ...EVENT, id: '0-1-0' });
    await fuzz(fc.array(entries, { minLength: 1, maxLength: 20 }), [FOUND], async (several) => {
      heard = told = signals = 0;
      const pipeline = stage.redis.pipeline();
      for (const entry of [...several, SIGNAL]) pipeline.xadd(`{${stage.prefix}:0}:log`, '*', 'event', entry);
      // What a stranger publishes is no more than a hint.
      for (const entry of several)
        pipeline.publish(`${stage.prefix}:events:token-revoked:shop:session`, entry);
      pipeline.publish(`${stage.prefix}:events:token-revoked:shop:session`, message);
      await pipeline.exec();
      await eventually('the last one is heard', async () => signals > 0);
      assert.deepEqual({ signals, each: heard + told }, { signals: 1, each: several.length });
      assert.deepEqual(errors.splice(0), []);
    });
  });
});
