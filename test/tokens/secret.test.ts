// Generated secrets: their form, their checksum, and where their randomness comes from.
import { spawnSync } from 'node:child_process';
import { crc32 } from 'node:zlib';
import { assert } from 'chai';
import fc from 'fast-check';
import { generateToken, isGenerated } from '../../src/tokens/secret.js';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** CRC-32 in six base62 digits, reckoned another way than in the source. */
function checksumOf(text: string): string {
  let digits = '';
  for (let rest = BigInt(crc32(text)), i = 0; i < 6; i++, rest /= 62n)
    digits = BASE62[Number(rest % 62n)] + digits;
  return digits;
}

describe('A generated token', () => {
  it('is its prefix, 43 base62 characters and 6 of checksum', () => {
    for (const prefix of ['rt_', 'x', 'shop-session_', '_'.repeat(32)]) {
      const token = generateToken(prefix);
      assert.match(token.slice(prefix.length), /^[0-9A-Za-z]{49}$/);
      assert.isTrue(token.startsWith(prefix));
      assert.equal(token.slice(-6), checksumOf(token.slice(0, -6)));
      assert.isTrue(isGenerated(token, prefix));
    }
    assert.match(generateToken(), /^rt_/);
  });

  it('is known by its prefix: under another one it is not well-formed', () => {
    const token = generateToken('rt_');
    for (const prefix of ['', 'r', 'rt', 'rt_0', 'RT_', 'xx_']) assert.isFalse(isGenerated(token, prefix));
  });

  it('is refused with any one character changed, left out, doubled or added', () => {
    const token = generateToken();
    for (let i = 0; i < token.length; i++) {
      for (const char of `${BASE62}_-é `) {
        const changed = token.slice(0, i) + char + token.slice(i + 1);
        if (changed !== token) assert.isFalse(isGenerated(changed, 'rt_'), changed);
        assert.isFalse(isGenerated(token.slice(0, i) + char + token.slice(i), 'rt_'));
      }
      assert.isFalse(isGenerated(token.slice(0, i) + token.slice(i + 1), 'rt_'));
    }
    assert.isFalse(isGenerated(`${token}\n`, 'rt_'));
  });

  it('is refused with two neighbours swapped', () => {
    const token = generateToken();
    for (let i = 0; i + 1 < token.length; i++) {
      const [a, b] = [token.charAt(i), token.charAt(i + 1)];
      if (a === b) continue;
      assert.isFalse(isGenerated(token.slice(0, i) + b + a + token.slice(i + 2), 'rt_'));
    }
  });

  it('is hardly ever found by chance', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9A-Za-z]{49}$/), (body) => {
        const token = `rt_${body}`;
        assert.equal(isGenerated(token, 'rt_'), checksumOf(token.slice(0, -6)) === token.slice(-6));
      }),
    );
  });

  it('never comes twice', () => {
    const tokens = new Set(Array.from({ length: 100_000 }, () => generateToken()));
    assert.equal(tokens.size, 100_000);
  });

  it('favours no character', () => {
    const counts = new Map<string, number>();
    for (let i = 0; i < 5_000; i++) {
      for (const char of generateToken().slice(3, 46)) counts.set(char, (counts.get(char) ?? 0) + 1);
    }
    assert.equal(counts.size, 62);
    const expected = (5_000 * 43) / 62;
    const chiSquare = [...counts.values()].reduce(
      (sum, count) => sum + (count - expected) ** 2 / expected,
      0,
    );
    assert.isBelow(chiSquare, 130); // 61 degrees of freedom: once in a million runs
  });

  it('is drawn from the CSPRNG, at least 32 bytes of it', () => {
    // In a process of its own: what a module imports by name is bound before a spy could stand in.
    const program = `
      import crypto from 'node:crypto';
      import { syncBuiltinESMExports } from 'node:module';
      let drawn = 0;
      const { randomBytes } = crypto;
      crypto.randomBytes = (size) => { drawn += size; return randomBytes(size); };
      Math.random = () => { throw new Error('Math.random is no CSPRNG'); };
      syncBuiltinESMExports();
      const { generateToken } = await import('./src/tokens/secret.ts');
      for (let i = 0; i < 12800; i++) generateToken();
      console.log(drawn / 12800);
    `;
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '--eval', program],
      { encoding: 'utf8' },
    );
    assert.isAtLeast(Number.parseInt(stdout, 10), 43, stderr); // a byte for each character
  });

  it('uses what was drawn: no draw, no token', () => {
    const program = `
      import crypto from 'node:crypto';
      import { syncBuiltinESMExports } from 'node:module';
      crypto.randomBytes = (size) => Buffer.alloc(size, 61);
      syncBuiltinESMExports();
      const { generateToken } = await import('./src/tokens/secret.ts');
      console.log(generateToken());
    `;
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '--eval', program],
      { encoding: 'utf8' },
    );
    assert.equal(stdout.slice(0, 46), `rt_${'z'.repeat(43)}`, stderr);
  });
});
