// The walk over the owners of a scope, by what Redis answers to each step of it.
import { assert } from 'chai';
import { Keys } from '../../src/redis/keys.js';
import { Numbers } from '../../src/redis/numbers.js';
import type { Store } from '../../src/redis/store.js';
import { buildCommand } from '../../src/tokens/commands.js';

const NOW = 1_795_000_000_000; // ms
const LIVE = String(NOW);

/** A step: the next one's cursor, and the owners of the members that it finds. */
type Step = [next: string, owners: string[]];

describe('A walk over owners', () => {
  let asked: [key: string, cursor: string, count: number][];

  /** What each ZSCAN answers, in turn. */
  const numbers = (shards: number, ...steps: Step[]) => {
    asked = [];
    const client = {
      zscan: async (key: string, cursor: string, _: 'COUNT', count: number) => {
        asked.push([key, cursor, count]);
        const [next, owners] = steps.shift() ?? assert.fail('another step');
        return [next, owners.flatMap((owner) => [`${'x'.repeat(22)}:${owner}`, LIVE])];
      },
      zcount: async (key: string) => (key.endsWith('gone') ? 0 : 1),
    };
    const store = { read: (send: (to: typeof client) => unknown) => send(client) } as unknown as Store;
    const clock = { now: () => NOW * 1_000, reckoned: () => NOW * 1_000 };
    return new Numbers(
      store,
      new Keys('rt'),
      Array.from({ length: shards }, (_, i) => i),
      clock,
    );
  };

  const page = async (of: Numbers, limit: number, cursor?: string) => {
    const command = buildCommand('owners', {
      issuedAt: NOW * 1_000,
      app: 'shop',
      type: 'session',
      limit,
      cursor,
    });
    const { owners, cursor: next } = await of.owners(command);
    return { owners: owners.map(({ owner }) => owner), cursor: next };
  };

  it('takes as many of a step as a page holds, and goes on behind them in the same step', async () => {
    const of = numbers(1, ['8', ['d', 'a', 'c', 'a', 'b']], ['8', ['d', 'a', 'c', 'b']], ['0', ['e']]);
    const first = await page(of, 3);
    assert.deepEqual(first.owners, ['a', 'b', 'c']);
    const second = await page(of, 3, first.cursor);
    assert.deepEqual(second.owners, ['d']);
    assert.deepEqual(await page(of, 3, second.cursor), { owners: ['e'], cursor: undefined });
    assert.deepEqual(
      asked.map(([, cursor, count]) => [cursor, count]),
      [
        ['0', 3],
        ['0', 3],
        ['8', 3],
      ],
    );
  });

  it('gives a step anew where Redis has moved its members since: more may be in it than there were', async () => {
    const of = numbers(
      1,
      ['8', ['d', 'a', 'c', 'e']],
      ['4', ['aa', 'a', 'd', 'e']],
      ['4', ['aa', 'a', 'd', 'e']],
    );
    const first = await page(of, 3);
    const second = await page(of, 3, first.cursor);
    assert.deepEqual(second.owners, ['a', 'aa', 'd']);
    assert.deepEqual((await page(of, 3, second.cursor)).owners, ['e']);
  });

  it('goes through the shards, and gives no empty page but the last', async () => {
    const of = numbers(4, ['0', []], ['2', ['gone']], ['0', ['ann']], ['0', ['gone']], ['0', []]);
    const first = await page(of, 5);
    assert.deepEqual(first.owners, ['ann']);
    assert.deepEqual(await page(of, 5, first.cursor), { owners: [], cursor: undefined });
    assert.deepEqual(
      asked.map(([key, cursor]) => [key, cursor]),
      [
        ['{rt:0}:s:shop:session', '0'],
        ['{rt:1}:s:shop:session', '0'],
        ['{rt:1}:s:shop:session', '2'],
        ['{rt:2}:s:shop:session', '0'],
        ['{rt:3}:s:shop:session', '0'],
      ],
    );
  });
});
