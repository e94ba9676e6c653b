// An entry of the log that no script of ours has written: it is told as lost, and what follows is heard.
import { assert } from 'chai';
import { EventHistory } from '../../src/events/history.js';
import { RedisTokens, TokenSubscriber } from '../../src/index.js';
import { SCOPE, Stage } from '../queue/stage.js';
import { eventually } from '../support/eventually.js';

const DATA = { ...SCOPE, owner: 'ann' };
const ENTRIES: Record<string, [field: string, text: string]> = {
  'is no JSON': ['event', 'garbage'],
  'is null': ['event', 'null'],
  'has no data': ['event', '{"type":"token-revoked","subject":"x","data":null}'],
  'has another field': ['other', 'x'],
  'is of a type that a subscriber tells its own failures by': [
    'event',
    JSON.stringify({ type: 'error', subject: 'x', data: DATA }),
  ],
};

describe('An entry of the log that', () => {
  const stage = new Stage();

  for (const [what, [field, text]] of Object.entries(ENTRIES)) {
    it(`${what} is told as lost, and stops no subscriber`, async () => {
      const tokens = stage.opened.add(new RedisTokens(stage.url, { prefix: stage.prefix }));
      await tokens.ready();
      const subscriber = stage.opened.add(
        new TokenSubscriber(stage.url, { prefix: stage.prefix, app: 'shop' }),
      );
      const heard: string[] = [];
      const lost: string[] = [];
      subscriber.on('event', ({ type }) => heard.push(type));
      subscriber.on('events-lost', ({ to }) => lost.push(to));
      subscriber.on('error', (error) => heard.push(`error ${error}`));
      await subscriber.start();
      const id = await stage.redis.xadd(`{${stage.prefix}:0}:log`, '*', field, text);
      const { token } = await tokens.create({ ...DATA, duration: 60 });
      await tokens.delete({ ...SCOPE, token });
      await eventually('the revocation is heard', async () => heard.includes('token-revoked'));
      assert.deepEqual(heard, ['token-created', 'token-revoked']);
      assert.deepEqual(lost, [id]);
      assert.isTrue(subscriber.connected);

      const history = stage.opened.add(new EventHistory(stage.url, stage.prefix, 5_000));
      const told: string[] = [];
      const types: string[] = [];
      for await (const { type } of history.read({ onLost: ({ to }) => told.push(to) })) types.push(type);
      assert.deepEqual([types, told], [heard, lost]);
    });
  }
});
