// A subscriber hears what happens to tokens, at once.
import { on } from 'node:events';
import { assert } from 'chai';
import { ConfigError, TOKEN_EVENT_TYPES, type TokenEvent, TokenSubscriber } from '../../src/index.js';
import { eventually, rejection } from '../support/eventually.js';
import { moveIntoPast } from '../support/time-travel.js';
import { Ear, SCOPE } from './ear.js';

/** CloudEvents 1.0, and what we promise beyond: exactly these members. */
function checkEnvelope(event: TokenEvent): void {
  assert.sameMembers(Object.keys(event), ['specversion', 'id', 'source', 'type', 'subject', 'time', 'data']);
  assert.strictEqual(event.specversion, '1.0');
  assert.match(event.id, /^\d+-\d{13}-\d+$/);
  assert.strictEqual(event.source, 'redis-tokens');
  assert.include(TOKEN_EVENT_TYPES, event.type);
  assert.match(event.subject, /^[A-Za-z0-9_-]{22}$/);
  assert.match(event.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.equal(new Date(event.time).toISOString(), event.time);
  assert.approximately(Date.parse(event.time), Date.now(), 10_000);
  assert.isBelow(Buffer.byteLength(JSON.stringify(event)), 65_536);
  const { app, type, owner, version, reason, commandId, ...rest } = event.data;
  for (const name of [app, type, owner]) assert.isString(name);
  assert.isTrue(version === undefined || Number.isInteger(version));
  assert.isTrue(commandId === undefined || typeof commandId === 'string');
  assert.equal(reason !== undefined, event.type === 'token-revoked');
  assert.deepEqual(rest, {});
}

describe('A subscriber', () => {
  const ear = new Ear();

  it('hears of each step of a token’s life, as CloudEvents without the token', async () => {
    const heard = await ear.listen();
    const { token, id } = await ear.create('ann', { data: { secret: 'of the data' } });
    await ear.tokens.update({ ...SCOPE, token, data: { a: 1 } });
    await ear.tokens.refresh({ ...SCOPE, token, duration: 90 });
    await ear.tokens.delete({ ...SCOPE, token });
    const bob = await ear.create('bob');
    await ear.tokens.deleteAll({ ...SCOPE, owner: 'bob' });
    const eve = await ear.create('eve', { duration: 5 });
    await moveIntoPast(ear.redis, ear.prefix, 10_000);
    await ear.tokens.list({ ...SCOPE, owner: 'eve' });
    const events = await heard.count(8);
    for (const event of events) checkEnvelope(event);
    const facts = events.map(({ type, subject, data: { owner, version, reason } }) => [
      type.slice('token-'.length),
      subject,
      owner,
      version,
      reason,
    ]);
    assert.deepEqual(facts, [
      ['created', id, 'ann', 1, undefined],
      ['updated', id, 'ann', 2, undefined],
      ['refreshed', id, 'ann', 3, undefined],
      ['revoked', id, 'ann', 3, 'deleted'],
      ['created', bob.id, 'bob', 1, undefined],
      ['revoked', bob.id, 'bob', 1, 'deleted-all'],
      ['created', eve.id, 'eve', 1, undefined],
      ['expired', eve.id, 'eve', undefined, undefined],
    ]);
    for (const { data } of events) assert.deepInclude(data, SCOPE);
    const text = JSON.stringify(events);
    for (const secret of [token, bob.token, eve.token, 'of the data']) assert.notInclude(text, secret);
  });

  it('hears the same from the log as it did live', async () => {
    const live = await ear.listen();
    const { token } = await ear.create('ann "\n\\ 🙂', { type: 'é' });
    await ear.tokens.delete({ ...SCOPE, type: 'é', token });
    await live.count(2);
    const later = await ear.listen({ from: 0 });
    assert.deepEqual(later.events, live.events);
    for (const event of later.events) checkEnvelope(event);
  });

  it('has listeners for a type, which hear of that type alone', async () => {
    const { subscriber, count } = await ear.listen();
    const kinds: Record<string, string[]> = {};
    for (const type of TOKEN_EVENT_TYPES) {
      kinds[type] = [];
      subscriber.on(type, (event) => void kinds[type]?.push(event.type));
    }
    let once = 0;
    subscriber.once('token-created', () => void once++);
    const removed = () => assert.fail('it was removed');
    subscriber.on('token-created', removed).off('token-created', removed);
    const { token } = await ear.create('ann');
    await ear.create('bob');
    await ear.tokens.delete({ ...SCOPE, token });
    await count(3);
    assert.deepEqual(kinds['token-created'], ['token-created', 'token-created']);
    assert.deepEqual(kinds['token-revoked'], ['token-revoked']);
    assert.deepEqual(kinds['token-updated'], []);
    assert.equal(once, 1);
  });

  for (const names of [
    ['shop', 'session', 'ann'],
    ['a:b', 'c', 'd:e'],
    ['*', '*', '*'],
    ['?', '[a-z]', '\\'],
    ['🙂', 'é ', '日本'],
    ['%2A', 'a%3Ab', '{x}'],
  ] as const) {
    it(`hears of its app, type and owner alone where they are ${JSON.stringify(names)}`, async () => {
      const [app, type, owner] = names;
      const right = { app, type, owner, duration: 60 };
      const wrong = [
        { ...right, app: `${app}x` },
        { ...right, app: 'x' },
        { ...right, app: `${app}:${type}` },
        { ...right, type: `${type}:` },
        { ...right, type: 'x' },
        { ...right, owner: 'x' },
        { ...right, owner: `${owner}:` },
        { ...right, app: type, type: app === type ? 'y' : app },
      ];
      const [all, byApp, byType, byOwner, byEach] = [
        await ear.listen(),
        await ear.listen({ app }),
        await ear.listen({ type }),
        await ear.listen({ owner }),
        await ear.listen({ app, type, owner }),
      ];
      for (const input of [...wrong, right]) await ear.tokens.create(input);
      await all.count(wrong.length + 1);
      const { token } = await ear.tokens.create(right);
      await ear.tokens.delete({ app, type, token });
      await byEach.count(3);
      await all.count(wrong.length + 3);
      const holds = (filter: Partial<typeof right>) =>
        all.events.filter(({ data }) =>
          Object.entries(filter).every(([key, value]) => data[key as 'app'] === value),
        );
      for (const [heard, filter] of [
        [byApp, { app }],
        [byType, { type }],
        [byOwner, { owner }],
        [byEach, { app, type, owner }],
      ] as const) {
        await heard.count(holds(filter).length);
        assert.deepEqual(heard.events, holds(filter), JSON.stringify(filter));
        const logged = await ear.listen({ ...filter, from: 0 });
        assert.deepEqual(logged.events, heard.events, 'from the log, too');
      }
      assert.lengthOf(byEach.events, 3);
    });
  }

  it('hears nothing of another deployment', async () => {
    const heard = await ear.listen();
    const other = ear.open({ prefix: `${ear.prefix}x` });
    await other.create({ ...SCOPE, owner: 'eve', duration: 60 });
    await ear.create('ann');
    await heard.count(1);
    assert.deepEqual(heard.owners(), ['ann']);
  });

  it('begins with what happens once it has started, on a log that is empty or not', async () => {
    const first = await ear.listen();
    await ear.create('ann');
    const second = await ear.listen();
    await ear.create('bob');
    await second.count(1);
    await first.count(2);
    assert.deepEqual(first.owners(), ['ann', 'bob']);
    assert.deepEqual(second.owners(), ['bob']);
    assert.deepEqual([...first.lost, ...second.lost], []);
  });

  it('can be iterated, and stops when it is told to', async () => {
    const { subscriber } = await ear.listen();
    const controller = new AbortController();
    const owners: string[] = [];
    const iterated = (async () => {
      const events = on(subscriber as never, 'token-revoked', { signal: controller.signal });
      for await (const [event] of events as AsyncIterable<[TokenEvent<'token-revoked'>]>) {
        owners.push(event.data.owner);
        if (owners.length === 2) controller.abort();
      }
    })();
    for (const owner of ['ann', 'bob']) {
      await ear.create(owner);
      await ear.tokens.deleteAll({ ...SCOPE, owner });
    }
    assert.equal((await rejection(iterated)).name, 'AbortError');
    assert.deepEqual(owners, ['ann', 'bob']);
    assert.equal(subscriber.listenerCount('token-revoked'), 0);
  });

  it('tells of a listener that fails, now or later, as an error, and stops nobody', async () => {
    const { subscriber, errors, count } = await ear.listen();
    const now = new Error('at once');
    const later = new Error('later');
    let after = 0;
    subscriber.prependListener('event', () => {
      throw now;
    });
    subscriber.on('token-created', async () => {
      throw later;
    });
    subscriber.on('token-created', () => void after++);
    await ear.create('ann');
    await ear.create('bob');
    await count(2);
    await eventually('all is told', () => errors.length === 4);
    assert.sameMembers(errors, [now, later, now, later]);
    assert.equal(after, 2);
  });

  it('needs no listener of errors', async () => {
    const { subscriber, count } = await ear.listen();
    subscriber.removeAllListeners('error');
    subscriber.prependListener('event', () => Promise.reject(new Error('nobody hears')));
    subscriber.prependListener('event', () => {
      throw new Error('nobody hears');
    });
    await ear.create('ann');
    await ear.create('bob');
    await count(2);
    await ear.redis.ping();
    assert.isTrue(subscriber.connected);
  });

  it('leaves aside what others publish on its channels', async () => {
    const heard = await ear.listen();
    const channel = `${ear.prefix}:events:token-revoked:shop:session`;
    for (const junk of ['', '{', 'null', '7', '{}', '{"id":7}', '{"id":"0-1-1"}', '{"id":"x","data":null}']) {
      assert.equal(await ear.redis.publish(channel, junk), 1);
    }
    await ear.create('ann');
    await heard.count(1);
    assert.deepEqual(heard.owners(), ['ann']);
  });

  it('tells when it is connected, and of nothing once it is closed', async () => {
    const heard = ear.subscriber();
    const { subscriber } = heard;
    const told: string[] = [];
    subscriber.on('connected', () => void told.push('connected'));
    subscriber.on('disconnected', () => void told.push('disconnected'));
    assert.isFalse(subscriber.connected);
    const starting = [subscriber.start(), subscriber.start()];
    await Promise.all(starting);
    assert.isTrue(subscriber.connected);
    await Promise.all([subscriber.close(), subscriber.close(), subscriber[Symbol.asyncDispose]()]);
    assert.isFalse(subscriber.connected);
    await ear.create('ann');
    assert.deepEqual(heard.events, []);
    assert.equal(told[0], 'connected');
    assert.isAtMost(told.length, 2);
    assert.equal((await rejection(subscriber.start())).code, 'CLOSED');
  });

  it('closed before it is started, or while it starts, ends what it opened', async () => {
    await ear.subscriber().subscriber.close();
    const { subscriber } = ear.subscriber();
    const from = performance.now();
    const starting = rejection(subscriber.start());
    await subscriber.close();
    assert.equal((await starting).code, 'CLOSED');
    assert.isBelow(performance.now() - from, 1_000, 'at once');
    assert.isFalse(subscriber.connected);
  });

  it('takes a URL, options or a client, which stays as it is', async () => {
    const { hostname, port } = new URL(ear.url);
    const client = ear.client({ maxRetriesPerRequest: 3, lazyConnect: true });
    const settings = { ...client.options };
    for (const connection of [{ host: hostname, port: Number(port) }, client]) {
      const heard = await ear.listen({}, connection);
      await ear.create('ann');
      await heard.count(1);
      await heard.subscriber.close();
    }
    assert.equal(client.status, 'wait');
    assert.deepEqual(client.options, settings);
    assert.equal(client.listenerCount('close') + client.listenerCount('ready'), 0);
  });

  it('with options that can not work is refused when it is made', () => {
    const make =
      (options: object, connection: unknown = ear.url) =>
      () =>
        new TokenSubscriber(connection as string, options);
    const wrong: [() => unknown, RegExp][] = [
      [make({ ap: 'x' }), /"ap"/],
      [make({ shards: 4 }), /"shards"/],
      [make({ app: '' }), /"app"/],
      [make({ type: 7 }), /"type"/],
      [make({ owner: 'a\0' }), /"owner"/],
      [make({ prefix: 'a:b' }), /"prefix"/],
      [make({ from: 'yesterday' }), /"from"/],
      [make({ from: '' }), /"from"/],
      [make({ from: '1:0-0' }), /"from"/],
      [make({ from: '0:0-0,0:0-0' }), /"from"/],
      [make({ from: -1 }), /"from"/],
      [make({ from: 0.5 }), /"from"/],
      [make({}, { keyPrefix: 'x' }), /keyPrefix/],
      [make({}, { prefix: 'x' }), /prefix/],
      [make({}, 'localhost'), /URL/],
    ];
    for (const [attempt, hint] of wrong) assert.throws(attempt, ConfigError, hint);
  });
});
