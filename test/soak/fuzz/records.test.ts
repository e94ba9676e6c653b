// Records in Redis that nobody has written so: what can not be read is told or passed over, no script ends halfway, and no other token is harmed.
import { assert } from 'chai';
import fc from 'fast-check';
import { decodeRecord, encodeAttributes, encodeTail } from '../../../src/redis/codec.js';
import { Keys } from '../../../src/redis/keys.js';
import type { RedisTokenRepository } from '../../../src/redis/repository.js';
import { buildCommand } from '../../../src/tokens/commands.js';
import { CommandFailedError, TokenError } from '../../../src/tokens/errors.js';
import type { Rotated } from '../../../src/tokens/repository.js';
import type { TokenRecord } from '../../../src/tokens/types.js';
import { Stage } from '../../queue/stage.js';
import { fuzz, TIMEOUT } from './fuzz.js';
import { garbled, json, tampered, text } from './hostile.js';

const SCOPE = { app: 'shop', type: 'session' };
const ID = 'm'.repeat(22);
const SUCCESSOR = 's'.repeat(22);
const FAMILY = 'f'.repeat(22);
const FOR_EVER = { until: Number.MAX_SAFE_INTEGER };

const now = Date.now();
const stamps = `1,${(now - 5_000) * 1_000},${now + 600_000},0`;

/** Records, and the marker of a rotated token, as the scripts write them. */
const RIGHT = [
  `["shop","session","ann",${stamps}]`,
  `["shop","session","ann",${stamps},"cart","{\\"n\\":1}","name","\\"ann\\"","none","null"]`,
  `["shop","session","ann",${stamps},{"idle":600,"absoluteExpiresAt":${now + 900_000},"lastUsedAt":${now}},"a","1"]`,
  `["shop","session","ann",${stamps},{"hint":"rt_%E2%80%A6abcd","label":"phone","family":"${FAMILY}","rotated":${now}},"a","[]"]`,
  `["shop","session","ann",${stamps},{"spared":${now * 1_000}}]`,
  `["shop","another","ann",${stamps},"a","1"]`,
  `[0,"shop","session","ann",3,"${FAMILY}","${SUCCESSOR}",${(now - 1_000) * 1_000}]`,
  `[0,"shop","session","ann",3,"${FAMILY}","${SUCCESSOR}",${(now + 600_000) * 1_000}]`,
];

/** Each once was answered as a token, or ended a script with an error of Lua. */
const FOUND: readonly [record: string, script: string][] = [
  ['["shop","session"]', 'get'],
  ['["shop","session","ann",1,1E643523635000,1795644128635,0]', 'get'],
  [`["shop","session","ann",${stamps},"shop","shop"]`, 'get'],
  [`["shop","session","ann",${stamps},"shop",1]`, 'update'],
  [`["shop","session","4ann",1,${stamps},{"spared":1}]`, 'update'],
  [
    `["shop","session","ann",${stamps},{"idle":"absoluteExpiresAt":${now},"lastUsedAt":${now}},"a","1"]`,
    'rotate',
  ],
  [`["shop","session","ann",${stamps},{"idle":[[[1]]],"absoluteExpiresAt":${now}},"a","1"]`, 'rotate'],
  [`["shop","session","ann",${stamps},{"idle":600,absoluteExpiresAt":${now}}]`, 'touch'],
  ['["shop","session","ann",1,1,0,1]', 'others'],
];

const right = fc.constantFrom(...RIGHT);
const stored = fc.oneof(
  { weight: 6, arbitrary: garbled(right) },
  {
    weight: 4,
    arbitrary: tampered(right.map((one) => JSON.parse(one))).map((one) => JSON.stringify(one) ?? ''),
  },
  { weight: 1, arbitrary: json.map((one) => JSON.stringify(one)) },
  { weight: 1, arbitrary: text },
  { weight: 1, arbitrary: right },
);

