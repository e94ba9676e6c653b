// What a call was refused with.
import { assert } from 'chai';
import type { TokenError } from '../../src/tokens/errors.js';

// biome-ignore lint/suspicious/noExplicitAny: of every class of errors, whatever it is made from
type Class<E> = new (...args: any[]) => E;

/** Resolves to the error of a call that must be refused with one of this very class. */
export async function refused<E extends TokenError>(call: Promise<unknown>, kind: Class<E>): Promise<E> {
  const error = await call.then(
    (answer) => assert.fail(`it answered ${JSON.stringify(answer)}`),
    (reason: unknown) => reason as E,
  );
  assert.instanceOf(error, kind);
  assert.equal(error.constructor, kind, String(error));
  return error;
}
