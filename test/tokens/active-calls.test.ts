// Calls under way: closing waits for them, and lets no other begin.
import { assert } from 'chai';
import { ActiveCalls } from '../../src/tokens/active-calls.js';
import { ClosedError } from '../../src/tokens/errors.js';

/** Whether a promise has settled by now, that is within some turns of the event loop. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(
    () => (settled = true),
    () => (settled = true),
  );
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
  return settled;
}

describe('Active calls', () => {
  it('answer what the call answers, and reject with what it throws', async () => {
    const calls = new ActiveCalls('It');
    assert.equal(await calls.run(() => 1), 1);
    assert.equal(await calls.run(async () => 2), 2);
    const fault = new Error('fault');
    const thrown = await calls
      .run(() => {
        throw fault;
      })
      .catch((error: unknown) => error);
    assert.equal(thrown, fault);
    assert.equal(await calls.run(() => Promise.reject(fault)).catch((error: unknown) => error), fault);
  });

  it('are waited for, those that fail too', async () => {
    const calls = new ActiveCalls('It');
    let answer = () => {};
    let fail = (_: Error) => {};
    const first = calls.run(() => new Promise<void>((resolve) => (answer = resolve)));
    const second = calls.run(() => new Promise<void>((_, reject) => (fail = reject)));
    second.catch(() => {});
    const closed = calls.close();
    assert.isFalse(await isSettled(closed));
    answer();
    await first;
    assert.isFalse(await isSettled(closed));
    fail(new Error('fault'));
    await closed;
  });

  it('can not begin once closing has begun', async () => {
    const calls = new ActiveCalls('RedisTokens');
    assert.isFalse(calls.closed);
    let answer = () => {};
    const under = calls.run(() => new Promise<void>((resolve) => (answer = resolve)));
    const closed = calls.close();
    assert.isTrue(calls.closed);
    let begun = false;
    const error = await calls
      .run(() => {
        begun = true;
      })
      .catch((reason: unknown) => reason);
    assert.instanceOf(error, ClosedError);
    assert.equal((error as Error).message, 'RedisTokens is closed');
    assert.isFalse(begun);
    answer();
    await Promise.all([under, closed]);
  });

  it('may be closed twice, at once or later', async () => {
    const calls = new ActiveCalls('It');
    await Promise.all([calls.close(), calls.close()]);
    await calls.close();
  });
});
