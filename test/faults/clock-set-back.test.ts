// The wall clock of a process is set back while calls of it wait: they end in their time all the same.
import { assert } from 'chai';
import { type SinonFakeTimers, useFakeTimers } from 'sinon';
import { ResultTimeoutError, StoreUnavailableError } from '../../src/index.js';
import { Store } from '../../src/redis/store.js';
import { SCOPE, Stage } from '../queue/stage.js';
import { rejection } from '../support/eventually.js';
import { Way } from '../support/way.js';

const TIMEOUT = 400;
const HOUR = 3_600_000;

/** Milliseconds within which a call has ended: its time-out, and what a busy machine adds. */
const SOON = TIMEOUT + 1_500;

describe('A wall clock that is set back', () => {
  const stage = new Stage();
  let clock: SinonFakeTimers | undefined;
  afterEach(() => clock?.restore());

  /** What a call rejects with that begins before the clock is set back. */
  async function outcome(call: () => Promise<unknown>, meanwhile = () => {}): Promise<Error> {
    const begun = performance.now();
    clock = useFakeTimers({ now: Date.now(), toFake: ['Date'] });
    const called = rejection(call());
    clock.setSystemTime(Date.now() - HOUR);
    meanwhile();
    const error = await called;
    assert.isBelow(performance.now() - begun, SOON);
    return error;
  }

  it('makes nobody wait longer for a result', async () => {
    const producer = stage.producer();
    const receipt = await producer.enqueue('delete', { ...SCOPE, token: 'mine' });
    const error = await outcome(() => producer.result(receipt, { timeout: TIMEOUT }));
    assert.instanceOf(error, ResultTimeoutError);
  });

  it('makes no read wait longer for a connection that was lost', async () => {
    const way = stage.opened.add(await Way.open(stage.url));
    const store = stage.opened.add(new Store(way.url, TIMEOUT));
    await store.connected();
    const error = await outcome(
      () => store.read((client) => client.ping()),
      () => way.shut(),
    );
    assert.instanceOf(error, StoreUnavailableError);
  });
});
