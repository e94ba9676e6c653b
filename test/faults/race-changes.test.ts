// Updates, refreshes and uses against a revocation: whichever arrives first, none of them revives the token.
import { assert } from 'chai';
import type { WireCommand } from '../../src/queue/wire.js';
import { SCOPE } from '../queue/stage.js';
import { ORDERS, Race } from './race.js';

const ROUNDS = 300; // in each of four orders

describe('Over the queue', function () {
  this.timeout(60_000);
  const race = new Race();
  const { chance } = race;

  for (const revocation of ['delete', 'deleteAll'] as const) {
    for (const order of ORDERS) {
      it(`no update or refresh revives a token after its ${revocation} (${order})`, async () => {
        const made = await Promise.all(
          Array.from({ length: ROUNDS }, (_, i) =>
            race.tokens.create({
              ...SCOPE,
              owner: `owner-${i}`,
              duration: 600,
              ...(chance.is(0.5) && { customToken: `code-${i}` }),
              ...(chance.is(0.5) && { idle: 300 }),
            }),
          ),
        );
        const commands: WireCommand[] = [];
        const latest = Math.max(...made.map(({ createdAt }) => createdAt)) * 1_000;
        for (const { id, owner } of made) {
          const send = (op: WireCommand['op'], after: number, fields: object) =>
            commands.push({
              commandId: `${op}-${commands.length}`,
              op,
              issuedAt: latest + 2_000 + after,
              ...SCOPE,
              ...fields,
            });
          // Some were issued before the revocation, some after it, some at its very moment.
          const moments = [0, 5_000, 10_000];
          send('update', chance.pick(moments), { id, data: { a: 1 } });
          send('refresh', chance.pick(moments), { id, duration: chance.pick([60, 6_000]) });
          send('update', chance.pick(moments), { id, data: { b: null } });
          send('get', chance.pick(moments), { id }); // which the worker writes down as a use
          send(revocation, 5_000, revocation === 'delete' ? { id } : { owner });
        }

        await race.deliver(chance.shuffled(commands), order);

        for (const [i, { status, value }] of (await race.results(commands)).entries()) {
          const { op } = commands[i] as WireCommand;
          assert.equal(status, 'completed');
          race.count(`${op}: ${value ? 'done' : 'nothing'}`);
        }
        const found = await Promise.all(made.map(({ token }) => race.tokens.get({ ...SCOPE, token })));
        assert.deepEqual(
          found.filter((token) => token !== undefined),
          [],
        );
        assert.deepEqual(await race.stored(), { records: [], ofOwners: [], ofScopes: [] });
        // A revocation finds each token once, unless a change that had met its mark was before it.
        assert.equal(race.happened.get(`${revocation}: done`), ROUNDS);
        const early = order === 'commands first' || order === 'revocations held';
        if (early) assert.isAtLeast(race.happened.get('refresh: done') ?? 0, ROUNDS / 2);
        else assert.isAtLeast(race.happened.get('refresh: nothing') ?? 0, ROUNDS / 2);
      });
    }
  }
});
