// Presented tokens, cursors and names that hold anything: what can not be is nobody's, and costs no round trip.
import { assert } from 'chai';
import fc from 'fast-check';
import { formatCursor, parseCursor } from '../../../src/events/shard-cursor.js';
import { TokenSubscriber } from '../../../src/index.js';
import { ConfigError, ValidationError } from '../../../src/tokens/errors.js';
import { InProcessTokens } from '../../../src/tokens/in-process.js';
import { resolveTokenOptions } from '../../../src/tokens/options.js';
import { decodeOwnerCursor, encodeOwnerCursor } from '../../../src/tokens/owner-cursor.js';
import { generateToken, isGenerated, newNonce, successorOf } from '../../../src/tokens/secret.js';
import { untouchableRepository } from '../../support/untouchable-repository.js';
import { fuzz, TIMEOUT } from './fuzz.js';
import { garbled, json, text } from './hostile.js';

const SCOPE = { app: 'shop', type: 'session' };
const tokens = Array.from({ length: 20 }, () => generateToken());
const generated = fc.constantFrom(...tokens);
const presented = fc.oneof(text, generated, garbled(generated));

interface Names {
  app: string;
  type: string;
  token: string;
}

/** Whether a create can have made it. */
function isPossible(token: string): boolean {
  if (token.startsWith('rt_')) return isGenerated(token, 'rt_');
  return token !== '' && [...token].length <= 1_024 && token.isWellFormed() && !token.includes('\0');
}

describe('Fuzzing: tokens', function () {
  this.timeout(TIMEOUT);

  it('that can not be alive read as missing, by every operation, without a round trip', () => {
    const { repository, touched } = untouchableRepository(true);
    const door = new InProcessTokens('Tokens', repository, resolveTokenOptions({}));
    const operations: Record<string, (token: string) => Promise<unknown>> = {
      get: (token) => door.get({ ...SCOPE, token }),
      update: (token) => door.update({ ...SCOPE, token, data: { a: 1 } }),
      refresh: (token) => door.refresh({ ...SCOPE, token, duration: 60 }),
      rotate: (token) => door.rotate({ ...SCOPE, token }),
      consume: (token) => door.consume({ ...SCOPE, token }),
      delete: (token) => door.delete({ ...SCOPE, token }),
    };
    return fuzz(
      fc.tuple(presented, fc.constantFrom(...Object.keys(operations))),
      [],
      async ([token, name]) => {
        assert.match(door.idOf({ ...SCOPE, token }), /^[\w-]{22}$/);
        touched.length = 0;
        const answer = await operations[name]?.(token).catch((error: unknown) => error);
        if (touched.length > 0) assert.isTrue(isPossible(token), 'it was looked up');
        else {
          // Custom tokens have no successors.
          const isRotated = name !== 'rotate' || token.startsWith('rt_');
          assert.isFalse(isPossible(token) && isRotated, 'it was not looked up');
          assert.equal(answer, name === 'delete' ? false : undefined);
        }
      },
    );
  });

  it('that are generated are no others with a character changed', () =>
    fuzz(fc.tuple(generated, garbled(generated)), [], ([token, wrong]) => {
      assert.isTrue(isGenerated(token, 'rt_'));
      assert.equal(isGenerated(wrong, 'rt_'), tokens.includes(wrong));
      assert.isTrue(isGenerated(successorOf(token, newNonce(), 'rt_'), 'rt_'));
    }));

  it('have ids that no other scope or token has', () => {
    const { repository } = untouchableRepository(true);
    const door = new InProcessTokens('Tokens', repository, resolveTokenOptions({}));
    // Two of the same characters in the same order, cut in different places.
    const cut = fc.tuple(fc.nat(6), fc.nat(6)).map((places) => places.sort((one, other) => one - other));
    const pairs = fc.tuple(fc.array(text, { minLength: 3, maxLength: 3 }), cut, cut).map(([texts, ...cuts]) =>
      cuts.map(([first, second]) => {
        const whole = texts.join('');
        return { app: whole.slice(0, first), type: whole.slice(first, second), token: whole.slice(second) };
      }),
    ) as unknown as fc.Arbitrary<[Names, Names]>;
    const idOf = (input: Names) => {
      try {
        return door.idOf(input);
      } catch (error) {
        assert.instanceOf(error, ValidationError);
        return undefined;
      }
    };
    return fuzz(pairs, [], ([one, other]) => {
      const [first, second] = [idOf(one), idOf(other)];
      if (first === undefined || second === undefined || first !== second) return;
      assert.deepEqual(wellFormed(one), wellFormed(other));
    });
  });

  it('have owners’ cursors and subscribers’ cursors that are read as they were given, or not at all', () => {
    const cursors = fc.oneof(
      ...[text, json.map((value) => Buffer.from(JSON.stringify(value)).toString('base64url'))],
      garbled(
        fc.constantFrom(encodeOwnerCursor({ shard: 3, from: '0', next: '17', after: 'ann' }), '0:1-0,1:0-0'),
      ),
    );
    return fuzz(cursors, [], (cursor) => {
      const place = decodeOwnerCursor(cursor);
      if (place) assert.deepEqual(decodeOwnerCursor(encodeOwnerCursor(place)), place);
      const ids = parseCursor(cursor);
      if (ids) assert.equal(formatCursor(ids), cursor);
      try {
        new TokenSubscriber('redis://localhost:1', { from: cursor }).close();
      } catch (error) {
        assert.instanceOf(error, ConfigError);
        assert.isUndefined(ids);
      }
    });
  });
});

/** What is hashed of it: a lone surrogate is replaced, as in any UTF-8. */
const wellFormed = (input: Names) =>
  Object.fromEntries(Object.entries(input).map(([name, value]) => [name, value.toWellFormed()]));
