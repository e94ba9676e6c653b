// Events as they travel: each type against the file in golden/ that documents it, in the log and on its channel.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from 'chai';
import type { Redis } from 'ioredis';
import { generateToken, RedisTokens, TOKEN_EVENT_TYPES, type TokenEvent } from '../../src/index.js';
import { moveIntoPast } from '../support/time-travel.js';
import { type Deployment, openDeployment, until } from './deployment.js';

const PLACE = { app: 'shop', type: 'session', owner: 'ann "the first"\n' };

/** What every event has, and CloudEvents 1.0 asks for. */
const CONTEXT = {
  specversion: /^1\.0$/,
  id: /^0-\d{13}-\d+$/,
  source: /^redis-tokens$/,
  type: /^token-[a-z]+$/,
  subject: /^[A-Za-z0-9_-]{22}$/,
  time: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
};

describe('Events', () => {
  let deployment: Deployment;
  let listener: Redis;
  let published: { channel: string; text: string }[];

  beforeEach(async () => {
    deployment = await openDeployment();
    published = [];
    listener = deployment.redis.duplicate();
    listener.on('pmessage', (_: string, channel: string, text: string) => published.push({ channel, text }));
    await listener.psubscribe(`${deployment.prefix}:events:*`);
  });

  afterEach(async () => {
    await listener.quit();
    await deployment.close();
  });

  it('look as their golden files do', async () => {
    const { tokens, producer, redis, prefix } = deployment;
    const heard: TokenEvent[] = [];
    const subscriber = await deployment.subscribe();
    subscriber.on('event', (event) => heard.push(event));

    const create = { ...PLACE, duration: 60, data: { private: 'data' } };
    const made = await tokens.create(create);
    const input = { ...PLACE, token: made.token };
    await tokens.update({ ...input, data: { more: 1 } });
    await tokens.refresh({ ...input, duration: 60 });
    await tokens.delete(input);
    await producer.create({ ...create, customToken: generateToken() }, { commandId: 'create-1' });
    await producer.deleteAll(PLACE, { commandId: 'log-out.2_everywhere' });
    await tokens.create(create);
    await producer.create(
      { ...create, customToken: generateToken(), limit: { max: 1, overflow: 'end-oldest' } },
      { commandId: 'create-2' },
    );
    await tokens.create({ ...create, duration: 1 });
    await moveIntoPast(redis, prefix, 2_000);
    await tokens.list(PLACE);
    const { app, type } = PLACE;
    await tokens.consume({ app, type, token: (await tokens.create(create)).token });
    await tokens.deleteById({
      ...PLACE,
      id: (await tokens.create(create)).id,
      reason: 'a "reason"',
      by: 'user',
    });
    await tokens.deleteScope({ app, type }); // the one that was made under a limit
    await tokens.create(create);
    await tokens.deleteApp({ app });
    const rotating = await tokens.create(create);
    await tokens.rotate({ ...PLACE, token: rotating.token });
    await tokens.get({ ...PLACE, token: rotating.token });
    const sealed = await tokens.create(create);
    const peppers = [
      { id: '2026', key: 'p'.repeat(32) },
      { id: 'none', key: null },
    ];
    const peppered = new RedisTokens(deployment.url, { prefix, pepper: peppers });
    await peppered.get({ app, type, token: sealed.token });
    await peppered.close();

    const names = [
      'created',
      'updated',
      'refreshed',
      'revoked-deleted',
      'created-by-command',
      'revoked-deleted-all',
      'created',
      'revoked-limit',
      'created-with-room',
      'created',
      'expired',
      ...['created', 'revoked-consumed', 'created', 'revoked-with-reason'],
      ...['revoked-deleted-scope', 'created', 'revoked-deleted-app'],
      ...['created', 'rotated', 'revoked-reused', 'reused'],
      ...['created', 'resealed'],
    ];
    await until(() => heard.length >= names.length && published.length >= names.length);
    assert.lengthOf(heard, names.length);
    const log = await redis.xrange(`{${prefix}:0}:log`, '-', '+');
    for (const [i, name] of names.entries()) {
      const { channel, text } = published[i] as { channel: string; text: string };
      const event = JSON.parse(text) as TokenEvent;
      for (const [attribute, form] of Object.entries(CONTEXT)) {
        assert.match(event[attribute as 'id'], form, attribute);
      }
      assert.closeTo(Date.parse(event.time), Date.now(), 60_000);
      assert.equal(channel, `${prefix}:events:${event.type}:shop:session`);
      // To the byte, so to the order of its properties.
      assert.equal(withoutVolatile(text), golden(name), name);
      // The log tells the same, but for the id that the entry has itself.
      const [entry, [field, logged]] = log[i] as [string, string[]];
      assert.equal(event.id, `0-${entry}`);
      assert.equal(field, 'event');
      const { id: _, ...rest } = event;
      assert.equal(logged, JSON.stringify(rest));
      assert.deepEqual(heard[i], event);
    }
    assert.equal(new Set(heard.map(({ id }) => id)).size, names.length);
    assert.sameMembers([...new Set(heard.map(({ type }) => type))], [...TOKEN_EVENT_TYPES]);
  });

  it('hold no secret and no data, and stay below 64 KiB with the longest names', async () => {
    const { producer } = deployment;
    for (const [i, filler] of ['🙂', '\u0001', '\u2028', '"'].entries()) {
      const name = filler.repeat(256);
      const place = { app: name, type: name, owner: name };
      const customToken = 'S'.repeat(1_024);
      const data = { secretive: 'x'.repeat(60_000) };
      await producer.create(
        { ...place, duration: 60, data, customToken },
        { commandId: `c${i}${'-'.repeat(126)}` },
      );
      await producer.update({ ...place, token: customToken, data: { secretive: null } });
      await producer.delete({ ...place, token: customToken });
      await until(() => published.length >= 3);
      for (const { text } of published.splice(0)) {
        assert.isBelow(Buffer.byteLength(text), 65_536);
        assert.notInclude(text, 'SSS');
        assert.notInclude(text, 'secretive');
        const { data: told, ...context } = JSON.parse(text) as TokenEvent;
        assert.include(told, place);
        assert.notInclude(JSON.stringify(context), name.slice(0, 4));
      }
    }
  });
});

function withoutVolatile(text: string): string {
  const event = JSON.parse(text) as TokenEvent;
  if (event.data.successor) event.data.successor = '<successor>';
  return `${JSON.stringify({ ...event, id: '<id>', subject: '<subject>', time: '<time>' }, null, 2)}\n`;
}

const golden = (name: string): string =>
  readFileSync(join(import.meta.dirname, 'golden', `token-${name}.json`), 'utf8');
