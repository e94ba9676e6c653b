// Tokens that are moved to a newer pepper while they are used and revoked by doors that know other peppers.
import { assert } from 'chai';
import type { Redis } from 'ioredis';
import { RedisTokens, type Token, type TokenOperations } from '../../src/index.js';
import { Doctor } from '../../src/redis/doctor/doctor.js';
import type { Pepper } from '../../src/tokens/pepper.js';
import { SCOPE, Stage } from '../queue/stage.js';
import { Chance } from '../support/chance.js';
import { onCluster } from '../support/redis.js';

const OLD = { id: '2025', key: 'the old key, which nobody else has seen yet' };
const NEW = { id: '2026', key: 'the new key, which nobody else has seen yet' };
const TOKENS = 200;
const SHARDS = 4;

/** What may be asked of a token that lives on. */
const USES = ['get', 'update', 'refresh', 'none'] as const;

describe('While a pepper is rolled out', function () {
  this.timeout(60_000);
  const stage = new Stage();
  const chance = Chance.ofEachTest();
  let redis: Redis;
  /** Of processes that have not heard of the newer yet, of those that have, and of those that seal with it. */
  let older: RedisTokens;
  let doors: TokenOperations[];

  beforeEach(async () => {
    ({ redis } = stage);
    await stage.startWorker({ shards: SHARDS });
    older = open([OLD]);
    await older.ready();
    doors = [
      ...[open([OLD, NEW]), open([OLD, NEW]), open([NEW, OLD]), open([NEW, OLD], true), open([NEW, OLD])],
      ...[
        stage.producer({ pepper: [OLD, NEW], shards: SHARDS }),
        stage.producer({ pepper: [NEW, OLD], shards: SHARDS }),
      ],
    ];
    for (const door of doors) await door.ready();
  });

  const open = (pepper: Pepper, cached = false): RedisTokens =>
    stage.opened.add(
      new RedisTokens(stage.url, {
        ...{ prefix: stage.prefix, shards: SHARDS, pepper },
        ...(cached && !onCluster && { cache: {} }),
      }),
    );

  const make = (owner: string): Promise<Token> => older.create({ ...SCOPE, owner, duration: 600 });
  const makeAll = () => Promise.all(Array.from({ length: TOKENS }, (_, i) => make(`owner-${i}`)));

  const use = (door: TokenOperations, { token }: Token, i: number): Promise<unknown> => {
    switch (chance.pick(USES)) {
      case 'get':
        return door.get({ ...SCOPE, token });
      case 'update':
        return door.update({ ...SCOPE, token, data: { [`k${i}`]: i } });
      case 'refresh':
        return door.refresh({ ...SCOPE, token, duration: 700 });
      case 'none':
        return Promise.resolve();
    }
  };

  /** Each by a door that may know either pepper, or the older alone. */
  const revocations = {
    delete: (door: TokenOperations, { token }: Token) => door.delete({ ...SCOPE, token }),
    consume: (door: TokenOperations, { token }: Token) => door.consume({ ...SCOPE, token }),
    deleteById: (door: TokenOperations, { id }: Token) => door.deleteById({ ...SCOPE, id }),
    deleteAll: (door: TokenOperations, { owner }: Token) => door.deleteAll({ ...SCOPE, owner }),
  };

  async function checkOrder(): Promise<void> {
    const doctor = stage.opened.add(new Doctor(stage.url, { prefix: stage.prefix, shards: SHARDS }));
    assert.deepEqual((await doctor.examine()).problems, []);
  }

  const events = async () => {
    const logs = Array.from({ length: SHARDS }, (_, shard) =>
      redis.xrange(`{${stage.prefix}:${shard}}:log`, '-', '+'),
    );
    return (await Promise.all(logs)).flat().map(([, [, event]]) => JSON.parse(event as string));
  };

  /** Runs all in whatever order, a part of them a moment later. */
  const atOnce = (work: (() => Promise<unknown>)[]): Promise<unknown[]> =>
    Promise.all(
      chance.shuffled(work).map(async (run) => {
        for (let ticks = chance.int(0, 4); ticks > 0; ticks--) await new Promise(setImmediate);
        return run();
      }),
    );

  for (const [name, revoke] of Object.entries(revocations)) {
    it(`no use by a newer one carries a token past its ${name}`, async () => {
      const made = await makeAll();
      let ended = 0;
      await atOnce(
        made.flatMap((token, i) => [
          ...Array.from({ length: 4 }, () => () => use(chance.pick(doors), token, i)),
          async () => {
            const isEnded = await revoke(chance.pick([older, ...doors]), token);
            if (isEnded) ended++;
          },
          () => use(older, token, i),
        ]),
      );
      assert.equal(ended, TOKENS, 'each is ended once, by who meant to');
      for (const door of [older, ...doors.slice(0, 5)]) {
        const found = await Promise.all(made.map(({ token }) => door.get({ ...SCOPE, token })));
        assert.isTrue(found.every((one) => one === undefined));
      }
      assert.equal(await older.count(SCOPE), 0);
      const moved = (await events()).filter(({ type }) => type === 'token-resealed').length;
      assert.isAbove(moved, TOKENS / 10, 'many were moved before');
      await checkOrder();
    });
  }

  it('whatever lives on is one token, with all that was written to it', async () => {
    const made = await makeAll();
    await atOnce(
      made.flatMap(({ token }) =>
        Array.from(
          { length: 6 },
          (_, k) => () => chance.pick([older, ...doors]).update({ ...SCOPE, token, data: { [`k${k}`]: k } }),
        ),
      ),
    );
    const [newest] = doors.slice(2) as [TokenOperations];
    for (const { token, owner } of made) {
      const found = await newest.get({ ...SCOPE, token });
      assert.deepEqual(Object.keys(found?.data ?? {}).sort(), ['k0', 'k1', 'k2', 'k3', 'k4', 'k5']);
      assert.equal(found?.version, 7);
      assert.equal(await newest.count({ ...SCOPE, owner }), 1);
    }
    const told = (await events()).filter(({ type }) => type === 'token-resealed');
    const subjects = told.map(({ subject }) => subject);
    assert.isAtMost(subjects.length, TOKENS, 'none is moved back and forth');
    assert.equal(new Set(subjects).size, subjects.length);
    await checkOrder();
  });

  for (const end of ['deleteAll', 'deleteScope', 'deleteApp'] as const) {
    it(`a ${end} in steps leaves nothing that is moved out of its way`, async () => {
      const made = await Promise.all(Array.from({ length: 1_600 }, () => make('ann')));
      const inputs = {
        deleteAll: { ...SCOPE, owner: 'ann' },
        deleteScope: SCOPE,
        deleteApp: { app: SCOPE.app },
      };
      const read = ({ token }: Token) => chance.pick(doors.slice(2, 4)).get({ ...SCOPE, token });
      await Promise.all(made.slice(0, 300).map(read));
      const ending = (older[end] as (input: object) => Promise<number>)(inputs[end]);
      await atOnce(made.slice(300).map((token) => () => read(token)));
      const count = await ending;
      assert.equal(await older.count(SCOPE), 0);
      const told = await events();
      const ofType = (type: string) => told.filter((event) => event.type === type).length;
      assert.equal(ofType('token-revoked'), made.length, 'each is told once');
      assert.isAtMost(count, made.length);
      assert.isAtLeast(ofType('token-resealed'), 300);
      assert.isAbove(count, 0);
      await checkOrder();
    });
  }
});
