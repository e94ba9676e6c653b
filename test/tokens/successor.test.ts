// Secrets of successors: what they follow from, and what they do not follow from.
import { createHmac } from 'node:crypto';
import { assert } from 'chai';
import { generateToken, isGenerated, newNonce, successorOf } from '../../src/tokens/secret.js';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** HKDF-SHA-256 as RFC 5869 writes it, sections 2.2 and 2.3. */
function hkdf(ikm: string, salt: Buffer, info: string, length: number): Buffer {
  const key = createHmac('sha256', salt).update(ikm).digest();
  let [block, output] = [Buffer.alloc(0), Buffer.alloc(0)];
  for (let i = 1; output.length < length; i++) {
    block = createHmac('sha256', key)
      .update(Buffer.concat([block, Buffer.from(info), Buffer.from([i])]))
      .digest();
    output = Buffer.concat([output, block]);
  }
  return output.subarray(0, length);
}

describe('The secret of a successor', () => {
  it('is HKDF-SHA-256 of the token with the nonce, as a generated token', () => {
    for (let i = 0; i < 50; i++) {
      const [token, nonce] = [generateToken(), newNonce()];
      const bytes = hkdf(token, Buffer.from(nonce, 'base64url'), 'redis-tokens successor 0', 64);
      const even = [...bytes].filter((byte) => byte < 248).slice(0, 43);
      const secret = even.map((byte) => BASE62[byte % 62]).join('');
      const successor = successorOf(token, nonce, 'rt_');
      assert.equal(successor.slice(0, -6), `rt_${secret}`);
      assert.isTrue(isGenerated(successor, 'rt_'));
      assert.equal(successorOf(token, nonce, 'rt_'), successor);
    }
  });

  it('is another with another token, and with another nonce', () => {
    const [token, nonce] = [generateToken(), newNonce()];
    const secrets = [
      successorOf(token, nonce, 'rt_'),
      successorOf(token, newNonce(), 'rt_'),
      successorOf(generateToken(), nonce, 'rt_'),
    ];
    assert.equal(new Set(secrets).size, 3);
    assert.match(nonce, /^[\w-]{43}$/, '32 bytes');
  });

  it('favours no character', () => {
    const counts = new Map<string, number>();
    const token = generateToken();
    for (let i = 0; i < 4_000; i++) {
      const secret = successorOf(token, newNonce(), '').slice(0, 43);
      for (const char of secret) counts.set(char, (counts.get(char) ?? 0) + 1);
    }
    assert.equal(counts.size, 62);
    const expected = (4_000 * 43) / 62;
    // With the bytes from 248 on, eight characters would come a quarter more often.
    for (const [char, count] of counts) assert.closeTo(count, expected, expected * 0.15, char);
  });
});
