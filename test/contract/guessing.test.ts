// Misses by client, through each door in process: from how many on somebody is told of, and what is no miss.
import { assert } from 'chai';
import {
  type GuessingSuspected,
  generateToken,
  RedisTokens,
  TokenSubscriber,
  ValidationError,
} from '../../src/index.js';
import { MemoryTokens } from '../../src/memory/index.js';
import { eventually, rejection } from '../support/eventually.js';
import { Opened } from '../support/opened.js';
import { openPlain } from '../support/plain-client.js';
import { freshPrefix, onCluster, sharedRedis } from '../support/redis.js';
import { moveIntoPast } from '../support/time-travel.js';

const SCOPE = { app: 'shop', type: 'session' };
const MISSES = 5;
const WINDOW = 600_000;
const guessing = { misses: MISSES, window: WINDOW };
const CLIENT = '203.0.113.7';

interface Subject {
  tokens: RedisTokens | MemoryTokens;
  /** Who was told of, once whatever was done so far has been counted. */
  suspicions(): Promise<GuessingSuspected[]>;
  advance(ms: number): Promise<void>;
}

const SUBJECTS: Record<string, (opened: Opened) => Promise<Subject>> = {
  MemoryTokens: async (opened) => {
    const tokens = opened.add(new MemoryTokens({ guessing }));
    return {
      tokens,
      suspicions: async () => [...tokens.suspicions],
      advance: async (ms) => tokens.advance(ms / 1_000),
    };
  },
  RedisTokens: (opened) => onRedis(opened, {}),
  ...(!onCluster && { 'RedisTokens with a near cache': (opened: Opened) => onRedis(opened, { cache: {} }) }),
  'RedisTokens with several shards': (opened) => onRedis(opened, { shards: 8 }),
};

async function onRedis(opened: Opened, options: object): Promise<Subject> {
  const { url } = await sharedRedis();
  const prefix = freshPrefix();
  const redis = openPlain(url);
  opened.later(redis, () => redis.disconnect());
  const subscriber = opened.add(new TokenSubscriber(url, { prefix }));
  const told: GuessingSuspected[] = [];
  subscriber.on('guessing-suspected', (event) => told.push(event));
  await subscriber.start();
  const tokens = opened.add(new RedisTokens(url, { prefix, guessing, ...options }));
  let rounds = 0;
  return {
    tokens,
    suspicions: async () => {
      // Another closes once it has counted: what began to be sent before is counted by then, and its message on its way.
      const marker = `marker ${rounds++}`;
      await eventually('its own misses are told of', async () => {
        for (let i = 0; i < MISSES; i++) await tokens.get({ ...SCOPE, token: 'none', client: marker });
        return told.some(({ data }) => data.client === marker);
      });
      return told.filter(({ data }) => !data.client.startsWith('marker'));
    },
    advance: (ms) => moveIntoPast(redis, prefix, ms),
  };
}

for (const [name, open] of Object.entries(SUBJECTS)) {
  describe(`${name} with guessing`, () => {
    const opened = new Opened();
    let subject: Subject;
    let tokens: Subject['tokens'];
    beforeEach(async () => {
      subject = await open(opened);
      ({ tokens } = subject);
    });

    const miss = async (times: number, fields: object = {}) => {
      for (let i = 0; i < times; i++)
        assert.isUndefined(await tokens.get({ ...SCOPE, token: `guess ${i}`, client: CLIENT, ...fields }));
    };
    const told = async () => (await subject.suspicions()).map(({ data }) => data.client);

    it('tells of a client with as many misses, once, and of none with fewer', async () => {
      await miss(MISSES - 1, { client: 'another' });
      await miss(3 * MISSES);
      const [event, ...others] = await subject.suspicions();
      assert.isEmpty(others);
      assert.hasAllKeys(event, ['specversion', 'id', 'source', 'type', 'time', 'data']);
      assert.include(event, {
        ...{ specversion: '1.0', source: 'redis-tokens', type: 'guessing-suspected' },
      });
      assert.match(event?.time ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      assert.isAtMost(Math.abs(Date.parse(event?.time ?? '') - Date.now()), 60_000);
      const { misses, ...data } = event?.data ?? { misses: 0 };
      assert.deepEqual(data, { ...SCOPE, client: CLIENT, window: WINDOW });
      assert.isAtLeast(misses, MISSES);
    });

    it('begins anew when the window is over', async () => {
      await miss(MISSES - 1);
      assert.isEmpty(await told());
      await subject.advance(WINDOW + 1);
      await miss(MISSES - 1);
      assert.isEmpty(await told());
      await subject.advance(WINDOW + 1);
      await miss(MISSES);
      assert.deepEqual(await told(), [CLIENT]);
      await subject.advance(WINDOW + 1);
      await miss(MISSES);
      assert.deepEqual(await told(), [CLIENT, CLIENT]);
    });

    it('counts every use of a token that is none, and what can be none', async () => {
      const ill = { ...SCOPE, token: 'rt_ill-formed', client: CLIENT };
      const well = { ...SCOPE, token: generateToken(), client: CLIENT };
      await tokens.get(ill);
      await tokens.update({ ...well, data: { n: 1 } });
      await tokens.refresh({ ...well, duration: 60 });
      await tokens.rotate(ill);
      assert.isEmpty(await told());
      await tokens.delete(well);
      assert.deepEqual(await told(), [CLIENT]);
      for (let i = 0; i < MISSES; i++) await tokens.consume({ ...well, client: 'consumer' });
      assert.deepEqual(await told(), [CLIENT, 'consumer']);
    });

    it('counts no hit, no miss of nobody, and nobody’s misses for another, in whatever scope', async () => {
      const { token } = await tokens.create({ ...SCOPE, owner: 'ann', duration: 60 });
      for (let i = 0; i < 2 * MISSES; i++) {
        assert.isObject(await tokens.get({ ...SCOPE, token, client: CLIENT }));
        assert.isObject(await tokens.update({ ...SCOPE, token, client: CLIENT, data: { i } }));
        await tokens.get({ ...SCOPE, token: 'none' });
        const byId = { ...SCOPE, id: 'A'.repeat(22), client: CLIENT };
        assert.isUndefined(await tokens.getById(byId));
        assert.isFalse(await tokens.deleteById(byId), 'nobody has presented a token');
      }
      await miss(MISSES - 1);
      await miss(MISSES - 1, { type: 'api-key' });
      await miss(MISSES - 1, { client: `${CLIENT}0` });
      assert.isEmpty(await told());
    });

    it('refuses what can be no client, before any I/O', async () => {
      for (const client of ['', 'x'.repeat(257), 7, null, '\0', '\ud800']) {
        const error = await rejection<ValidationError>(
          tokens.get({ ...SCOPE, token: 'x', client: client as string }),
        );
        assert.instanceOf(error, ValidationError);
        assert.deepEqual(
          error.fields.map(({ field }) => field),
          ['client'],
        );
      }
      await miss(MISSES, { client: '😀'.repeat(256) });
      assert.deepEqual(await told(), ['😀'.repeat(256)]);
    });
  });
}
