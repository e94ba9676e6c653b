// What a failover loses of what was told as made: a ledger, with durability and without.
import { setTimeout as wait } from 'node:timers/promises';
import { assert } from 'chai';
import { RedisTokens, type Token } from '../../../src/index.js';
import type { DurabilityOptions } from '../../../src/tokens/options.js';
import { Opened } from '../../support/opened.js';
import { Replicated } from '../../support/replicated.js';

const ANN = { app: 'shop', type: 'session', owner: 'ann', duration: 600 };

/** Milliseconds that a change is on its way to the replica. */
const LAG = 100;

/** Milliseconds until the primary is killed, and users at a time. */
const BUSY = 1_500;
const USERS = 16;

interface Ledger {
  /** As it was told: a token that lives, or one that was revoked. */
  made: Token[];
  revoked: Token[];
}

interface Lost {
  created: number;
  revoked: number;
  of: { created: number; revoked: number };
}

describe('What a failover loses', function () {
  this.timeout(60_000);
  const opened = new Opened();

  it('without durability: what was made within the lag of the replica, revocations too', async () => {
    const lost = await failOver();
    assert.isAbove(lost.created, 0);
    assert.isAbove(lost.revoked, 0);
  });

  it('with durability of revocations: no revocation that was told as made', async () => {
    const lost = await failOver({ replicas: 1, timeout: 2_000 });
    assert.equal(lost.revoked, 0);
    assert.isAbove(lost.created, 0);
  });

  it('with durability of changes: nothing that was told as made', async () => {
    const lost = await failOver({ replicas: 1, timeout: 2_000, of: 'changes' });
    assert.equal(lost.revoked, 0);
    assert.equal(lost.created, 0);
  });

  /** The primary is killed under load, and what was on its way to the replica is gone with it. */
  async function failOver(durability?: DurabilityOptions): Promise<Lost> {
    const redis = await Replicated.open(opened);
    const tokens = opened.add(new RedisTokens(redis.primary.url, { durability, timeout: 500 }));
    await tokens.ready();
    redis.link.delay = LAG;
    const ledger: Ledger = { made: [], revoked: [] };
    let isOver = false;
    const users = Array.from({ length: USERS }, async () => {
      while (!isOver) {
        const made = await tokens.create(ANN).catch(() => undefined);
        if (made) ledger.made.push(made);
        const other = ledger.made.length > 50 ? ledger.made.shift() : undefined;
        if (other && (await tokens.delete(other).catch(() => false))) ledger.revoked.push(other);
        await wait(1);
      }
    });
    await wait(BUSY);
    redis.primary.kill('SIGKILL');
    redis.link.shut();
    isOver = true;
    await Promise.all(users);
    await redis.of.replica.replicaof('NO', 'ONE');
    const after = opened.add(new RedisTokens(redis.replica.url, {}));
    const alive = async (all: Token[]) =>
      (await Promise.all(all.map((token) => after.get(token)))).filter(Boolean).length;
    const lost: Lost = {
      created: ledger.made.length - (await alive(ledger.made)),
      revoked: await alive(ledger.revoked),
      of: { created: ledger.made.length + ledger.revoked.length, revoked: ledger.revoked.length },
    };
    console.log(`      lost of what was told as made: ${JSON.stringify(lost)}`);
    return lost;
  }
});
