// Uses are written down in the background: seldom, one at a time, and nobody waits for them or hears of their failure.
import { assert } from 'chai';
import type { TokenUse } from '../../src/tokens/idle.js';
import type { TokenRepository } from '../../src/tokens/repository.js';
import { Touches } from '../../src/tokens/touches.js';
import type { TokenRecord } from '../../src/tokens/types.js';

const NOW = 1_795_000_000_000; // ms

const record = (fields: Partial<TokenRecord> = {}): TokenRecord => ({
  ...{ id: 'a'.repeat(22), app: 'shop', type: 'session', owner: 'ann', data: {}, version: 1 },
  ...{ createdAt: NOW - 9_000, expiresAt: NOW + 9_000, idle: 10, absoluteExpiresAt: NOW + 90_000 },
  ...fields,
});

describe('Uses of tokens', () => {
  let uses: TokenUse[];
  let settle: { resolve(): void; reject(error: Error): void }[];
  let touch: TokenRepository['touch'];
  let stamps: number;
  const reckoned = () => NOW * 1_000;
  const now = () => {
    stamps++;
    return reckoned();
  };
  const touches = (share = 0.1) =>
    new Touches({ now, reckoned, touch: (use: TokenUse) => touch(use) } as TokenRepository, share);

  beforeEach(() => {
    uses = [];
    stamps = 0;
    settle = [];
    touch = (use) => {
      uses.push(use);
      return new Promise((resolve, reject) => settle.push({ resolve, reject }));
    };
  });

  it('are written down with when they were, and how long another one is not', () => {
    const { id, app, type, ...found } = record();
    touches().used({ id, app, type, ...found });
    assert.deepEqual(uses, [{ id, app, type, usedAt: NOW * 1_000, every: 1_000 }]);
  });

  it('are not, where use does not count', () => {
    const { idle: _, absoluteExpiresAt: __, ...found } = record();
    touches().used(found);
    assert.deepEqual(uses, []);
  });

  it('are written down once within their share of the idle time, the first one always', () => {
    for (const [ago, share, count] of [
      [999, 0.1, 0],
      [1_000, 0.1, 1],
      [4_999, 0.5, 0],
      [5_000, 0.5, 1],
      [0, 0, 1],
    ] as const) {
      uses = [];
      touches(share).used(record({ lastUsedAt: NOW - ago }));
      assert.lengthOf(uses, count, `${ago} ms ago, ${share}`);
    }
  });

  it('take no stamp where they are not written down: reads are too many for that', () => {
    const one = touches();
    for (let i = 0; i < 3; i++) one.used(record({ lastUsedAt: NOW - 1 }));
    assert.equal(stamps, 0);
    one.used(record());
    assert.equal(stamps, 1);
  });

  it('are written down one at a time for each token', async () => {
    const one = touches();
    one.used(record());
    one.used(record());
    one.used(record({ id: 'b'.repeat(22) }));
    assert.lengthOf(uses, 2);
    settle[0]?.resolve();
    await new Promise(setImmediate);
    one.used(record());
    assert.lengthOf(uses, 3);
  });

  it('that can not be written down are none: nobody hears of it, and the next is', async () => {
    const unhandled: unknown[] = [];
    const hear = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', hear);
    try {
      const one = touches();
      one.used(record());
      settle[0]?.reject(new Error('Redis is away'));
      await one.settled();
      touch = () => {
        uses.push({} as TokenUse);
        throw new Error('it does not even begin');
      };
      one.used(record());
      await one.settled();
      one.used(record());
      await one.settled();
      await new Promise(setImmediate);
      assert.lengthOf(uses, 3);
      assert.deepEqual(unhandled, []);
    } finally {
      process.off('unhandledRejection', hear);
    }
  });

  it('that are under way are waited for', async () => {
    const one = touches();
    await one.settled();
    one.used(record());
    let isSettled = false;
    const settled = one.settled().then(() => {
      isSettled = true;
    });
    await new Promise(setImmediate);
    assert.isFalse(isSettled);
    settle[0]?.resolve();
    await settled;
  });
});
