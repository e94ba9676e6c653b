// Every door, for the user of its role: all that it is for works, and nothing that it tries is refused.

import { Job, Queue } from 'bullmq';
import { assert } from 'chai';
import { Redis } from 'ioredis';
import {
  RedisTokens,
  StoreUnavailableError,
  TokenProducer,
  TokenSubscriber,
  TokenWorker,
} from '../../src/index.js';
import { DeadLetters } from '../../src/queue/dead-letters.js';
import { RedisTokenRepository } from '../../src/redis/repository.js';
import { Store } from '../../src/redis/store.js';
import type { Role } from '../../src/service/acl/roles.js';
import { resolveTokenOptions } from '../../src/tokens/options.js';
import type { TokenRepository } from '../../src/tokens/repository.js';
import { startRedisServer } from '../../tools/redis-server.js';
import { replaced, SCOPE } from '../queue/stage.js';
import { tell } from '../queue/story.js';
import { eventually, rejection } from '../support/eventually.js';
import { Opened } from '../support/opened.js';
import { freshPrefix } from '../support/redis.js';
import { startUsers, Users } from '../support/users.js';

const ANN = { ...SCOPE, owner: 'ann' };

describe('With least privilege', () => {
  const opened = new Opened();
  let users: Awaited<ReturnType<typeof startUsers>>;
  let prefix: string;

  before(async () => {
    users = await startUsers();
  });
  beforeEach(() => {
    prefix = freshPrefix();
  });
  after(() => users.stop());

  const url = (role: Role, cache = false) => users.urlOf(role, prefix, cache);

  async function application(options: { cache?: object; shards?: number } = {}): Promise<RedisTokens> {
    return opened.add(new RedisTokens(await url('application', 'cache' in options), { prefix, ...options }));
  }

  async function startWorker(
    options: { repository?: TokenRepository; closeTimeout?: number } = {},
  ): Promise<TokenWorker> {
    const worker = opened.add(new TokenWorker({ connection: await url('worker'), prefix, ...options }));
    await worker.start();
    return worker;
  }

  it('each operation answers through each door as it does without, and nothing is refused', async () => {
    const inProcess = await tell(await application());
    const unlimited = opened.add(new RedisTokens(users.url, { prefix: freshPrefix() }));
    assert.deepEqual(inProcess, await tell(unlimited));
    await startWorker();
    const producer = opened.add(new TokenProducer(await url('producer'), { prefix }));
    assert.deepEqual(await tell(producer), inProcess);
    assert.deepEqual(await users.refusals(), []);
  });

  it('replicas may be asked for, although there are none', async () => {
    const options = { prefix, durability: { replicas: 1, timeout: 1_000 } };
    const tokens = opened.add(new RedisTokens(await url('application'), options));
    const made = await tokens.create({ ...ANN, duration: 60 });
    assert.match((await rejection(tokens.delete(made))).message, /0 of 1 replicas/);
    assert.deepEqual(await users.refusals(), []);
  });

  it('another database is another deployment, and one that is not there is refused', async () => {
    const there = opened.add(new RedisTokens(`${await url('application')}/1`, { prefix }));
    await there.create({ ...ANN, duration: 60 });
    assert.isEmpty(await users.admin.keys(`{${prefix}*`));
    const nowhere = opened.add(new RedisTokens(`${await url('application')}/99`, { prefix }));
    assert.match((await rejection(nowhere.ready())).message, /no database 99/);
    assert.deepEqual(await users.refusals(), []);
  });

  it('an application’s misses by client are counted and told of, and a reader’s answers stand without', async () => {
    const subscriber = opened.add(new TokenSubscriber(await url('subscriber'), { prefix }));
    const told: string[] = [];
    subscriber.on('guessing-suspected', ({ data }) => told.push(data.client));
    await subscriber.start();
    const options = { prefix, guessing: { misses: 1 } };
    const tokens = opened.add(new RedisTokens(await url('application'), options));
    await tokens.get({ ...SCOPE, token: 'none', client: 'a guesser' });
    await eventually('it is told', () => told.includes('a guesser'));
    assert.deepEqual(await users.refusals(), []);
    const reader = opened.add(new RedisTokens(await url('reader'), options));
    assert.isUndefined(await reader.get({ ...SCOPE, token: 'none', client: 'another' }));
    await reader.close();
    assert.notInclude(told, 'another');
    assert.match((await users.refusals()).join(), /guesses/, 'it tried');
  });

  it('a producer’s commandId, the depth of a lane, and a queue that is paused, are no matter', async () => {
    const worker = await startWorker();
    const queue = opened.add(new Queue('commands', { connection: users.admin, prefix: `{${prefix}}` }));
    await queue.pause();
    const options = { prefix, maxQueueDepth: 10 };
    const producer = opened.add(new TokenProducer(await url('producer'), options));
    const create = () =>
      producer.enqueue('create', { ...ANN, duration: 60, customToken: 'x' }, { commandId: 'one' });
    const receipts = [await create(), await create()];
    await queue.resume();
    for (const receipt of receipts) assert.include(await producer.result(receipt), { owner: 'ann' });
    await worker.close();
    assert.deepEqual(await users.refusals(), []);
  });

  for (const filter of [{}, { app: 'shop' }, SCOPE, { type: 'session', owner: 'ann' }]) {
    it(`a subscriber hears of revocations as they happen (${Object.keys(filter).join(', ') || 'all'})`, async () => {
      const tokens = await application({ shards: 4 });
      const first = await tokens.create({ ...ANN, duration: 60 });
      const from = 0;
      const subscriber = opened.add(
        new TokenSubscriber(await url('subscriber'), { ...filter, prefix, from }),
      );
      const heard: string[] = [];
      subscriber.on('event', ({ type, subject }) => heard.push(`${type} ${subject}`));
      await subscriber.start();
      assert.deepEqual(heard, [`token-created ${first.id}`]);
      const begun = performance.now();
      await tokens.delete(first);
      await eventually('it is heard of', () => heard.includes(`token-revoked ${first.id}`));
      assert.isBelow(performance.now() - begun, 2_000, 'by a message, and not by the next look at the log');
      const refused = (await users.refusals()).filter((refusal) => !refusal.includes(' channel '));
      assert.deepEqual(refused, []);
    });
  }

  it('a reader reads what is there, and nothing that it does is a change', async () => {
    const tokens = await application();
    const made = await Promise.all(
      Array.from({ length: 6 }, (_, i) => tokens.create({ ...ANN, duration: 60 + i, data: { i } })),
    );
    const short = await tokens.create({ ...ANN, duration: 0.05 });
    const reader = opened.add(new RedisTokens(await url('reader', true), { prefix, cache: {} }));
    const keys = async () => (await users.admin.keys(`{${prefix}*`)).sort();
    await eventually('one has expired', async () => (await tokens.get(short)) === undefined);
    const [before, log] = [await keys(), await users.admin.xlen(`{${prefix}:0}:log`)];
    await reader.ready();
    await reader.ready(); // asks once more
    assert.deepEqual(
      (await Promise.all(made.map((token) => reader.get(token)))).map((found) => found?.data),
      made.map(({ data }) => data),
    );
    const listed = await reader.list(ANN);
    assert.sameMembers(
      listed.map(({ id }) => id),
      made.map(({ id }) => id),
    );
    const rest = await reader.list({ ...ANN, after: listed[2], limit: 2 });
    assert.deepEqual(
      rest.map(({ id }) => id),
      listed.slice(3, 5).map(({ id }) => id),
    );
    assert.equal(await reader.count(ANN), made.length);
    assert.equal(await reader.count(SCOPE), made.length);
    assert.deepEqual((await reader.owners(SCOPE)).owners, [{ owner: 'ann', count: made.length }]);
    assert.include(await reader.getById({ ...SCOPE, id: made[0]?.id as string }), { owner: 'ann' });
    assert.deepEqual([await keys(), await users.admin.xlen(`{${prefix}:0}:log`)], [before, log]);
    assert.deepEqual(await users.refusals(), []);

    await tokens.delete(made[0] as (typeof made)[0]);
    await eventually(
      'its near cache hears of it',
      async () => !(await reader.get(made[0] as (typeof made)[0])),
    );
  });

  it('a reader of tokens with an idle time, and of rotated ones, answers as ever, and leaves the writing to others', async () => {
    const tokens = await application();
    const idle = await tokens.create({ ...ANN, duration: 60, idle: 30 });
    const rotated = await tokens.create({ ...ANN, duration: 60 });
    const next = await tokens.rotate(rotated);
    const reader = opened.add(new RedisTokens(await url('reader'), { prefix }));
    assert.include(await reader.get(idle), { id: idle.id });
    assert.isUndefined(await reader.get(rotated));
    assert.include(await reader.get(next as typeof rotated), { owner: 'ann' });
    assert.isUndefined((await tokens.get(idle))?.lastUsedAt);
  });

  it('a reader, a producer and a subscriber found no deployment, and work once there is one', async () => {
    const reader = opened.add(new RedisTokens(await url('reader'), { prefix }));
    const producer = opened.add(new TokenProducer(await url('producer'), { prefix }));
    for (const door of [reader, producer]) {
      const { message } = await rejection(door.ready());
      assert.match(message, /there is no deployment with this prefix here, and this user may not found one/);
    }
    const subscriber = opened.add(new TokenSubscriber(await url('subscriber'), { prefix }));
    await subscriber.start();
    assert.isEmpty(await users.admin.keys(`{${prefix}*`));
    await (await application()).ready();
    await reader.ready();
    await producer.ready();
    await users.refusals();
  });

  it('a reader, by whatever rules, reads no replica, which may not know of a revocation yet', async () => {
    await (await application()).ready();
    const replica = await startRedisServer({ log: () => {} });
    opened.later(replica, () => replica.stop());
    const admin = new Redis(replica.url);
    opened.later(admin, () => admin.disconnect());
    const there = new Users(admin, replica.url);
    await admin.acl(
      'SETUSER',
      'by-hand',
      'on',
      '>secret',
      '%R~*',
      '+@read',
      '+@connection',
      '+info',
      '+time',
    );
    const urls = [
      await there.urlOf('reader', prefix),
      await there.urlOf('producer', prefix),
      replica.url.replace('redis://', 'redis://by-hand:secret@'),
    ];
    for (const each of urls) {
      const reader = opened.add(new RedisTokens(each, { prefix }));
      assert.match((await rejection(reader.ready())).message, /there is no deployment/);
    }
    const { hostname, port } = new URL(users.url);
    await admin.replicaof(hostname, port);
    await eventually('it follows', async () => (await admin.exists(`{${prefix}}:meta`)) === 1);
    for (const each of urls) {
      const reader = opened.add(new RedisTokens(each, { prefix }));
      assert.instanceOf(await rejection(reader.ready()), StoreUnavailableError);
    }
    await admin.replicaof('NO', 'ONE');
    for (const each of urls) await opened.add(new RedisTokens(each, { prefix })).ready();
  });

  it('a job that fails is run again, becomes a dead letter, and is retried or dropped by an operator', async () => {
    await (await application()).ready();
    let failures = 0;
    const options = resolveTokenOptions({ prefix });
    const real = opened.add(
      new RedisTokenRepository(new Store(await url('worker'), options.timeout), options),
    );
    let failing = true;
    const repository = replaced(real, {
      create: (command, attempt) => {
        if (!failing) return real.create(command, attempt);
        failures++;
        throw new StoreUnavailableError('on purpose', 'none');
      },
    });
    const worker = await startWorker({ repository });
    const queue = opened.add(new Queue('commands', { connection: users.admin, prefix: `{${prefix}}` }));
    const commands = (id: string) => [
      {
        commandId: id,
        op: 'create',
        issuedAt: Date.now() * 1_000,
        ...ANN,
        id: id.padEnd(22, 'x'),
        data: {},
        duration: 60,
      },
    ];
    const failed: string[] = [];
    worker.on('failed', ({ id }) => failed.push(id));
    for (const id of ['one', 'two']) {
      await queue.add(
        'command',
        { v: 1, replyTo: null, commands: commands(id) },
        { jobId: `j-${id}`, attempts: 2, backoff: 10 },
      );
    }
    await eventually('both are dead letters', () => failed.length === 2);
    assert.equal(failures, 4);
    failing = false;
    const letters = opened.add(new DeadLetters(await url('operator'), { prefix }));
    await letters.ready();
    assert.equal(await letters.count('commands'), 2);
    assert.include(await letters.find('commands', 'j-one'), { attempts: 2 });
    assert.isTrue(await letters.retry('commands', 'j-one'));
    assert.isTrue(await letters.drop('commands', 'j-two'));
    await eventually('it was run again', async () => (await Job.fromId(queue, 'j-one'))?.returnvalue);
    assert.deepEqual(await users.refusals(), []);
  });

  it('a worker gives back what it has not finished, and another takes it', async () => {
    await (await application()).ready();
    const options = resolveTokenOptions({ prefix, partitions: 1 });
    const real = opened.add(
      new RedisTokenRepository(new Store(await url('worker'), options.timeout), options),
    );
    let begun = false;
    const repository = replaced(real, {
      create: () => {
        begun = true;
        return new Promise(() => {});
      },
    });
    const hanging = await startWorker({ repository, closeTimeout: 50 });
    const producer = opened.add(new TokenProducer(await url('producer'), { prefix }));
    const receipt = await producer.enqueue('create', { ...ANN, duration: 60 });
    await eventually('it is under way', () => begun);
    await hanging.close();
    await startWorker();
    assert.include(await producer.result(receipt), { owner: 'ann' });
    assert.deepEqual(await users.refusals(), []);
  });
});
