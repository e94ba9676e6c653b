// Ids: what they depend on, and where they lie.
import { createHash, createHmac, createSecretKey } from 'node:crypto';
import { assert } from 'chai';
import fc from 'fast-check';
import { ID_PATTERN, ownerShard, shardOf, tokenId } from '../../src/tokens/identity.js';
import { resolveTokenOptions } from '../../src/tokens/options.js';
import { Sealer } from '../../src/tokens/sealer.js';
import { generateToken } from '../../src/tokens/secret.js';

const clock = { now: () => Date.now() * 1_000, reckoned: () => Date.now() * 1_000 };
const PEPPER = 'a key that nobody else has, of 32 bytes or more';
const sealerOf = (options = {}) => new Sealer(resolveTokenOptions(options), clock);

describe('The id of a token', () => {
  it('is 22 base64url characters of SHA-256 over app, type and token', () => {
    const digest = createHash('sha256').update('shop\0session\0secret').digest('base64url');
    assert.equal(tokenId('shop', 'session', 'secret'), digest.slice(0, 22));
    assert.match(digest.slice(0, 22), ID_PATTERN);
  });

  it('is another in every other scope: a token of one is unknown in all others', () => {
    const scopes = ['shop', 'mill', 'a:b', 'a', 'ab', ''].flatMap((app) =>
      ['session', 'reset', 'api-key', 'b', 'b:c', ''].map((type) => ({ app, type })),
    );
    const token = generateToken();
    const ids = scopes.map(({ app, type }) => tokenId(app, type, token));
    assert.equal(new Set(ids).size, scopes.length);
  });

  it('keeps its first two characters under a pepper, and no others', () => {
    const pepper = createSecretKey(PEPPER, 'utf8');
    const plain = tokenId('shop', 'session', 'secret');
    const peppered = tokenId('shop', 'session', 'secret', pepper);
    const hmac = createHmac('sha256', PEPPER).update('shop\0session\0secret').digest('base64url');
    assert.equal(peppered, plain.slice(0, 2) + hmac.slice(2, 22));
    assert.notEqual(peppered.slice(2), plain.slice(2));
    const other = tokenId('shop', 'session', 'secret', createSecretKey(`${PEPPER}.`, 'utf8'));
    assert.equal(other.slice(0, 2), plain.slice(0, 2));
    assert.notEqual(other.slice(2), peppered.slice(2));
  });

  it('is never that of another app, type or token', () => {
    const sealer = sealerOf();
    const name = fc.string({
      unit: fc.constantFrom('a', 'b', ':', '%', '\u0001', '"', '🙂'),
      minLength: 1,
      maxLength: 3,
    });
    const token = fc.oneof(
      name,
      fc.string({
        unit: fc.constantFrom('a', '\ud800', '\udc00', '\ufffd', '\\'),
        minLength: 1,
        maxLength: 3,
      }),
    );
    const input = fc.record({ app: name, type: name, token });
    fc.assert(
      fc.property(input, input, (a, b) => {
        const same = a.app === b.app && a.type === b.type && a.token === b.token;
        assert.equal(sealer.idOf(a) === sealer.idOf(b), same);
      }),
      { numRuns: 5_000 },
    );
  });

  it('tells texts apart that are not well-formed, though their bytes are the same', () => {
    const sealer = sealerOf();
    const ids = ['\ud800', '\udfff', '\ufffd', '\ud800\ud800', '"\\ud800"'].map((token) =>
      sealer.idOf({ app: 'shop', type: 'session', token }),
    );
    assert.equal(new Set(ids).size, ids.length);
  });
});

describe('The shard of an id', () => {
  it('is its first 12 bits, modulo the number of shards', () => {
    assert.equal(shardOf('AA', 4_096), 0);
    assert.equal(shardOf('AB', 4_096), 1);
    assert.equal(shardOf('BA', 4_096), 64);
    assert.equal(shardOf('__', 4_096), 4_095);
    assert.equal(shardOf('__', 16), 15);
    assert.equal(shardOf('-A', 4_096), 62 * 64);
    assert.equal(shardOf('__', 1), 0);
  });

  it('of an owner comes from the digest of scope and owner', () => {
    const digest = createHash('sha256').update('shop\0session\0ann').digest();
    const twelveBits = digest.readUInt16BE(0) >>> 4;
    for (const shards of [1, 2, 16, 4_096]) {
      assert.equal(ownerShard('shop', 'session', 'ann', shards), twelveBits % shards);
    }
  });

  for (const pepper of [undefined, PEPPER]) {
    it(`is for every generated token that of its owner${pepper ? ', under a pepper too' : ''}`, () => {
      for (const shards of [1, 2, 16, 256]) {
        const sealer = sealerOf({ shards, pepper });
        for (const owner of ['ann', 'bob', '🙂']) {
          const { command, token } = sealer.seal('create', {
            app: 'shop',
            type: 'session',
            owner,
            duration: 60,
          });
          assert.equal(shardOf(command.id, shards), ownerShard('shop', 'session', owner, shards));
          assert.equal(sealer.idOf({ app: 'shop', type: 'session', token: token as string }), command.id);
        }
      }
    });
  }

  it('is for a custom token wherever its id falls', () => {
    const sealer = sealerOf({ shards: 16 });
    const shards = Array.from({ length: 100 }, (_, i) => {
      const input = { app: 'shop', type: 'session', owner: 'ann', duration: 60, customToken: `code ${i}` };
      return shardOf(sealer.seal('create', input).command.id, 16);
    });
    assert.isAbove(new Set(shards).size, 8);
  });
});