/** What a caller may be given of a record: of its scope, and of the form that the types promise. */
function isWhole(record: TokenRecord, id: string): void {
  const { app, type, owner, data, version, createdAt, expiresAt, ...more } = record;
  assert.deepEqual({ id: record.id, app, type }, { id, ...SCOPE });
  assert.isString(owner);
  for (const stamp of [version, createdAt, expiresAt]) assert.isTrue(Number.isFinite(stamp), `${stamp}`);
  assert.equal(Object.getPrototypeOf(data), Object.prototype);
  for (const value of Object.values(data))
    assert.notInclude([Number.NaN, undefined, Number.POSITIVE_INFINITY], value);
  for (const name of ['hint', 'label'] as const)
    if (more[name] !== undefined) assert.isString(more[name], name);
  for (const name of ['idle', 'absoluteExpiresAt', 'lastUsedAt'] as const)
    if (more[name] !== undefined) assert.isTrue(Number.isFinite(more[name]), name);
}

const scripts: Record<string, (repository: RedisTokenRepository) => Promise<unknown>> = {
  get: (r) => r.get(command(r, 'get', { id: ID })),
  getById: (r) => r.getById(command(r, 'getById', { id: ID })),
  update: (r) => r.update(command(r, 'update', { id: ID, data: { a: null, b: 2 } }), FOR_EVER),
  refresh: (r) => r.refresh(command(r, 'refresh', { id: ID, duration: 60 }), FOR_EVER),
  rotate: (r) =>
    r.rotate(
      command(r, 'rotate', { id: ID, successor: SUCCESSOR, nonce: 'n'.repeat(43), grace: 9 }),
      FOR_EVER,
    ),
  delete: (r) => r.delete(command(r, 'delete', { id: ID }), FOR_EVER),
  deleteById: (r) => r.deleteById(command(r, 'deleteById', { id: ID, owner: 'ann' }), FOR_EVER),
  consume: (r) => r.consume(command(r, 'consume', { id: ID }), FOR_EVER),
  touch: async (r) => r.touch({ ...SCOPE, id: ID, usedAt: r.now(), every: 0 }),
  list: (r) => r.list(command(r, 'list', { owner: 'ann', limit: 10 })),
  deleteAll: (r) => r.deleteAll(command(r, 'deleteAll', { owner: 'ann' }), FOR_EVER),
  others: (r) => r.deleteAll(command(r, 'deleteAll', { owner: 'ann', except: ID }), FOR_EVER),
  create: (r) => r.create(command(r, 'create', { ...MADE, id: ID }), FOR_EVER),
  limited: (r) =>
    r.create(
      command(r, 'create', { ...MADE, id: SUCCESSOR, limit: { max: 1, overflow: 'reject' } }),
      FOR_EVER,
    ),
  ending: (r) =>
    r.create(
      command(r, 'create', { ...MADE, id: SUCCESSOR, limit: { max: 1, overflow: 'end-oldest' } }),
      FOR_EVER,
    ),
  sweep: (r) => r.sweep(),
};
const MADE = { owner: 'ann', data: {}, duration: 60, custom: true };

function command<O extends Parameters<typeof buildCommand>[0]>(
  repository: RedisTokenRepository,
  op: O,
  fields: Record<string, unknown>,
) {
  return buildCommand(op, { issuedAt: repository.now(), ...SCOPE, ...fields } as Parameters<
    typeof buildCommand<O>
  >[1]);
}

