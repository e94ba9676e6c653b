// Rotations against a revocation, and against each other: no successor outlives what its token did not.
import { assert } from 'chai';
import type { TokenRecord } from '../../src/index.js';
import type { WireCommand } from '../../src/queue/wire.js';
import { newNonce, successorOf } from '../../src/tokens/secret.js';
import { SCOPE } from '../queue/stage.js';
import { ORDERS, Race } from './race.js';

const ROUNDS = 200; // in each of four orders

describe('Over the queue', function () {
  this.timeout(60_000);
  const race = new Race();
  const { chance } = race;

  /** A rotation as a sender makes it: its successor in the token's shard. */
  function rotation(token: string): { id: string; successor: string; nonce: string; secret: string } {
    const id = race.tokens.idOf({ ...SCOPE, token });
    for (;;) {
      const nonce = newNonce();
      const secret = successorOf(token, nonce, 'rt_');
      const successor = race.tokens.idOf({ ...SCOPE, token: secret });
      if (race.shardOf(successor) === race.shardOf(id)) return { id, successor, nonce, secret };
    }
  }

  const make = () =>
    Promise.all(
      Array.from({ length: ROUNDS }, (_, i) =>
        race.tokens.create({ ...SCOPE, owner: `owner-${i}`, duration: 600 }),
      ),
    );

  /** What each revocation is told of a token; of all there are, it is told once. */
  const revoking = {
    delete: ({ id }: TokenRecord) => ({ id }),
    deleteAll: ({ owner }: TokenRecord) => ({ owner }),
    deleteById: ({ id, owner }: TokenRecord) => ({ id, owner }),
    deleteScope: undefined,
    deleteApp: undefined,
  };

  for (const [revocation, fieldsOf] of Object.entries(revoking)) {
    for (const order of ORDERS) {
      it(`no rotation carries a token past its ${revocation} (${order})`, async () => {
        const made = await make();
        const commands: WireCommand[] = [];
        const latest = Math.max(...made.map(({ createdAt }) => createdAt)) * 1_000;
        const successors: string[] = [];
        const send = (op: string, after: number, fields: object) =>
          commands.push({
            commandId: `${op}-${commands.length}`,
            op: op as WireCommand['op'],
            issuedAt: latest + 2_000 + after,
            ...fields,
          });
        const moments = [0, 5_000, 10_000];
        for (const one of made) {
          const { id, token } = one;
          for (let i = 0; i < 2; i++) {
            const { secret, ...rotated } = rotation(token);
            successors.push(secret);
            send('rotate', chance.pick(moments), { ...SCOPE, ...rotated, grace: 60 });
            const { secret: last, ...further } = rotation(secret);
            successors.push(last);
            send('rotate', chance.pick(moments), { ...SCOPE, ...further, grace: chance.pick([0, 60]) });
          }
          send('update', chance.pick(moments), { ...SCOPE, id, data: { a: 1 } });
          if (fieldsOf) send(revocation, 5_000, { ...SCOPE, ...fieldsOf(one) });
        }
        if (revocation === 'deleteScope') send(revocation, 5_000, SCOPE);
        if (revocation === 'deleteApp') send(revocation, 5_000, { app: SCOPE.app });

        await race.deliver(chance.shuffled(commands), order);

        for (const [i, { status, value }] of (await race.results(commands)).entries()) {
          const { op } = commands[i] as WireCommand;
          assert.equal(status, 'completed');
          race.count(`${op}: ${value ? 'done' : 'nothing'}`);
        }
        const all = [...made.map(({ token }) => token), ...successors];
        const found = await Promise.all(all.map((token) => race.tokens.get({ ...SCOPE, token })));
        assert.deepEqual(
          found.filter((token) => token !== undefined),
          [],
        );
        assert.deepEqual(await race.stored(), { records: [], ofOwners: [], ofScopes: [] });
        assert.equal(race.happened.get(`${revocation}: done`), fieldsOf ? ROUNDS : 1);
        const early = order === 'commands first' || order === 'revocations held';
        // Where half of the revocations are held, some two rotations of each of their tokens are done.
        // One for all is held or not: the race is open.
        if (!fieldsOf && order.endsWith('held')) return;
        if (early) assert.isAtLeast(race.happened.get('rotate: done') ?? 0, ROUNDS / 2);
        else assert.isAtLeast(race.happened.get('rotate: nothing') ?? 0, ROUNDS / 2);
      });
    }
  }

  it('all rotations of a token make one successor, which each is answered, in whatever troubles', async () => {
    const made = await make();
    const commands: WireCommand[] = [];
    for (const { token } of made) {
      for (let i = 0; i < 4; i++) {
        const { secret: _, ...rotated } = rotation(token);
        const issuedAt = Date.now() * 1_000;
        commands.push({
          commandId: `r-${commands.length}`,
          op: 'rotate',
          issuedAt,
          ...SCOPE,
          ...rotated,
          grace: 300,
        });
      }
    }
    await race.deliver(chance.shuffled(commands), 'commands first');
    const answers = new Map<string, Set<string>>();
    for (const [i, { value }] of (await race.results(commands)).entries()) {
      const { id } = commands[i] as WireCommand & { id: string };
      const { id: successor, nonce } = value as { id: string; nonce: string };
      answers.set(id, (answers.get(id) ?? new Set()).add(`${successor} ${nonce}`));
    }
    for (const { id, token } of made) {
      const [only, ...others] = answers.get(id) ?? [];
      assert.deepEqual(others, []);
      const secret = successorOf(token, only?.split(' ')[1] as string, 'rt_');
      assert.equal((await race.tokens.get({ ...SCOPE, token: secret }))?.id, only?.split(' ')[0]);
    }
    assert.lengthOf((await race.stored()).records, ROUNDS);
  });
});
