// Idle times through the doors: what counts as a use, when it is written down, and when a token dies.
import { setTimeout as wait } from 'node:timers/promises';
import { assert } from 'chai';
import { useFakeTimers } from 'sinon';
import { RedisTokens, type RedisTokensOptions, type Token } from '../../src/index.js';
import { MemoryTokens } from '../../src/memory/tokens.js';
import { replaced, SCOPE, Stage } from '../queue/stage.js';
import { eventually } from '../support/eventually.js';
import { moveIntoPast } from '../support/time-travel.js';

const IDLE = 100; // seconds: uses are written down every ten of them

describe('A token with an idle time', () => {
  const stage = new Stage();

  const open = (options: RedisTokensOptions = {}) =>
    stage.opened.add(new RedisTokens(stage.url, { prefix: stage.prefix, ...options }));
  const create = (door: RedisTokens, fields: object = {}) =>
    door.create({ ...SCOPE, owner: 'ann', duration: 3_600, idle: IDLE, ...fields });
  const look = async ({ token }: { token: string }, door: RedisTokens) =>
    (await door.get({ ...SCOPE, token, touch: false })) as Token;
  const move = (ms: number) => moveIntoPast(stage.redis, stage.prefix, ms);

  it('is used by a get, at once and then every tenth of that time, in the background', async () => {
    const tokens = open();
    const made = await create(tokens);
    assert.deepEqual(await tokens.get({ ...SCOPE, token: made.token }), made, 'answered as it was');
    await eventually('it is written down', async () => (await look(made, tokens)).lastUsedAt !== undefined);
    for (const [after, isWritten] of [
      [8_000, false],
      [3_000, true],
      [8_000, false],
    ] as const) {
      await move(after);
      const before = (await look(made, tokens)).lastUsedAt as number;
      await tokens.get({ ...SCOPE, token: made.token });
      const other = open(); // whatever is under way is done once this one is closed
      await other.get({ ...SCOPE, token: made.token });
      await other.close();
      await eventually(`${after} ms later`, async () => {
        const { lastUsedAt, expiresAt } = await look(made, tokens);
        assert.equal(expiresAt, (lastUsedAt as number) + IDLE * 1_000);
        return (lastUsedAt as number) > before === isWritten;
      });
    }
  });

  it('has each use written down where that is asked for', async () => {
    const tokens = open({ touchEvery: 0 });
    const made = await create(tokens);
    let last = 0;
    for (let i = 0; i < 3; i++) {
      await tokens.get({ ...SCOPE, token: made.token });
      await eventually('it is', async () => ((await look(made, tokens)).lastUsedAt ?? 0) > last);
      last = (await look(made, tokens)).lastUsedAt as number;
    }
  });

  it('is not used by a look, a read by its id, a list, a count, or by an update', async () => {
    const tokens = open();
    const made = await create(tokens);
    await look(made, tokens);
    assert.deepInclude(await tokens.getById({ ...SCOPE, id: made.id }), { id: made.id, idle: IDLE });
    await tokens.list({ ...SCOPE, owner: 'ann' });
    await tokens.owners(SCOPE);
    await tokens.update({ ...SCOPE, token: made.token, data: { a: 1 } });
    await tokens.close();
    assert.notProperty(await look(made, open()), 'lastUsedAt');
  });

  it('is used by a get over the queue, by the worker, which waits for that when it is closed', async () => {
    const worker = await stage.startWorker();
    const producer = stage.producer();
    const tokens = open();
    const [used, seen] = await Promise.all([create(tokens), create(tokens)]);
    await producer.get({ ...SCOPE, token: used.token });
    assert.isDefined(await producer.getById({ ...SCOPE, id: seen.id, owner: 'ann' }));
    await producer.get({ ...SCOPE, token: seen.token, touch: false });
    await worker.close();
    assert.isDefined((await look(used, tokens)).lastUsedAt);
    assert.notProperty(await look(seen, tokens), 'lastUsedAt');
  });

  it('is written down as used before its worker is closed', async () => {
    const tokens = open();
    const made = await create(tokens);
    let write = () => {};
    const held = new Promise<void>((resolve) => {
      write = resolve;
    });
    const plain = stage.repository();
    const repository = replaced(plain, { touch: (use) => held.then(() => plain.touch(use)) });
    const worker = await stage.startWorker({ repository });
    await stage.producer().get({ ...SCOPE, token: made.token });
    const order: string[] = [];
    const closing = worker.close().then(() => order.push('closed'));
    // Its queues are closed by now, or almost: a worker that waits for nothing else is through with that in 300 ms.
    await Promise.race([closing, wait(300)]);
    order.push('written down');
    write();
    await closing;
    assert.deepEqual(order, ['written down', 'closed']);
    assert.isDefined((await look(made, tokens)).lastUsedAt);
  });

  it('is used by a get that the near cache answers, too', async () => {
    const near = open({ cache: { ttl: 60_000 } });
    const other = open();
    const made = await create(other);
    await eventually('it is kept', async () => {
      const before = await gets();
      await look(made, near);
      return (await gets()) === before;
    });
    assert.notProperty(await look(made, near), 'lastUsedAt');
    const before = await gets();
    assert.deepEqual(await near.get({ ...SCOPE, token: made.token }), made);
    assert.equal(await gets(), before, 'Redis was not asked');
    await eventually('it is written down', async () => (await look(made, other)).lastUsedAt !== undefined);
  });

  it('is written down as used before a close resolves', async () => {
    const tokens = open();
    const made = await create(tokens);
    await tokens.get({ ...SCOPE, token: made.token });
    await tokens.close();
    assert.isDefined((await look(made, open())).lastUsedAt);
  });

  it('is answered where its use can not be written down', async () => {
    const user = `reader-${stage.prefix}`;
    await stage.redis.call('ACL', 'SETUSER', user, 'on', '>x', '~*', '&*', '+@all');
    try {
      const reader = stage.opened.add(
        new RedisTokens(stage.url.replace('redis://', `redis://${user}:x@`), { prefix: stage.prefix }),
      );
      const made = await create(reader);
      await stage.redis.call('ACL', 'SETUSER', user, '-eval', '-evalsha');
      assert.deepEqual(await reader.get({ ...SCOPE, token: made.token }), made);
      await reader.close();
      assert.notProperty(await look(made, open()), 'lastUsedAt');
    } finally {
      await stage.redis.call('ACL', 'DELUSER', user);
    }
  });

  it('lives to the last millisecond of its idle time, and not a millisecond longer, by the clock of Redis', async () => {
    const tokens = open({ touchEvery: 0 });
    const made = await create(tokens, { idle: 0.15 });
    await tokens.get({ ...SCOPE, token: made.token });
    await eventually('its use is written down', async () => {
      const found = await look(made, tokens);
      return found.lastUsedAt !== undefined;
    });
    const { id, expiresAt } = await look(made, tokens);
    const key = `{${stage.prefix}:0}:t:${id}`;
    let [lastAlive, firstDead] = [0, Number.POSITIVE_INFINITY];
    while (firstDead === Number.POSITIVE_INFINITY) {
      const replies = await stage.redis.multi().time().exists(key).time().exec();
      const [before, exists, after] = (replies ?? []).map(([, reply]) => reply) as [[], number, []];
      if (exists === 1) lastAlive = inMs(before);
      else firstDead = inMs(after);
    }
    assert.isAtMost(lastAlive, expiresAt, 'alive');
    assert.isAtLeast(firstDead, expiresAt + 1, 'dead');
    assert.isUndefined(await look(made, tokens));
  });

  it('lives to the last millisecond of its idle time, and of its ceiling, by a clock that stands still', async () => {
    const clock = useFakeTimers({ now: 1_795_000_000_000, toFake: ['Date'] });
    try {
      const tokens = new MemoryTokens({ touchEvery: 0 });
      const scope = tokens.scope({ ...SCOPE, duration: 0.25, idle: 0.1 });
      const [unused, used] = [await scope.create({ owner: 'ann' }), await scope.create({ owner: 'ann' })];
      clock.tick(99);
      await scope.get({ token: used.token });
      await new Promise(setImmediate);
      clock.tick(1);
      assert.isDefined(await scope.get({ token: unused.token, touch: false }), 'at its idle time');
      clock.tick(1);
      assert.isUndefined(await scope.get({ token: unused.token, touch: false }), 'a millisecond later');
      for (const [at, isAlive] of [
        [199, true],
        [250, true],
        [251, false],
      ] as const) {
        clock.setSystemTime(1_795_000_000_000 + at);
        assert.equal((await scope.get({ token: used.token })) !== undefined, isAlive, `${at} ms`);
        await new Promise(setImmediate);
      }
    } finally {
      clock.restore();
    }
  });

  const gets = async () =>
    Number((await stage.redis.info('commandstats')).match(/cmdstat_get:calls=(\d+)/)?.[1]);
  const inMs = ([seconds, micros]: [string, string] | []) =>
    Math.floor(Number(seconds) * 1_000 + Number(micros) / 1_000);
});
