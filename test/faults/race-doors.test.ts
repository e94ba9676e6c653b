// A create through one door and a revocation through the other: whichever arrives first, the token is dead.
import { setTimeout as wait } from 'node:timers/promises';
import { assert } from 'chai';
import { generateToken, RedisTokens, type Token, type TokenProducer } from '../../src/index.js';
import { SCOPE, Stage } from '../queue/stage.js';
import { Chance } from '../support/chance.js';
import { Sender } from './held-client.js';

const BATCHES = 9;
const ROUNDS = 112; // in each batch: more than a thousand in all
const ORDERS = ['create first', 'revocation first', 'at once'] as const;

/** Two doors reckon Redis' time each for itself: what is issued closer than their error has no order. */
const CLOCK_ERROR = 25; // ms; generous, for a machine that is busy
const PATIENT = { timeout: 30_000 };

interface Round {
  type: string;
  owner: string;
  token: string;
  custom: boolean;
}

type Door = Pick<TokenProducer, 'idOf' | 'create' | 'delete' | 'deleteById' | 'deleteAll' | 'deleteScope'>;

/** A round has an owner and a scope of its own. */
const REVOCATIONS = {
  delete: (door: Door, { type, token }: Round) => door.delete({ ...SCOPE, type, token }),
  deleteById: (door: Door, { type, token }: Round) =>
    door.deleteById({ ...SCOPE, type, id: door.idOf({ ...SCOPE, type, token }) }),
  deleteAll: (door: Door, { type, owner }: Round) => door.deleteAll({ ...SCOPE, type, owner }),
  deleteScope: (door: Door, { type }: Round) => door.deleteScope({ ...SCOPE, type }),
};
type Revocation = keyof typeof REVOCATIONS;

describe('Through two doors', function () {
  this.timeout(60_000);
  const stage = new Stage();
  const chance = Chance.ofEachTest();
  const senders = { create: new Sender(), revoke: new Sender() };
  let tokens: RedisTokens;
  let revoker: RedisTokens;
  let producer: TokenProducer;
  let release: () => void;
  let gate: Promise<void>;

  beforeEach(async () => {
    const open = (sender: Sender) => {
      const client = sender.client(stage.url);
      stage.opened.later(client, () => client.disconnect());
      return stage.opened.add(new RedisTokens(client, { prefix: stage.prefix, ...PATIENT, cache: {} }));
    };
    [tokens, revoker] = [open(senders.create), open(senders.revoke)];
    producer = stage.producer(PATIENT);
    for (let i = 0; i < 2; i++) await stage.startWorker({ concurrency: 8 });
    await Promise.all([tokens.ready(), revoker.ready(), producer.ready()]);
  });

  for (const revocation of Object.keys(REVOCATIONS) as Revocation[]) {
    it(`a create in process does not outlive a ${revocation} over the queue`, () =>
      race(revocation, tokens, producer, {
        hold: async (side) => {
          if (side === 'revocation') return stage.queue('revocations').pause();
          senders.create.beforeScript = () => gate;
        },
        letGo: async (side) => {
          if (side === 'revocation') return stage.queue('revocations').resume();
          senders.create.beforeScript = () => {};
        },
      }));

    it(`a create over the queue does not outlive a ${revocation} in process`, () =>
      race(revocation, producer, revoker, {
        hold: async (side) => {
          if (side === 'create') return stage.queue('commands').pause();
          senders.revoke.beforeScript = () => gate;
        },
        letGo: async (side) => {
          if (side === 'create') return stage.queue('commands').resume();
          senders.revoke.beforeScript = () => {};
        },
      }));
  }

  type Side = 'create' | 'revocation';
  type Control = Record<'hold' | 'letGo', (side: Side) => Promise<void>>;

  async function race(
    revocation: Revocation,
    creator: Door,
    ender: Door,
    { hold, letGo }: Control,
  ): Promise<void> {
    const ends = new Map<string, number>();
    const handedOut: Token[] = [];
    for (let batch = 0; batch < BATCHES; batch++) {
      const order = ORDERS[batch % ORDERS.length] as (typeof ORDERS)[number];
      gate = new Promise((resolve) => {
        release = resolve;
      });
      const late = order === 'at once' ? undefined : order === 'create first' ? 'revocation' : 'create';
      if (late) await hold(late);
      const rounds = Array.from({ length: ROUNDS }, (_, i) => newRound(`${batch}-${i}`));
      const creates = rounds.map(({ type, owner, token, custom }) => {
        // Whoever deletes a token has to know it.
        const own = custom || ['delete', 'deleteById'].includes(revocation) ? { customToken: token } : {};
        return creator.create({ ...SCOPE, type, owner, duration: 600, ...own });
      });
      const created = Promise.allSettled(creates);
      if (order === 'create first') await created;
      await wait(CLOCK_ERROR);
      const revocations = Promise.all(
        chance.shuffled(rounds).map((round) => REVOCATIONS[revocation](ender, round)),
      );
      if (late === 'create') await revocations;
      if (late) await letGo(late);
      release();
      await revocations;
      for (const outcome of await created) {
        const end = outcome.status === 'fulfilled' ? 'made' : String(outcome.reason.code);
        ends.set(`${end}, ${order}`, (ends.get(`${end}, ${order}`) ?? 0) + 1);
        if (outcome.status === 'fulfilled') handedOut.push(outcome.value);
      }
      const found = await Promise.all(
        handedOut.map(({ type, token }) => revoker.get({ ...SCOPE, type, token })),
      );
      assert.deepEqual(
        found.filter((token) => token !== undefined),
        [],
        order,
      );
    }
    const all = (BATCHES / ORDERS.length) * ROUNDS;
    assert.equal(ends.get('made, create first'), all);
    assert.equal(ends.get('TOKEN_REVOKED, revocation first'), all);
    const atOnce = (ends.get('made, at once') ?? 0) + (ends.get('TOKEN_REVOKED, at once') ?? 0);
    assert.equal(atOnce, all);
    const left = await stage.redis.keys(`{${stage.prefix}:0}:[tos]:*`);
    assert.deepEqual(left, [], 'records and members of indexes');
  }

  function newRound(name: string): Round {
    const custom = chance.is(0.5);
    return {
      type: `session-${name}`,
      owner: `owner-${name}`,
      token: custom ? `code-${name}` : generateToken(),
      custom,
    };
  }
});