describe('Fuzzing: records', function () {
  this.timeout(TIMEOUT);
  const stage = new Stage();

  it('are decoded as they were encoded, whatever they hold', () =>
    fuzz(fc.record({ app: text, type: text, owner: text, data: json }), [], ({ app, type, owner, data }) => {
      const given = (
        typeof data === 'object' && data !== null && !Array.isArray(data) ? data : { data }
      ) as object;
      const head = `[${[app, type, owner].map((name) => JSON.stringify(name)).join()},2,3000,4,0`;
      const label = owner.toWellFormed();
      const record = `${head}${encodeAttributes({ label })}${encodeTail(given)}`;
      assert.isUndefined(decodeRecord(ID, record, { app: `${app}x`, type }));
      const { data: decoded, ...rest } = decodeRecord(ID, record, { app, type }) as TokenRecord;
      assert.deepEqual(rest, { id: ID, app, type, owner, version: 2, createdAt: 3, expiresAt: 4, label });
      assert.equal(JSON.stringify(decoded), JSON.stringify(given));
    }));

  it('that are no records are told, or are nobody’s', () =>
    fuzz(
      stored,
      FOUND.map(([record]) => record),
      (record) => {
        try {
          const found = decodeRecord(ID, record, SCOPE);
          if (found) isWhole(found, ID);
        } catch (error) {
          if (!(error instanceof CommandFailedError)) throw error;
        }
      },
    ));

  it('that are no records end no script halfway, and harm no other token', async () => {
    const repository = stage.repository();
    const { redis, prefix } = stage;
    const keys = new Keys(prefix);
    const others = [
      { ...SCOPE, owner: 'bob', id: 'b'.repeat(22) },
      { ...SCOPE, type: 'other', owner: 'ann', id: 'a'.repeat(22) },
      { ...SCOPE, app: 'other', owner: 'ann', id: 'o'.repeat(22) },
    ];
    await repository.ready();
    for (const other of others)
      await repository.create(
        command(repository, 'create', { ...MADE, ...other, duration: 86_400 }),
        FOR_EVER,
      );
    const kept = await redis.keys(`{${prefix}*`);
    const shop = keys.scopeIndex(0, SCOPE);
    const ann = keys.ownerIndex(0, SCOPE, 'ann');
    const othersNow = () =>
      Promise.all(
        others.flatMap((other) => [
          redis.get(keys.record(0, other.id)),
          redis.zscore(keys.ownerIndex(0, other, other.owner), other.id),
          redis.zscore(keys.scopeIndex(0, other), `${other.id}:${other.owner}`),
        ]),
      );
    const before = await othersNow();

    const inputs = fc.tuple(stored, fc.constantFrom(...Object.keys(scripts)), fc.boolean());
    await fuzz(
      inputs,
      FOUND.map(([record, script]) => [record, script, false]),
      async ([record, script, isOverdue]) => {
        const pipeline = redis.pipeline();
        const left = (await redis.keys(`{${prefix}*`)).filter((key) => !kept.includes(key));
        if (left.length > 0) pipeline.del(left);
        pipeline.del(keys.log(0));
        pipeline.zrem(shop, `${ID}:ann`, `${SUCCESSOR}:ann`);
        const score = isOverdue ? now - 1_000 : now + 600_000;
        pipeline.zadd(shop, score, `${ID}:ann`).zadd(ann, score, ID);
        pipeline.set(keys.record(0, ID), record, 'PX', 600_000);
        await pipeline.exec();
        const written = await contents();
        try {
          const answer = await scripts[script]?.(repository);
          const found = answer === undefined || typeof answer !== 'object' ? [] : [answer].flat();
          for (const one of found as (TokenRecord | Rotated)[]) {
            const record = 'record' in one ? one.record : one;
            isWhole(record, record.id === SUCCESSOR ? SUCCESSOR : ID);
          }
        } catch (error) {
          if (!(error instanceof TokenError)) throw error;
          // What was done to a record whose data can not be read was done all the same.
          const isUnreadable = error.message.startsWith('the record can not be read');
          if (error instanceof CommandFailedError && !isUnreadable)
            assert.deepEqual(await contents(), written, error.message);
          assert.notMatch(error.message, /script|Redis answers/);
        }
        assert.deepEqual(await othersNow(), before, 'other tokens');
        if (!/^\[(0,)?"shop","session",/.test(record))
          assert.equal(await redis.get(keys.record(0, ID)), record.toWellFormed(), 'of another scope');
      },
    );

    async function contents(): Promise<Record<string, string>> {
      const names = (await redis.keys(`{${prefix}*`)).sort();
      const dumps = await Promise.all(names.map((name) => redis.dump(name)));
      return Object.fromEntries(names.map((name, i) => [name, dumps[i] as string]));
    }
  });
});
