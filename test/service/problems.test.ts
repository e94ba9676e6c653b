// What a worker's log says of what fails.
import { assert } from 'chai';
import { Problems } from '../../src/service/problems.js';
import { StoreUnavailableError } from '../../src/tokens/errors.js';
import { eventually } from '../support/eventually.js';

describe('The log of a worker', () => {
  const OOM = "OOM command not allowed when used memory > 'maxmemory'. script: 1e9b, on @user_script:";
  const refused = Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' });
  let said: string[];
  let stop: AbortController;
  let isBack: boolean;
  let problems: Problems;

  beforeEach(() => {
    said = [];
    isBack = true;
    stop = new AbortController();
    const reach = () => (isBack ? Promise.resolve() : Promise.reject(refused));
    problems = new Problems((event, line) => said.push(`${event}: ${line}`), reach, stop.signal);
  });

  it('says once that memory is full, whichever script was refused', () => {
    for (const line of [119, 311]) problems.tell(new Error(`${OOM}${line}.`));
    problems.tell(new StoreUnavailableError(`Redis refuses: ${OOM}7.`, 'none'));
    assert.deepEqual(said, ["redis-full: Redis' memory is full: jobs wait until there is memory"]);
  });

  it('says once that Redis is away, once that it is back, and that it is away anew', async () => {
    for (let i = 1; i <= 2; i++) {
      problems.tell(refused);
      problems.tell(refused);
      await eventually('it is back', () => said.length === 2 * i);
    }
    const outage = ['redis-lost: ECONNREFUSED', 'redis-back: Redis can be reached again'];
    assert.deepEqual(said, [...outage, ...outage]);
  });

  it('says nothing of a Redis that is away when it is to end, and all else', async () => {
    isBack = false;
    problems.tell(refused);
    stop.abort();
    problems.tell(new StoreUnavailableError('Redis can not be reached: not connected within 1 ms', 'none'));
    problems.tell(new Error('something else'));
    await new Promise(setImmediate);
    assert.deepEqual(said, ['redis-lost: ECONNREFUSED', 'worker-error: something else']);
  });
});
