// When Redis' memory is full, revocations still work, and by what they free the rest works again.
import { assert } from 'chai';
import { type RedisTokens, StoreUnavailableError, TokenWorker } from '../../src/index.js';
import { RedisTokenRepository } from '../../src/redis/repository.js';
import { Store } from '../../src/redis/store.js';
import { resolveTokenOptions } from '../../src/tokens/options.js';
import { rejection } from '../support/eventually.js';
import { Opened } from '../support/opened.js';
import { freshPrefix } from '../support/redis.js';
import { moveIntoPast } from '../support/time-travel.js';
import { audit } from './redis-audit.js';
import { admit, type Patient } from './redis-patient.js';

const SCOPE = { app: 'shop', type: 'session' };
const DATA = { text: 'x'.repeat(2_000) };
const MANY = 3_000; // more than one step of a deleteAll ends

describe('A server whose memory is full', function () {
  this.timeout(60_000);
  const opened = new Opened();
  let patient: Patient;
  let tokens: RedisTokens;
  let prefix: string;

  beforeEach(async () => {
    patient = await admit(opened, ['--save', '', '--maxmemory-policy', 'noeviction']);
    prefix = freshPrefix();
    tokens = patient.open(patient.server.url, prefix, 20_000); // where much goes on besides
  });

  const make = (count: number, owner: string, duration = 3_600) =>
    Promise.all(
      Array.from({ length: count }, () => tokens.create({ ...SCOPE, owner, data: DATA, duration })),
    );

  /** From now on there is no room, and hardly any comes from a connection that is closed. */
  async function fill(): Promise<void> {
    const used = Number(/used_memory:(\d+)/.exec(await patient.nurse.info('memory'))?.[1]);
    await patient.nurse.config('SET', 'maxmemory', String(used - 500_000));
  }

  async function checkRefused(token: string): Promise<void> {
    for (const call of [
      () => tokens.create({ ...SCOPE, owner: 'cleo', duration: 60 }),
      () =>
        tokens.create({ ...SCOPE, owner: 'kim', duration: 60, limit: { max: 1, overflow: 'end-oldest' } }),
      () => tokens.update({ ...SCOPE, token, data: { n: 1 } }),
      () => tokens.refresh({ ...SCOPE, token, duration: 60 }),
    ]) {
      const error = await rejection<StoreUnavailableError>(call());
      assert.instanceOf(error, StoreUnavailableError);
      assert.equal(error.outcome, 'none');
    }
  }

  it('lets a first worker wait, which can be started once there is room', async () => {
    await patient.nurse.config('SET', 'maxmemory', '1');
    const worker = opened.add(new TokenWorker({ connection: patient.server.url, prefix }));
    assert.instanceOf(await rejection(worker.start()), StoreUnavailableError);
    await patient.nurse.config('SET', 'maxmemory', '0');
    await worker.start();
  });

  it('ends one token, and thousands in steps, after which creates work again', async () => {
    const [one, other] = await make(2, 'ann');
    assert.isDefined(one);
    assert.isDefined(other);
    await make(MANY, 'bob');
    await fill();
    await checkRefused(other.token);
    assert.isTrue(await tokens.delete({ ...SCOPE, token: one.token }));
    assert.isUndefined(await tokens.get({ ...SCOPE, token: one.token }));
    await checkRefused(other.token);
    assert.equal((await tokens.get({ ...SCOPE, token: other.token }))?.version, 1);
    assert.equal(await tokens.deleteAll({ ...SCOPE, owner: 'bob' }), MANY);
    assert.deepEqual(await tokens.list({ ...SCOPE, owner: 'bob' }), []);
    const [again] = await make(1, 'cleo');
    assert.equal((await tokens.update({ ...SCOPE, token: other.token, data: { n: 1 } }))?.version, 2);
    const { live, count } = await audit(patient.nurse, prefix);
    assert.sameMembers([...live.keys()], [other.id, again?.id]);
    assert.equal(count(other.id, 'refresh'), 0);
  });

  it('ends nothing for a create under a limit that it refuses, and writes down that tokens are used', async () => {
    const [first, second] = await make(2, 'kim');
    const used = await tokens.create({ ...SCOPE, owner: 'ann', duration: 3_600, idle: 60 });
    await fill();
    await checkRefused(second?.token as string);
    assert.sameMembers(
      (await tokens.list({ ...SCOPE, owner: 'kim' })).map(({ id }) => id),
      [first?.id, second?.id],
    );
    await tokens.get({ ...SCOPE, token: used.token });
    await tokens.close(); // waits for it
    const other = patient.open(patient.server.url, prefix, 20_000);
    const found = await other.get({ ...SCOPE, token: used.token, touch: false });
    assert.isAbove(found?.lastUsedAt ?? 0, used.createdAt - 1);
  });

  it('has tokens that are overdue ended by list and by the sweep', async () => {
    const [kept] = await make(1, 'kim');
    await make(150, 'ann', 60);
    await make(150, 'bob', 60);
    await make(1_000, 'cleo');
    await moveIntoPast(patient.nurse, prefix, 61_000);
    const ends = async () =>
      (await patient.nurse.xrange(`{${prefix}:0}:log`, '-', '+')).filter(([, fields]) =>
        String(fields).includes('"type":"token-expired"'),
      ).length;
    await fill();
    assert.isDefined(kept);
    assert.deepEqual(await tokens.list({ ...SCOPE, owner: 'ann' }), []);
    assert.equal(await ends(), 150);
    await checkRefused(kept.token);
    const store = new Store(patient.server.url, 5_000);
    const repository = opened.add(new RedisTokenRepository(store, resolveTokenOptions({ prefix })));
    await repository.sweep();
    assert.equal(await ends(), 300);
    const { live } = await audit(patient.nurse, prefix);
    assert.equal(live.size, 1_001);
  });
});
