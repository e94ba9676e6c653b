// What was rejected as not applied is never applied, and what was answered always is, wherever the way is cut.
import { assert } from 'chai';
import { Chance } from '../support/chance.js';
import { Opened } from '../support/opened.js';
import { Ledger } from './redis-ledger.js';
import { admit } from './redis-patient.js';

const ROUNDS = 12;

describe('Changes in flight when the way to Redis fails', function () {
  this.timeout(60_000);
  const opened = new Opened();
  const chance = Chance.ofEachTest();

  it(`are told the truth about, ${ROUNDS} rounds over`, async () => {
    const ledger = new Ledger(await admit(opened), chance);
    for (let round = 0; round < ROUNDS; round++) await ledger.round();
    const { done, unknown } = ledger.counts(); // few rounds may end in no `none`
    for (const count of [done, unknown]) assert.isAbove(count, 0, JSON.stringify(ledger.counts()));
  });
});
