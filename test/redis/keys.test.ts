// Names in Redis: the process and the scripts must make the same ones, and no two things may share one.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { assert } from 'chai';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { RedisTokens } from '../../src/index.js';
import { Keys, segment } from '../../src/redis/keys.js';
import { Opened } from '../support/opened.js';
import { freshPrefix, sharedRedis } from '../support/redis.js';

const isName = (text: string) => text.isWellFormed() && !text.includes('\0');
const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter(isName);
const awkward = fc.oneof(
  name,
  fc.string({ unit: fc.constantFrom(...'%*:?[]{}\\^-|\'"!~()._/ aé🙂'), minLength: 1, maxLength: 12 }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }).filter(isName),
);

describe('A name as a segment', () => {
  const opened = new Opened();

  it('is encoded by the scripts as by the process', async () => {
    const { url } = await sharedRedis();
    const redis = new Redis(url, { maxRetriesPerRequest: null });
    opened.later(redis, () => redis.disconnect());
    const source = readFileSync('src/redis/scripts/include/scope.lua', 'utf8');
    const [lua] = /local function segment[\s\S]*?\nend\n/.exec(source) ?? [];
    assert.isString(lua);
    const encode = (text: string) =>
      redis.eval(`local format = string.format ${lua} return segment(ARGV[1])`, 0, text);
    await fc.assert(
      fc.asyncProperty(awkward, async (text) => {
        assert.equal(await encode(text), segment(text));
      }),
      { numRuns: 300 },
    );
    const ascii = String.fromCharCode(...Array.from({ length: 127 }, (_, i) => i + 1));
    assert.equal(await encode(ascii), segment(ascii));
  });

  it('holds no delimiter, glob or brace, and comes back from it', () => {
    fc.assert(
      fc.property(awkward, (text) => {
        assert.match(segment(text), /^[A-Za-z0-9%_.!~'()-]+$/);
        assert.equal(decodeURIComponent(segment(text)), text);
      }),
    );
  });

  it('never makes two scopes, or two owners, share a key', () => {
    const keys = new Keys('rt');
    const names = fc.tuple(awkward, awkward, awkward);
    const confusable = fc.tuple(names, names).chain(([a, b]) =>
      fc.constantFrom<[typeof a, typeof a]>(
        [a, b],
        [a, [a[0], `${a[1]}:${a[2]}`, a[2]]],
        [
          [`${a[0]}:${a[1]}`, a[2], b[0]],
          [a[0], `${a[1]}:${a[2]}`, b[0]],
        ],
        [a, [segment(a[0]), segment(a[1]), segment(a[2])]],
      ),
    );
    fc.assert(
      fc.property(confusable, ([a, b]) => {
        const same = a.every((part, i) => part === b[i]);
        const sameScope = a[0] === b[0] && a[1] === b[1];
        const [left, right] = [a, b].map(([app, type, owner]) => ({ scope: { app, type }, owner }));
        if (!left || !right) return;
        assert.equal(
          keys.ownerIndex(0, left.scope, left.owner) === keys.ownerIndex(0, right.scope, right.owner),
          same,
        );
        assert.equal(keys.scopeIndex(0, left.scope) === keys.scopeIndex(0, right.scope), sameScope);
        const channel = ({ scope }: typeof left) => keys.events('token-revoked', scope.app, scope.type);
        assert.equal(channel(left) === channel(right), sameScope);
      }),
      { numRuns: 500 },
    );
  });

  it('stands in the keys that operations really leave, and each lies in its shard’s slot', async () => {
    const { url } = await sharedRedis();
    const redis = new Redis(url, { maxRetriesPerRequest: null });
    opened.later(redis, () => redis.disconnect());
    await fc.assert(
      fc.asyncProperty(awkward, awkward, awkward, async (app, type, owner) => {
        const prefix = freshPrefix();
        const tokens = new RedisTokens(url, { prefix, shards: 2 });
        try {
          const scope = { app, type };
          const { id } = await tokens.create({ ...scope, owner, duration: 60 });
          const keys = new Keys(prefix);
          const found = await redis.keys(`{${prefix}*`);
          const shard = Number(/^\{\w+:(\d)\}/.exec(found.find((key) => !key.endsWith('meta')) ?? '')?.[1]);
          assert.sameMembers(found, [
            keys.meta,
            keys.record(shard, id),
            keys.ownerIndex(shard, scope, owner),
            keys.scopeIndex(shard, scope),
            keys.scopes(shard),
            keys.log(shard),
          ]);
          assert.deepEqual(await redis.smembers(keys.scopes(shard)), [`${segment(app)}:${segment(type)}`]);
          const command = { ...scope, owner };
          assert.equal(await tokens.deleteAll(command), 1);
          const marks = await redis.zrange(keys.revoked(shard), '0', '-1');
          assert.deepEqual(marks, [`owner:${segment(app)}:${segment(type)}:${segment(owner)}`]);
          assert.isNull(await redis.get(keys.record(shard, id)));
        } finally {
          await tokens.close();
        }
      }),
      { numRuns: 30 },
    );
  });

  it('is that of a job too, by its queue, id and first stamp', () => {
    const keys = new Keys('rt');
    const id = randomBytes(4).toString('hex');
    assert.equal(keys.job(3, { queue: 'commands', id, issuedAt: 7 }), `{rt:3}:job:commands:${id}:7`);
    assert.equal(keys.events(), 'rt:events:*:*:*');
    assert.equal(keys.events('token-revoked', 'a*', 'b'), 'rt:events:token-revoked:a%2A:b');
    assert.equal(keys.results('x'), 'rt:results:x');
    assert.equal(keys.queues(), '{rt}');
  });
});
