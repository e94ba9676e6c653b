// Presented tokens: text of a client, which says what it likes.
import { assert } from 'chai';
import fc from 'fast-check';
import { InProcessTokens } from '../../src/tokens/in-process.js';
import { resolveTokenOptions } from '../../src/tokens/options.js';
import { generateToken, isGenerated } from '../../src/tokens/secret.js';
import { untouchableRepository } from '../support/untouchable-repository.js';

const SCOPE = { app: 'shop', type: 'session' };
const token = generateToken();

/** What no create can have made. */
const IMPOSSIBLE = {
  empty: '',
  'too long': 'x'.repeat(1_025),
  'far too long': 'x'.repeat(10_000_000),
  'not well-formed': 'a\ud800',
  'with NUL': 'a\0b',
  'the bare prefix': 'rt_',
  'cut off': token.slice(0, -1),
  'with something behind it': `${token}x`,
  'with a line break behind it': `${token}\n`,
  'in lower case': `rt_${token.slice(3).toLowerCase()}`,
  'with another checksum': token.slice(0, -6) + '0'.repeat(6),
  'with a character changed': `${token.slice(0, 10)}${token[10] === 'a' ? 'b' : 'a'}${token.slice(11)}`,
  'made up': `rt_${'a'.repeat(49)}`,
};

function open(isReady: boolean) {
  const { repository, touched } = untouchableRepository(isReady);
  return { tokens: new InProcessTokens('Tokens', repository, resolveTokenOptions({})), touched };
}

describe('A presented token', () => {
  for (const isReady of [true, false]) {
    it(`that can not be alive reads as missing without a round trip, ${isReady ? '' : 'not '}connected`, async () => {
      const { tokens, touched } = open(isReady);
      for (const [what, presented] of Object.entries(IMPOSSIBLE)) {
        const input = { ...SCOPE, token: presented };
        assert.isUndefined(await tokens.get(input), what);
        assert.isUndefined(await tokens.update({ ...input, data: { a: 1 } }), what);
        assert.isUndefined(await tokens.refresh({ ...input, duration: 60 }), what);
        assert.isFalse(await tokens.delete(input), what);
      }
      assert.deepEqual(touched, []);
    });
  }

  it('of 50 million characters reads as missing, without being counted', async function () {
    this.timeout(4_000);
    const { tokens, touched } = open(true);
    const input = { ...SCOPE, token: 'x'.repeat(50_000_000) };
    assert.isUndefined(await tokens.get(input));
    assert.isFalse(await tokens.delete(input));
    assert.deepEqual(touched, []);
  });

  it('that can be alive is looked up', async () => {
    const { tokens, touched } = open(true);
    for (const presented of [token, 'a custom one', '🙂', 'x'.repeat(1_024), 'RT_', 'r', ' rt_']) {
      await tokens.get({ ...SCOPE, token: presented }).catch(() => {});
      assert.deepEqual(touched.splice(0), ['get'], presented);
    }
  });

  it('of any kind reaches the repository only where it can be alive', async () => {
    const { tokens, touched } = open(true);
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 80 }),
      fc.string({ unit: fc.constantFrom('\ud800', '\udc00', '\0', 'a'), maxLength: 4 }),
      fc.stringMatching(/^rt_[0-9A-Za-z]{0,52}$/),
      fc.integer({ min: 1_020, max: 1_030 }).map((length) => 'x'.repeat(length)),
      fc
        .tuple(fc.nat(51), fc.stringMatching(/^[ -~]$/))
        .map(([i, char]) => token.slice(0, i) + char + token.slice(i + 1)),
      fc.constant(token),
    );
    await fc.assert(
      fc.asyncProperty(text, async (presented) => {
        const possible = presented.startsWith('rt_')
          ? isGenerated(presented, 'rt_')
          : presented !== '' &&
            [...presented].length <= 1_024 &&
            presented.isWellFormed() &&
            !presented.includes('\0');
        const asked = await tokens.get({ ...SCOPE, token: presented }).then(
          (found) => found !== undefined,
          () => true,
        );
        assert.equal(asked, possible);
        assert.deepEqual(touched.splice(0), possible ? ['get'] : []);
      }),
      { numRuns: 2_000 },
    );
  });

  it('has an id whatever it is, without I/O', () => {
    const { tokens, touched } = open(false);
    for (const presented of [token, ...Object.values(IMPOSSIBLE)]) {
      assert.match(tokens.idOf({ ...SCOPE, token: presented }), /^[\w-]{22}$/);
    }
    assert.deepEqual(touched, []);
  });
});
