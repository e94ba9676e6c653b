// What was rejected as not applied is never applied, and what was answered always is: for many rounds of faults.
import { assert } from 'chai';
import { Ledger } from '../faults/redis-ledger.js';
import { admit } from '../faults/redis-patient.js';
import { Chance } from '../support/chance.js';
import { Opened } from '../support/opened.js';

const LEDGERS = 10;
const ROUNDS = 25;

describe('Changes in flight, for long, when the way to Redis fails', function () {
  this.timeout(600_000);
  const opened = new Opened();
  const chance = Chance.ofEachTest();

  it(`are told the truth about, ${LEDGERS} times ${ROUNDS} rounds over`, async () => {
    const told = { done: 0, none: 0, unknown: 0 };
    for (let i = 0; i < LEDGERS; i++) {
      const ledger = new Ledger(await admit(opened), chance);
      for (let round = 0; round < ROUNDS; round++) await ledger.round();
      const counts = ledger.counts();
      for (const outcome of Object.keys(told) as (keyof typeof told)[]) told[outcome] += counts[outcome];
      await opened.close();
    }
    for (const [outcome, count] of Object.entries(told))
      assert.isAbove(count, 0, `${outcome}: else it looked away`);
  });
});
